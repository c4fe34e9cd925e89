import type { Accounting } from './accounting.js';
import { AnswerClock } from './answer-clock.js';
import type { FilterRule, InboundFilter, OutboundFilter, Refusal } from './filter.js';
import { silence } from './filter-answer.js';
import type { FilterNames } from './filter-names.js';
import { KnownRules } from './known-rules.js';
import { describeError } from './logger.js';

/** What a chain of filters is made of. */
export interface FilterChainParts<F> {
  readonly filters: readonly F[];
  readonly names: FilterNames;
  readonly books: Accounting;
  /** How long an answer may take, in ms. */
  readonly timeoutMs: number;
}

/** A filter in its place. */
interface Link<F> {
  readonly filter: F;
  readonly index: number;
  readonly name: string;
  readonly rules: KnownRules;
  /** Where an answer without a rule is booked. */
  readonly account: string | undefined;
}

/**
 * The filters of one direction, asked one after the other: the first answer wins. A no without a reason and without a rule is no answer.
 *
 * A filter's fault costs the message, and nothing else: whatever it throws or returns becomes a refusal, and the filters
 * behind it are not asked, since nobody knows what it would have said. What takes too long can't be interrupted, but it is
 * refused.
 */
export abstract class FilterChain<F extends InboundFilter | OutboundFilter, S, A> {
  readonly #links: readonly Link<F>[];
  readonly #books: Accounting;
  readonly #timeoutMs: number;
  readonly #clock = new AnswerClock();
  /** The rule that decided last. */
  rule: FilterRule | undefined;
  /** Where the last answer is booked. */
  account: string | undefined;
  /** The name of the filter that answered last; `undefined` when none did. */
  filter: string | undefined;

  constructor({ filters, names, books, timeoutMs }: FilterChainParts<F>) {
    this.#books = books;
    this.#timeoutMs = timeoutMs;
    this.#links = filters.map((filter, index) => ({
      filter,
      index,
      name: names.filters[index] as string,
      rules: new KnownRules((rule) => names.accountOf(index, rule)),
      account: names.accountOf(index, undefined),
    }));
  }

  /** What the filters make of it: an answer, a reason why not, or `undefined`: none wants it. */
  ask(subject: S, channel: string): A | Refusal | undefined {
    const links = this.#links;
    // Most are alone: an iterator and another call would cost a tenth of all.
    const [only] = links;
    if (only && links.length === 1) return this.#askOne(only, subject, channel);
    for (const link of links) {
      if (!this.isFor(link.filter, channel)) continue;
      const answer = this.#askOne(link, subject, channel);
      if (answer !== undefined || this.rule) return answer;
      this.#books.passOn(link.index);
    }
    this.account = this.filter = this.rule = undefined;
    return undefined;
  }

  /** Something else than filters took its time: it is not to be taken for that of the next answer. */
  interrupt(): void {
    this.#clock.interrupt();
  }

  /** Whether a filter wants to hear of a channel. */
  abstract isFor(filter: F, channel: string): boolean;

  /** What one filter makes of it. May throw. */
  protected abstract answerOf(filter: F, subject: S, channel: string): A | Refusal | undefined;

  #askOne(link: Link<F>, subject: S, channel: string): A | Refusal | undefined {
    const { filter, rules } = link;
    const start = this.#clock.start();
    let answer: A | Refusal | undefined;
    let rule: ReturnType<KnownRules['look']>;
    try {
      filter.lastRule = undefined;
      answer = this.answerOf(filter, subject, channel);
      rule = rules.look(filter.lastRule);
    } catch (error) {
      answer = { reason: 'filter_fault', detail: describeError(error) };
      rule = ruleOfFault(link);
    }
    const tookMs = this.#clock.end(start);
    if (tookMs > this.#timeoutMs) {
      const detail = `its answer took ${Math.round(tookMs)} ms, ${this.#timeoutMs} ms are allowed, and all else stood still`;
      answer = { reason: 'filter_slow', detail };
    }
    this.rule = rule;
    this.account = rule ? rule.account : link.account;
    this.filter = link.name;
    return answer;
  }
}

/** The rule that a filter had come to before its fault, if that can be told; and nothing of its answer is left for the next. */
function ruleOfFault({ filter, rules }: Link<InboundFilter | OutboundFilter>): ReturnType<KnownRules['look']> {
  try {
    silence(filter.takeRefusal?.());
    return rules.look(filter.lastRule);
  } catch {
    return undefined;
  }
}
