import type { AST } from '@eslint-community/regexpp';
import { CharSet, NFA } from 'refa';
import type { Alphabet } from './alphabet.js';
import { type Automaton, explore } from './automaton.js';
import { type Approximation, concatenation, ExpressionBuilder, type LookAround } from './expression.js';
import { DEAD, LetterTable } from './letter-table.js';
import type { CharacterSets, Pattern } from './pattern.js';

/** What a pattern takes. */
export interface Marked {
  /** The texts, with markers where the groups begin and end. */
  readonly automaton: Automaton;
  /** Whether these are exactly the texts that the pattern takes. */
  readonly isExact: boolean;
}

/** What there is to say about how an automaton is made of a pattern. */
export interface MarkedOptions {
  /** The groups that get markers. */
  readonly groups?: readonly string[];
  /** The texts that there are at all. */
  readonly universe?: LetterTable | undefined;
  /** Whether the match must reach the end of the text; default: false. */
  readonly isWhole?: boolean;
  /** In which direction to err; default: more texts than the pattern takes. */
  readonly approximation?: Approximation;
}

/** Nodes of a pattern. A regex has some dozens; a counted repetition of a large group has more. */
const MAX_NODES = 5_000;
/** States of an automaton with everything that look-arounds keep in mind. */
const MAX_STATES = 5_000;

/** Makes automata of patterns, over one alphabet. */
export class MarkedPatterns {
  readonly #alphabet: Alphabet;
  readonly #sets: CharacterSets;
  readonly #firstLookAround: number;
  #emptyText: LetterTable | undefined;

  /** @param groups how many groups of one pattern may get markers */
  constructor(alphabet: Alphabet, sets: CharacterSets, groups: number) {
    this.#alphabet = alphabet;
    this.#sets = sets;
    this.#firstLookAround = 2 * groups;
  }

  /**
   * The texts that a pattern takes. A look-around is replaced by a marker first; then words are kept in which each
   * marker stands where its look-around holds.
   *
   * @throws {TooLargeError} or refa's `TooManyNodesError`
   */
  of(pattern: Pattern, { groups = [], universe, isWhole = false, approximation = 'over' }: MarkedOptions = {}): Marked {
    const builder = this.#builder(pattern, groups, approximation);
    const automaton = this.#resolve(builder, pattern, pattern.alternatives, isWhole ? 'whole' : 'start', universe);
    return { automaton, isExact: builder.isExact };
  }

  #builder(pattern: Pattern, groups: readonly string[], approximation: Approximation): ExpressionBuilder {
    return new ExpressionBuilder(pattern, this.#alphabet, this.#sets, groups, this.#firstLookAround, approximation);
  }

  #table(pattern: Pattern, { kind, isNegated, body }: LookAround): LetterTable {
    if (body.length === 0) return this.#nothing();
    const builder = this.#builder(pattern, [], 'over');
    const where = kind === 'ahead' ? 'start' : 'end';
    return LetterTable.of(this.#resolve(builder, pattern, body, where), this.#alphabet, isNegated);
  }

