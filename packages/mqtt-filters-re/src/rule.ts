import type { FilterRule, Logger, Refusal, RuleTrial } from '@cstbox/mqtt-core';
import { BoundedCache } from './bounded-cache.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import { quote } from './quote.js';
import { Budget } from './regex/budget.js';
import { CandidateFinder } from './regex/candidates.js';
import type { Unfilled } from './template.js';

/** What a rule makes of a match: a result, a refusal, or nothing because the rule does not apply after all. */
export type Verdict<R> = { readonly result: R } | { readonly refusal: Refusal } | Unfilled;

/** A rule, compiled. */
export interface Rule<R> {
  /** What the gateway knows of it; its name is the regex as it was written. */
  readonly info: FilterRule;
  readonly regex: CompiledRegex;
  /** Whether it depends on more than the text whether it decides: those behind it are asked, too. Default: false. */
  readonly isConditional?: boolean;
  apply(groups: Groups): Verdict<R>;
}

/** What one rule says about a text. */
export interface Candidate<R> {
  readonly rule: FilterRule;
  /** `null`: it refuses. */
  readonly result: R | null;
  readonly refusal?: Refusal;
}

/** Why a rule that matches does not take something after all. */
export interface Declined {
  readonly outcome: 'channel' | 'condition';
  readonly detail: string;
}

/** What the rules say about a text. */
export interface Decision<R> {
  /** The rules that match and apply, in order, up to the first that decides in any case. Most often one, or none. */
  readonly candidates: readonly Candidate<R>[];
  /** Indices of the rules that matched and yet did not apply. */
  readonly passedOver: readonly number[];
}

/** Steps for what a rule makes of a match, and for each place where it uses a captured text. */
const APPLYING = 20;
const USING = 8;
/** Characters that a decision takes for each candidate beyond the first. */
const CHARS_PER_CANDIDATE = 64;

/** What finding the rules to look at may cost, in addition to what looking at them may. */
const SHARE_OF_SEARCH = 0.25;

const NONE: readonly never[] = [];
const NOTHING: Decision<never> = { candidates: NONE, passedOver: NONE };

/**
 * Rules in their order: the first that matches and applies decides. Remembers what it decided, in bounded memory.
 *
 * What a text may cost is bounded. Where that does not suffice, the rule that was asked last refuses it as `too_costly`,
 * and those behind it are not asked: nothing gets through because nobody had the time to look.
 */
export class RuleTable<R> {
  readonly #rules: readonly Rule<R>[];
  /** The indices of all rules. */
  readonly #all: readonly number[];
  readonly #finder: CandidateFinder;
  readonly #logger: Logger;
  readonly #decisions: BoundedCache<Decision<R>>;
  readonly #notApplied: number[];

