import { CharSet, isDisjointWith } from 'refa';
import type { Alphabet } from './alphabet.js';
import { type Automaton, TooLargeError } from './automaton.js';

/** The automata that may still take a word, after what was read of it. */
export interface UnionState {
  readonly id: number;
  /** Indices of the automata that take the word as it is. */
  readonly taking: readonly number[];
  /** Indices of the automata that take it, or may with more letters. */
  readonly members: readonly number[];
}

/** States of all automata, by a number of their own, in ascending order. */
interface Subset extends UnionState {
  readonly nodes: readonly number[];
  steps?: readonly (readonly [to: UnionState, on: CharSet])[];
}

/** States that a union may have: some thousand rules have some ten thousand. */
const MAX_STATES = 100_000;
/** Steps for one walk: about 50 ms. */
const MAX_WORK = 300_000;
/** So few are asked one after the other. */
const MAX_ONE_BY_ONE = 4;

/**
 * Many automata, walked along together: asking all of them costs about the same as asking one, as long as they begin
 * differently. Made deterministic as far as somebody walks.
 */
export class UnionAutomaton {
  /** Before the first letter. */
  readonly initial: UnionState;
  /** Where none of the automata takes anything any more. */
  readonly nowhere: UnionState;
  readonly #alphabet: Alphabet;
  readonly #automata: readonly Automaton[];
  /** By automaton: the number of its first state. */
  readonly #offsets: readonly number[];
  /** By state: the automaton that it is of. */
  readonly #owners: Int32Array;
  readonly #subsets = new Map<string, Subset>();
  /** Sets with the same letters are the same object here. */
  readonly #sets = new Map<string, CharSet>();
  readonly #same = new Map<CharSet, CharSet>();
  /** How much was looked at. */
  #work = 0;