  /** What lies before the start and behind the end. */
  #nothing(): LetterTable {
    this.#emptyText ??= LetterTable.of(NFA.emptyWord({ maxCharacter: this.#alphabet.max }), this.#alphabet);
    return this.#emptyText;
  }

  /** @param where the match lies in the text: at its start, at its end, or from one to the other */
  #resolve(
    builder: ExpressionBuilder,
    pattern: Pattern,
    body: readonly AST.Alternative[],
    where: 'start' | 'end' | 'whole',
    universe?: LetterTable,
  ): Automaton {
    const alternatives = builder.alternatives(body);
    const elements = [
      ...(where === 'end' ? [builder.anything()] : []),
      { type: 'Alternation' as const, alternatives },
      ...(where === 'start' ? [builder.anything()] : []),
    ];
    const options = { maxCharacter: this.#alphabet.max };
    const nfa = NFA.fromRegex(concatenation(elements), options, {}, new NFA.LimitedNodeFactory(MAX_NODES));
    const tables = builder.lookArounds.map((lookAround) => this.#table(pattern, lookAround));
    return this.#where(nfa, builder.lookArounds, tables, universe);
  }

  /** The words in which each marker of a look-around stands where that holds, without these markers. */
  #where(
    nfa: NFA,
    lookArounds: readonly LookAround[],
    tables: readonly LetterTable[],
    universe: LetterTable | undefined,
  ): Automaton {
    const { letters, max, size } = this.#alphabet;
    const first = size + this.#firstLookAround;
    const groupMarkers = first > size ? CharSet.fromRange(max, { min: size, max: first - 1 }) : CharSet.empty(max);
    const behind = lookArounds.flatMap(({ kind }, index) => (kind === 'behind' ? [index] : []));
    const beside = [...(universe ? [universe] : []), ...behind.map((index) => tables[index] as LetterTable)];
    const finals: ReadonlySet<NFA.ReadonlyNode> = nfa.finals;
    const ids = new Map<NFA.ReadonlyNode, number>([...nfa.nodes()].map((node, id) => [node, id]));
    return explore<Place>(
      {
        maxCharacter: max,
        initial: { node: nfa.initial, beside: beside.map(({ initial }) => initial), ahead: [] },
        keyOf: ({ node, ...context }) => `${ids.get(node)};${keyOf(context)}`,
        expand({ node, ...context }, add) {
          for (const [to, on] of node.out) {
            for (const [next, letter] of stepsOf(context, on.intersect(letters))) add({ node: to, ...next }, letter);
            const groups = on.intersect(groupMarkers);
            if (!groups.isEmpty) add({ node: to, ...context }, groups);
            for (const index of lookArounds.keys()) {
              if (!on.has(first + index)) continue;
              const next = arrive(context, index);
              if (next) add({ node: to, ...next }, null);
            }
          }
        },
        isFinal: ({ node, beside: states, ahead }) =>
          finals.has(node) &&
          (!universe || universe.isFinal(states[0] as number)) &&
          ahead.every(([index, state]) => tables[index]?.isFinal(state)),
      },
      MAX_STATES,
    );

    /** Where letters lead in the automata beside; without those letters that lead nowhere. */
    function stepsOf(context: Context, on: CharSet): (readonly [Context, CharSet])[] {
      if (on.isEmpty) return [];
      if (beside.length === 0 && context.ahead.length === 0) return [[context, on]];
      if (universe && beside.length === 1 && context.ahead.length === 0) {
        return universe
          .steps(context.beside[0] as number)
          .map(([to, step]) => [{ beside: [to], ahead: context.ahead }, step.intersect(on)] as const);
      }
      const steps = new Map<string, [Context, number[]]>();
      for (const { min, max: last } of on.ranges) {
        for (let letter = min; letter <= last; letter++) {
          const next = stepOf(context, letter);
          if (!next) continue;
          const key = keyOf(next);
          const known = steps.get(key);
          if (known) known[1].push(letter);
          else steps.set(key, [next, [letter]]);
        }
      }
      return [...steps.values()].map(([next, on]) => [next, CharSet.fromCharacters(max, on)] as const);
    }

    function stepOf(context: Context, letter: number): Context | undefined {
      const states = context.beside.map((state, index) =>
        state === DEAD ? DEAD : (beside[index] as LetterTable).next(state, letter),
      );
      if (universe && states[0] === DEAD) return undefined;
      const ahead: [index: number, state: number][] = [];
      for (const [index, state] of context.ahead) {
        const table = tables[index] as LetterTable;
        const next = table.next(state, letter);
        if (next === DEAD) return undefined;
        if (!table.isUniversal(next)) ahead.push([index, next]);
      }
      return { beside: states, ahead: unique(ahead) };
    }

    /** Arrives at the marker of a look-around: one behind holds or not, one ahead must hold from here on. */
    function arrive(context: Context, index: number): Context | undefined {
      const table = tables[index] as LetterTable;
      if (lookArounds[index]?.kind === 'behind') {
        const state = context.beside[behind.indexOf(index) + (universe ? 1 : 0)] as number;
        return state !== DEAD && table.isFinal(state) ? context : undefined;
      }
      if (table.initial === DEAD) return undefined;
      if (table.isUniversal(table.initial)) return context;
      return { beside: context.beside, ahead: unique([...context.ahead, [index, table.initial]]) };
    }
  }
}

/** How far the automata have come that walk beside: those that look behind, and what is still to be held. */
interface Context {
  readonly beside: readonly number[];
  readonly ahead: readonly (readonly [index: number, state: number])[];
}

interface Place extends Context {
  readonly node: NFA.ReadonlyNode;
}

function keyOf({ beside, ahead }: Context): string {
  return `${beside.join()};${ahead.join()}`;
}

function unique(ahead: readonly (readonly [number, number])[]): Context['ahead'] {
  if (ahead.length < 2) return ahead;
  const sorted = new Map(ahead.map((each) => [each.join(), each]));
  return [...sorted.keys()].sort().map((key) => sorted.get(key) as readonly [number, number]);
}
