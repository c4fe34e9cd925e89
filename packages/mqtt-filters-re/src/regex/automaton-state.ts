import type { Node } from './ast.js';
import type { CharacterSet } from './character-set.js';

/** A way of a rule that is not spread out any further: no other one has come to this place. */
export interface Parked {
  readonly rule: number;
  readonly items: readonly Node[];
  /** The first of its items that is not in the automaton. */
  readonly next: number;
  /** Into how many ways it may part yet. */
  readonly ways: number;
}

/** A place in the automaton of all rules: what has been read when it is reached. */
export class State {
  /** Where single characters lead. */
  literals: Map<number, State> | undefined;
  /** Where sets of characters lead. */
  sets: { readonly set: CharacterSet; readonly to: State }[] | undefined;
  /** What is reached with it. */
  also: State[] | undefined;
  /** What is reached with it where the text ends. */
  atEnd: State | undefined;
  /** Rules that match, as far as the automaton can tell, when it is reached. */
  rules: number[] | undefined;
  parked: Parked | undefined;
  /** Where repetitions and alternatives lead, by what they say. */
  parts: Map<string, State> | undefined;
  /** When it was reached last. */
  reached = 0;
  /** The search in which its rules were found. */
  found = 0;

  /** Whether a text ends here as it began: nothing leads on. */
  get isLast(): boolean {
    return !this.literals && !this.sets && !this.atEnd;
  }

  get isEmpty(): boolean {
    return this.isLast && !this.rules && !this.parked && !this.also;
  }

  behindCharacter(set: CharacterSet): State {
    if (set.literal !== undefined) {
      this.literals ??= new Map();
      return entryOf(this.literals, set.literal);
    }
    this.sets ??= [];
    const known = this.sets.find((edge) => edge.set === set || edge.set.key === set.key);
    if (known) return known.to;
    const to = new State();
    this.sets.push({ set, to });
    return to;
  }

  /** The place behind a part; `make` makes it the first time. */
  behindPart(part: string, make: () => State): State {
    this.parts ??= new Map();
    let state = this.parts.get(part);
    if (!state) {
      state = make();
      this.parts.set(part, state);
    }
    return state;
  }

  leadTo(state: State): void {
    this.also ??= [];
    this.also.push(state);
  }
}

function entryOf(map: Map<number, State>, key: number): State {
  let state = map.get(key);
  if (!state) {
    state = new State();
    map.set(key, state);
  }
  return state;
}