  constructor(automata: readonly Automaton[], alphabet: Alphabet) {
    this.#alphabet = alphabet;
    this.#automata = automata;
    let count = 0;
    this.#offsets = automata.map(({ out }) => {
      const offset = count;
      count += out.length;
      return offset;
    });
    this.#owners = new Int32Array(count);
    for (const [index, { out }] of automata.entries()) {
      const offset = this.#offsets[index] as number;
      this.#owners.fill(index, offset, offset + out.length);
    }
    this.nowhere = this.#subset([]);
    this.initial = this.#subset(this.#offsets.filter((_, index) => !automata[index]?.isEmpty));
  }

  /** Where the letters lead; those that lead nowhere are left out. */
  steps(state: UnionState): readonly (readonly [to: UnionState, on: CharSet])[] {
    const subset = state as Subset;
    subset.steps ??= this.#stepsOf(subset);
    return subset.steps;
  }

  /**
   * Which of the automata have a word in common with another one.
   *
   * @param from automata from this index on do not matter
   * @throws {TooLargeError}
   */
  meeting(other: Automaton, from: number = this.#automata.length): number[] {
    const candidates = new Set<number>();
    for (let index = 0; index < from; index++) if (this.#mayMeet(index, other)) candidates.add(index);
    const found = candidates.size > MAX_ONE_BY_ONE ? this.#walkWith(other, candidates) : [...candidates];
    return found.filter((index) => candidates.size > MAX_ONE_BY_ONE || this.#meets(index, other)).sort((a, b) => a - b);
  }

  /** Whether the words of both may begin and end in the same way: most pairs do not. */
  #mayMeet(index: number, other: Automaton): boolean {
    const automaton = this.#automata[index] as Automaton;
    return !automaton.isEmpty && agree(automaton.prefix, other.prefix) && agree(automaton.suffix, other.suffix);
  }

  #meets(index: number, other: Automaton): boolean {
    try {
      return !isDisjointWith(this.#automata[index] as Automaton, other, MAX_STATES);
    } catch (error) {
      throw new TooLargeError((error as Error).message);
    }
  }

  /** Walks along all of them together with the other one, as long as there may be news of a candidate. */
  #walkWith(other: Automaton, candidates: ReadonlySet<number>): number[] {
    const left = new Set(candidates);
    const isNews = (state: UnionState) => state.members.some((each) => left.has(each));
    const seen = new Set<number>([this.initial.id]);
    const pending: [number, UnionState][] = [[0, this.initial]];
    const size = other.out.length;
    const limit = this.#work + MAX_WORK;
    for (let next = pending.pop(); next && left.size > 0; next = pending.pop()) {
      const [state, union] = next;
      if (!isNews(union)) continue;
      if (other.finals[state]) for (const index of union.taking) left.delete(index);
      for (const [to, on] of other.out[state] ?? []) {
        for (const [unionTo, letters] of this.steps(union)) {
          const key = unionTo.id * size + to;
          if (seen.has(key) || on.isDisjointWith(letters) || !isNews(unionTo)) continue;
          seen.add(key);
          this.#work += 1 + unionTo.members.length / 8;
          if (this.#work > limit) throw new TooLargeError('its overlaps with other rules are too many to be followed');
          pending.push([to, unionTo]);
        }
      }
    }
    return [...candidates].filter((index) => !left.has(index));
  }

  #stepsOf({ nodes }: Subset): readonly (readonly [UnionState, CharSet])[] {
    this.#work += nodes.length;
    // Most edges share few sets of letters: letters that are in the same of these lead to the same place.
    const targets: number[][] = [];
    const numbers = new Map<CharSet, number>();
    const sets: CharSet[] = [];
    for (const node of nodes) {
      const owner = this.#owners[node] as number;
      const offset = this.#offsets[owner] as number;
      for (const [to, on] of this.#automata[owner]?.out[node - offset] ?? []) {
        const set = this.#intern(on);
        let number = numbers.get(set);
        if (number === undefined) {
          number = sets.push(set) - 1;
          numbers.set(set, number);
          targets.push([]);
        }
        targets[number]?.push(offset + to);
      }
    }
    const classes = this.#classesOf(sets);
    this.#work += classes.length * nodes.length;
    const steps = new Map<Subset, number[]>();
    for (const [members, letters] of classes) {
      const merged = new Set<number>();
      for (const number of members) for (const target of targets[number] ?? []) merged.add(target);
      const to = this.#subset([...merged].sort((a, b) => a - b));
      const known = steps.get(to);
      if (known) known.push(...letters);
      else steps.set(to, [...letters]);
    }
    return [...steps].map(([to, letters]) => [to, this.#set(letters.sort((a, b) => a - b))] as const);
  }

  /** The letters that are in the same of the sets; by the numbers of these sets. */
  #classesOf(sets: readonly CharSet[]): readonly (readonly [members: readonly number[], letters: readonly number[]])[] {
    const members: (number[] | undefined)[] = [];
    for (const [number, { ranges }] of sets.entries()) {
      for (const { min, max } of ranges) {
        for (let letter = min; letter <= max; letter++) {
          const known = members[letter];
          if (known) known.push(number);
          else members[letter] = [number];
        }
      }
    }
    const classes = new Map<string, readonly [readonly number[], number[]]>();
    for (const [letter, each] of members.entries()) {
      if (!each) continue;
      const key = each.join();
      const known = classes.get(key);
      if (known) known[1].push(letter);
      else classes.set(key, [each, [letter]]);
    }
    return [...classes.values()];
  }

  #intern(set: CharSet): CharSet {
    let same = this.#same.get(set);
    if (!same) {
      const key = set.toRangesString();
      same = this.#sets.get(key) ?? set;
      this.#sets.set(key, same);
      this.#same.set(set, same);
    }
    return same;
  }

  #subset(nodes: readonly number[], key: string = nodes.join()): Subset {
    let subset = this.#subsets.get(key);
    if (!subset) {
      if (this.#subsets.size >= MAX_STATES) throw new TooLargeError(`more than ${MAX_STATES} states`);
      const members = new Set<number>();
      const taking = new Set<number>();
      for (const node of nodes) {
        const owner = this.#owners[node] as number;
        members.add(owner);
        if (this.#automata[owner]?.finals[node - (this.#offsets[owner] as number)]) taking.add(owner);
      }
      subset = { id: this.#subsets.size, nodes, members: [...members], taking: [...taking] };
      this.#subsets.set(key, subset);
    }
    return subset;
  }

  #set(letters: readonly number[]): CharSet {
    return this.#intern(CharSet.fromCharacters(this.#alphabet.max, letters));
  }
}

/** Whether one is the beginning of the other. */
function agree(a: readonly number[], b: readonly number[]): boolean {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return false;
  return true;
}
