import { CharSet, DFA, type TransitionIterable } from 'refa';
import type { Alphabet } from './alphabet.js';

/** Where nothing leads to a final state any more. */
export const DEAD = -1;

/** A deterministic automaton over the letters as a table, to walk along beside another automaton. */
export class LetterTable {
  readonly initial: number;
  readonly #size: number;
  readonly #next: Int32Array;
  readonly #finals: readonly boolean[];
  readonly #universal: readonly boolean[];
  readonly #max: number;
  readonly #steps = new Map<number, readonly (readonly [to: number, on: CharSet])[]>();

  private constructor(dfa: DFA, { size, max }: Alphabet) {
    const nodes = [...dfa.nodes()];
    const indices = new Map(nodes.map((node, index) => [node, index]));
    this.#size = size;
    this.#max = max;
    this.#finals = nodes.map((node) => dfa.finals.has(node));
    this.#next = new Int32Array(nodes.length * size).fill(DEAD);
    for (const [index, node] of nodes.entries()) {
      node.out.forEach((to, { min: first, max: last }) => {
        if (first >= size) return;
        this.#next.fill(indices.get(to) as number, index * size + first, index * size + Math.min(last, size - 1) + 1);
      });
    }
    const alive = this.#markDead(nodes.length);
    const initial = indices.get(dfa.initial) as number;
    this.initial = alive.has(initial) ? initial : DEAD;
    this.#universal = nodes.map((_, state) => this.#isUniversal(state));
  }

  /**
   * @param isComplement of the words that the automaton does not take
   * @throws {TooManyNodesError} of refa
   */
  static of<N>(automaton: TransitionIterable<N>, alphabet: Alphabet, isComplement = false): LetterTable {
    const dfa = DFA.fromFA(automaton, new DFA.LimitedNodeFactory(MAX_NODES));
    if (isComplement) dfa.complement();
    dfa.minimize();
    return new LetterTable(dfa, alphabet);
  }

  next(state: number, letter: number): number {
    return this.#next[state * this.#size + letter] as number;
  }

  /** Where the letters lead from a state: each state that can be reached, with the letters that lead to it. */
  steps(state: number): readonly (readonly [to: number, on: CharSet])[] {
    let steps = this.#steps.get(state);
    if (!steps) {
      const letters = new Map<number, number[]>();
      for (let letter = 0; letter < this.#size; letter++) {
        const to = this.next(state, letter);
        if (to === DEAD) continue;
        const known = letters.get(to);
        if (known) known.push(letter);
        else letters.set(to, [letter]);
      }
      steps = [...letters].map(([to, on]) => [to, CharSet.fromCharacters(this.#max, on)] as const);
      this.#steps.set(state, steps);
    }
    return steps;
  }

  isFinal(state: number): boolean {
    return this.#finals[state] === true;
  }

  /** Whether every word leads from here to a final state. */
  isUniversal(state: number): boolean {
    return this.#universal[state] === true;
  }

  /** Marks what leads to no final state as dead, and gives the others. */
  #markDead(count: number): ReadonlySet<number> {
    const alive = new Set(this.#finals.flatMap((isFinal, state) => (isFinal ? [state] : [])));
    for (let before = -1; before !== alive.size; ) {
      before = alive.size;
      for (let state = 0; state < count; state++) {
        if (alive.has(state)) continue;
        for (let letter = 0; letter < this.#size; letter++) {
          if (!alive.has(this.next(state, letter))) continue;
          alive.add(state);
          break;
        }
      }
    }
    for (const [index, to] of this.#next.entries()) if (to !== DEAD && !alive.has(to)) this.#next[index] = DEAD;
    return alive;
  }

  /** In a minimal automaton it is a state that leads nowhere else. */
  #isUniversal(state: number): boolean {
    if (!this.#finals[state]) return false;
    for (let letter = 0; letter < this.#size; letter++) if (this.next(state, letter) !== state) return false;
    return true;
  }
}

/** Look-arounds and numbers have some dozens. */
const MAX_NODES = 2_000;
