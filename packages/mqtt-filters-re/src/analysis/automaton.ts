import type { CharSet, TransitionIterable, TransitionIterator } from 'refa';

/** An automaton has more states than anybody wants to wait for. */
export class TooLargeError extends Error {}

/** States that one automaton may have: a regex of a rule has some dozens, what earlier rules leave to it some thousand. */
const MAX_STATES = 20_000;
/** Edges that one automaton may have. */
const MAX_EDGES = 100_000;

/** A finite automaton whose states are numbers from 0 on, the initial one; each can reach a final one. */
export class Automaton implements TransitionIterable<number> {
  readonly maxCharacter: number;
  /** By state: where its letters lead. */
  readonly out: readonly ReadonlyMap<number, CharSet>[];
  /** By state: whether a word may end there. */
  readonly finals: readonly boolean[];
  #prefix: readonly number[] | undefined;
  #suffix: readonly number[] | undefined;

  constructor(maxCharacter: number, out: readonly ReadonlyMap<number, CharSet>[], finals: readonly boolean[]) {
    this.maxCharacter = maxCharacter;
    this.out = out;
    this.finals = finals;
  }

  /** The letters with which each of its words begins, as far as there is no choice. */
  get prefix(): readonly number[] {
    this.#prefix ??= forced(0, (state) => (this.finals[state] ? undefined : this.out[state]?.entries()));
    return this.#prefix;
  }

  /** The letters with which each of its words ends, as far as there is no choice; the last one first. */
  get suffix(): readonly number[] {
    this.#suffix ??= this.#suffixOf();
    return this.#suffix;
  }

  #suffixOf(): readonly number[] {
    const last = this.finals.indexOf(true);
    if (last < 0 || this.finals.indexOf(true, last + 1) >= 0) return [];
    const incoming: [number, CharSet][][] = this.out.map(() => []);
    for (const [from, edges] of this.out.entries()) for (const [to, on] of edges) incoming[to]?.push([from, on]);
    return forced(last, (state) => (state === 0 ? undefined : incoming[state]));
  }

  /** Whether it takes no word at all. */
  get isEmpty(): boolean {
    return !this.finals.includes(true);
  }

  transitionIterator(): TransitionIterator<number> {
    return {
      initial: 0,
      getOut: (state) => this.out[state] as ReadonlyMap<number, CharSet>,
      stableOut: true,
      isFinal: (state) => this.finals[state] === true,
    };
  }

  /**
   * Its words, the shortest first, at most so many: each position as the set of letters that may stand there. Words that
   * can be read in several ways may come several times.
   */
  *words(count: number): Iterable<CharSet[]> {
    const visits = this.out.map(() => 0);
    const pending: Step[] = [{ state: 0 }];
    let left = count;
    // More ways than words through one state are never needed: so there are not more than can be walked.
    for (let at = 0; at < pending.length && left > 0; at++) {
      const step = pending[at] as Step;
      const { state } = step;
      const visit = (visits[state] ?? 0) + 1;
      if (visit > count) continue;
      visits[state] = visit;
      if (this.finals[state]) {
        yield wordOf(step);
        left--;
      }
      for (const [to, on] of this.out[state] ?? []) {
        if ((visits[to] as number) < count) pending.push({ state: to, on, before: step });
      }
    }
  }
}

/** A step on the way to a state. */
interface Step {
  readonly state: number;
  readonly on?: CharSet;
  readonly before?: Step;
}

function wordOf(last: Step): CharSet[] {
  const word: CharSet[] = [];
  for (let step: Step | undefined = last; step?.on; step = step.before) word.push(step.on);
  return word.reverse();
}

/** The letters along the only edges with only one letter. */
function forced(
  from: number,
  edgesOf: (state: number) => Iterable<readonly [number, CharSet]> | undefined,
): readonly number[] {
  const letters: number[] = [];
  const seen = new Set<number>();
  for (let state = from; !seen.has(state); ) {
    seen.add(state);
    const [edge, ...others] = edgesOf(state) ?? [];
    if (!edge || others.length > 0) break;
    const [to, { ranges }] = edge;
    const [range] = ranges;
    if (!range || ranges.length > 1 || range.min !== range.max) break;
    letters.push(range.min);
    state = to;
  }
  return letters;
}

/** Adds an edge; without letters: one that is taken for nothing. */
export type AddEdge<S> = (to: S, on: CharSet | null) => void;

