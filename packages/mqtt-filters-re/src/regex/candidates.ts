import type { Pattern } from './ast.js';
import { addRule } from './automaton-builder.js';
import { State } from './automaton-state.js';
import type { Budget } from './budget.js';

/** Steps for looking where a character leads from a state, for each set there, and for each state that is reached. */
const READING = 4;
const TESTING = 2;
const REACHING = 3;
/** Steps for a rule that is found: there may be thousands, and they are put in order. */
const SORTING = 4;

/**
 * Finds the rules that may match a text, in one pass over it, however many rules there are.
 *
 * All rules are one non-deterministic automaton, which starts at the start of the text and need not reach its end. What
 * it finds is a superset: it ignores what looks around, what refers back, how often exactly something is repeated, and
 * the rest of a rule from where no other rule shares its way.
 */
export class CandidateFinder {
  readonly #root = new State();
  /** The states at the place that is read, and at the next one; the arrays are longer than what counts in them. */
  #active: State[] = [];
  #next: State[] = [];
  #nextCount = 0;
  readonly #pending: State[] = [];
  #found: number[] = [];
  /** Counts places in texts, over all texts. */
  #place = 0;
  #search = 0;

  constructor(patterns: readonly Pattern[]) {
    for (const [rule, { root }] of patterns.entries()) addRule(this.#root, rule, root);
  }

  /**
   * @param budget pays for it
   * @returns indices of the rules, in their order; `undefined` when the budget did not suffice
   */
  find(text: string, budget: Budget): number[] | undefined {
    this.#search++;
    this.#place++;
    this.#found = [];
    this.#nextCount = 0;
    this.#reach(this.#root, budget);
    let at = 0;
    while (at < text.length && this.#nextCount > 0) {
      const codePoint = text.codePointAt(at) as number;
      this.#step(codePoint, budget);
      if (budget.isSpent) return undefined;
      at += codePoint > 0xffff ? 2 : 1;
    }
    // What is reached at the end of the text may lead on there.
    for (let index = 0; index < this.#nextCount && at >= text.length; index++) {
      const { atEnd } = this.#next[index] as State;
      if (atEnd) this.#reach(atEnd, budget);
    }
    if (budget.isSpent) return undefined;
    // A rule with alternatives may have been found on several ways.
    return this.#found.sort((a, b) => a - b).filter((rule, index, all) => rule !== all[index - 1]);
  }

  #step(codePoint: number, budget: Budget): void {
    const count = this.#nextCount;
    [this.#active, this.#next] = [this.#next, this.#active];
    this.#nextCount = 0;
    this.#place++;
    for (let index = 0; index < count && !budget.isSpent; index++) {
      this.#read(this.#active[index] as State, codePoint, budget);
    }
  }

  #read({ literals, sets }: State, codePoint: number, budget: Budget): void {
    budget.left -= READING;
    const to = literals?.get(codePoint);
    if (to) this.#reach(to, budget);
    if (sets === undefined) return;
    budget.left -= TESTING * sets.length;
    for (const edge of sets) {
      if (edge.set.has(codePoint, budget)) this.#reach(edge.to, budget);
    }
  }

  /** Reaches a state, and all that are reached with it. */
  #reach(first: State, budget: Budget): void {
    const pending = this.#pending;
    pending.push(first);
    for (let state = pending.pop(); state; state = pending.pop()) {
      if (state.reached === this.#place) continue;
      state.reached = this.#place;
      budget.left -= REACHING;
      if (!state.isLast) this.#next[this.#nextCount++] = state;
      if (state.found !== this.#search) this.#take(state, budget);
      if (state.also) for (const other of state.also) pending.push(other);
    }
  }

  #take(state: State, budget: Budget): void {
    const { parked, rules = [] } = state;
    state.found = this.#search;
    if (parked) this.#found.push(parked.rule);
    for (const rule of rules) this.#found.push(rule);
    budget.left -= SORTING * rules.length;
  }
}