  /** @param sizeOf characters that a result holds, for the bound of the memory */
  constructor(rules: readonly Rule<R>[], logger: Logger, sizeOf: (result: R) => number) {
    this.#rules = rules;
    this.#all = [...rules.keys()];
    this.#finder = new CandidateFinder(rules.map(({ regex }) => regex.pattern));
    // V8 reads a function when it is called first: that is for the time of loading.
    this.#finder.find('', new Budget());
    rules[0]?.regex.match('');
    this.#logger = logger;
    this.#decisions = new BoundedCache({
      sizeOf: ({ candidates }) =>
        candidates.reduce(
          (sum, { result }) => sum + (result === null ? 0 : sizeOf(result)),
          Math.max(0, candidates.length - 1) * CHARS_PER_CANDIDATE,
        ),
    });
    this.#notApplied = rules.map(() => 0);
  }

  /** For each rule, how often it matched and yet did not apply. */
  get notApplied(): readonly number[] {
    return this.#notApplied;
  }

  decide(text: string): Decision<R> {
    let decision = this.#decisions.get(text);
    if (decision === undefined) {
      const indices = this.#mayMatch(text);
      const budget = Budget.ofRules(text.length, indices.length);
      decision = this.#evaluate(text, indices, budget);
      // What was too costly once may have been so because nothing had been compiled.
      if (!budget.isSpent) this.#decisions.set(text, decision);
    }
    // Counted for each text that comes, also when the decision is an old one.
    if (decision.passedOver.length > 0) this.#count(decision.passedOver);
    return decision;
  }

  /**
   * What each rule has to say to a text, by the same steps as {@link decide}; nothing is counted, remembered or logged.
   *
   * @param decline why a rule that depends on more than the text does not take it; `undefined`: it does
   */
  explain(text: string, decline: (result: R | null) => Declined | undefined = () => undefined): RuleTrial[] {
    const indices = new Set(this.#mayMatch(text));
    const budget = Budget.ofRules(text.length, indices.size);
    let isOpen = true;
    return this.#rules.map((rule, index): RuleTrial => {
      const trial = { rule: rule.info.name, index };
      if (!isOpen) return { ...trial, outcome: 'not_reached' };
      const { groups, verdict } = indices.has(index) ? tryRule(rule, text, budget) : NO_MATCH;
      if (budget.isSpent) {
        isOpen = false;
        return { ...trial, outcome: 'decides', detail: tooCostly(index, rule, text).detail };
      }
      if (!groups || !verdict) return { ...trial, outcome: 'no_match' };
      const matched = { ...trial, groups: { ...groups } };
      if ('why' in verdict) return { ...matched, outcome: 'not_applied', detail: verdict.why };
      const declined = rule.isConditional ? decline('result' in verdict ? verdict.result : null) : undefined;
      if (rule.isConditional) budget.giveBack(text.length);
      if (declined) return { ...matched, ...declined };
      isOpen = false;
      return { ...matched, outcome: 'decides', detail: 'refusal' in verdict ? verdict.refusal.detail : undefined };
    });
  }

  #count(indices: readonly number[]): void {
    for (const index of indices) this.#notApplied[index] = (this.#notApplied[index] ?? 0) + 1;
  }

  #evaluate(text: string, indices: readonly number[], budget: Budget): Decision<R> {
    let candidates: Candidate<R>[] | undefined;
    let passedOver: number[] | undefined;
    for (const index of indices) {
      const rule = this.#rules[index] as Rule<R>;
      const { verdict } = tryRule(rule, text, budget);
      if (budget.isSpent) {
        candidates ??= [];
        candidates.push({ rule: rule.info, result: null, refusal: tooCostly(index, rule, text) });
        break;
      }
      if (!verdict) continue;
      if (!('why' in verdict)) {
        candidates ??= [];
        candidates.push({ rule: rule.info, result: null, ...verdict });
        if (!rule.isConditional) break;
        budget.giveBack(text.length);
        continue;
      }
      passedOver ??= [];
      passedOver.push(index);
      if (this.#notApplied[index] === 0) {
        this.#logger.warn(
          `rule ${index} (${rule.regex.source}) does not apply to ${quote(text)}: ${verdict.why}; said once per rule`,
        );
      }
    }
    // Most that is remembered is alike.
    if (!candidates && !passedOver) return NOTHING;
    return { candidates: candidates ?? NONE, passedOver: passedOver ?? NONE };
  }

  /** The rules to look at; when it takes too long to find them, all of them. */
  #mayMatch(text: string): readonly number[] {
    return this.#finder.find(text, Budget.share(SHARE_OF_SEARCH)) ?? this.#all;
  }
}

const NO_MATCH = { groups: null, verdict: null };

/** What a rule makes of a text, paid for; `null`: it does not match. */
function tryRule<R>(
  rule: Rule<R>,
  text: string,
  budget: Budget,
): { readonly groups: Groups | null; readonly verdict: Verdict<R> | null } {
  const groups = rule.regex.match(text, budget);
  if (!groups) return NO_MATCH;
  const verdict = rule.apply(budget.hasClock ? metered(groups, budget) : groups);
  budget.left -= APPLYING;
  return { groups, verdict };
}

/**
 * The same groups, each use of which is paid for, as often as a rule has one: a long text can be captured once and used
 * hundreds of times. When nothing is left, they are unset, so that no more is made of them.
 */
function metered(groups: Groups, budget: Budget): Groups {
  const paid: Groups = Object.create(null);
  for (const [name, captured] of Object.entries(groups)) {
    const get = () => {
      budget.left -= USING + ((captured?.length ?? 0) >> 1);
      return budget.isSpent ? undefined : captured;
    };
    Object.defineProperty(paid, name, { get, enumerable: true });
  }
  return paid;
}

function tooCostly(index: number, { regex }: Rule<unknown>, text: string): Refusal {
  return {
    reason: 'too_costly',
    detail: `it takes too long to find out whether rule ${index} (${regex.source}) matches ${quote(text)}, which has ${text.length} characters`,
  };
}