/** A state space, in which an automaton is found. */
export interface StateSpace<S> {
  readonly maxCharacter: number;
  readonly initial: S;
  /** Two states with the same key are the same state. */
  readonly keyOf: (state: S) => string | number;
  /** Adds the edges that leave a state. */
  readonly expand: (state: S, add: AddEdge<S>) => void;
  readonly isFinal: (state: S) => boolean;
}

/**
 * The automaton of all states that can be reached in a state space, without edges that are taken for nothing and
 * without states that lead nowhere.
 *
 * @throws {TooLargeError}
 */
export function explore<S>(space: StateSpace<S>, maxStates: number = MAX_STATES): Automaton {
  const { maxCharacter, keyOf, expand, isFinal } = space;
  const states: S[] = [space.initial];
  const indices = new Map<string | number, number>([[keyOf(space.initial), 0]]);
  const free: (Set<number> | undefined)[] = [];
  const out: Map<number, CharSet>[] = [];
  let edgeCount = 0;
  for (let index = 0; index < states.length; index++) {
    const edges = new Map<number, CharSet>();
    out.push(edges);
    expand(states[index] as S, (to, on) => {
      if (on?.isEmpty) return;
      if (++edgeCount > MAX_EDGES) throw new TooLargeError(`more than ${MAX_EDGES} edges`);
      const key = keyOf(to);
      let target = indices.get(key);
      if (target === undefined) {
        target = states.length;
        if (target >= maxStates) throw new TooLargeError(`more than ${maxStates} states`);
        indices.set(key, target);
        states.push(to);
      }
      if (on) link(edges, target, on);
      else if (target !== index) free[index] = (free[index] ?? new Set()).add(target);
    });
  }
  const finals = states.map(isFinal);
  if (free.length > 0) withoutFreeEdges(free, out, finals);
  return trim(maxCharacter, out, finals);
}

function link(edges: Map<number, CharSet>, to: number, on: CharSet): void {
  const known = edges.get(to);
  edges.set(to, known ? known.union(on) : on);
}

function withoutFreeEdges(
  free: readonly (Set<number> | undefined)[],
  out: Map<number, CharSet>[],
  finals: boolean[],
): void {
  const original = out.map((edges) => [...edges]);
  const originalFinals = [...finals];
  for (const [index, direct] of free.entries()) {
    if (!direct) continue;
    const closure = new Set(direct);
    for (const state of closure) for (const next of free[state] ?? []) closure.add(next);
    for (const state of closure) {
      if (originalFinals[state]) finals[index] = true;
      for (const [to, on] of original[state] ?? [])
        if (state !== index) link(out[index] as Map<number, CharSet>, to, on);
    }
  }
}

function trim(maxCharacter: number, out: readonly Map<number, CharSet>[], finals: readonly boolean[]): Automaton {
  const incoming: number[][] = out.map(() => []);
  for (const [from, edges] of out.entries()) for (const to of edges.keys()) incoming[to]?.push(from);
  const alive = closureOf(
    finals.flatMap((isFinal, state) => (isFinal ? [state] : [])),
    (state) => incoming[state] as number[],
  );
  if (!alive.has(0)) return new Automaton(maxCharacter, [new Map()], [false]);
  const reached = [...closureOf([0], (state) => [...(out[state]?.keys() ?? [])].filter((to) => alive.has(to)))];
  const renumbered = new Map(reached.map((state, index) => [state, index]));
  return new Automaton(
    maxCharacter,
    reached.map((state) => {
      const edges = new Map<number, CharSet>();
      for (const [to, on] of out[state] ?? []) {
        const target = renumbered.get(to);
        if (target !== undefined) edges.set(target, on);
      }
      return edges;
    }),
    reached.map((state) => finals[state] === true),
  );
}

/** Everything that can be reached, in the order in which it is. */
export function closureOf<S>(from: Iterable<S>, next: (state: S) => Iterable<S>): Set<S> {
  const reached = new Set(from);
  for (const state of reached) for (const each of next(state)) reached.add(each);
  return reached;
}

/** The same words without the markers in them: the part of each edge that is within the letters. */
export function withoutMarkers(automaton: Automaton, letters: CharSet): Automaton {
  return explore<number>({
    maxCharacter: automaton.maxCharacter,
    initial: 0,
    keyOf: (state) => state,
    expand(state, add) {
      for (const [to, on] of automaton.out[state] ?? []) {
        const kept = on.intersect(letters);
        if (!kept.isEmpty) add(to, kept);
        if (!letters.isSupersetOf(on)) add(to, null);
      }
    },
    isFinal: (state) => automaton.finals[state] === true,
  });
}
