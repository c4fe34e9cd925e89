import type { FilterRule, Logger, Refusal } from '@cstbox/mqtt-core';
import { BoundedCache } from './bounded-cache.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import { quote } from './quote.js';
import type { Unfilled } from './template.js';

/** What a rule makes of a match: a result, a refusal, or nothing because the rule does not apply after all. */
export type Verdict<R> = { readonly result: R } | { readonly refusal: Refusal } | Unfilled;

/** A rule, compiled. */
export interface Rule<R> {
  /** What the gateway knows of it; its name is the regex as it was written. */
  readonly info: FilterRule;
  readonly regex: CompiledRegex;
  apply(groups: Groups): Verdict<R>;
}

/** What the rules say about a text. */
export interface Decision<R> {
  /** The rule that decided, if any did. */
  readonly rule: FilterRule | undefined;
  /** `null`: no rule applies, or the one that does refuses. */
  readonly result: R | null;
  readonly refusal?: Refusal;
  /** Indices of the rules that matched and yet did not apply. */
  readonly passedOver: readonly number[];
}

/** Rules in their order: the first that matches and applies decides. Remembers what it decided, in bounded memory. */
export class RuleTable<R> {
  readonly #rules: readonly Rule<R>[];
  readonly #logger: Logger;
  readonly #decisions: BoundedCache<Decision<R>>;
  readonly #notApplied: number[];

  /** @param sizeOf characters that a result holds, for the bound of the memory */
  constructor(rules: readonly Rule<R>[], logger: Logger, sizeOf: (result: R) => number) {
    this.#rules = rules;
    this.#logger = logger;
    this.#decisions = new BoundedCache({ sizeOf: ({ result }) => (result === null ? 0 : sizeOf(result)) });
    this.#notApplied = rules.map(() => 0);
  }

  /** For each rule, how often it matched and yet did not apply. */
  get notApplied(): readonly number[] {
    return this.#notApplied;
  }

  decide(text: string): Decision<R> {
    let decision = this.#decisions.get(text);
    if (decision === undefined) {
      decision = this.#evaluate(text);
      this.#decisions.set(text, decision);
    }
    // Counted for each text that comes, also when the decision is an old one.
    if (decision.passedOver.length > 0) this.#count(decision.passedOver);
    return decision;
  }

  #count(indices: readonly number[]): void {
    for (const index of indices) this.#notApplied[index] = (this.#notApplied[index] ?? 0) + 1;
  }

  #evaluate(text: string): Decision<R> {
    const passedOver: number[] = [];
    for (const [index, rule] of this.#rules.entries()) {
      const groups = rule.regex.match(text);
      if (!groups) continue;
      const verdict = rule.apply(groups);
      if (!('why' in verdict)) return { rule: rule.info, result: null, ...verdict, passedOver };
      passedOver.push(index);
      if (this.#notApplied[index] === 0) {
        this.#logger.warn(
          `rule ${index} (${rule.regex.source}) does not apply to ${quote(text)}: ${verdict.why}; said once per rule`,
        );
      }
    }
    return { rule: undefined, result: null, passedOver };
  }
}
