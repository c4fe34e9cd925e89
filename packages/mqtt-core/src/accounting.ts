import type { Logger } from './logger.js';

/** The fate of what came: `received = forwarded + filtered + dropped + waiting`, at any moment. */
export interface Counts {
  /** Everything that came: events from the bus, or messages from the broker. */
  readonly received: number;
  /** What the other side has accepted. */
  readonly forwarded: number;
  /** What no rule wanted to cross. */
  readonly filtered: number;
  /** What was lost or refused, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** What is on its way. */
  readonly waiting: number;
}

/** The counts of one direction, and of each rule in it that has decided anything: what no rule decided is in the sum alone. */
export interface DirectionCounts extends Counts {
  /** By the name of the rule; see `FilterRule`. */
  readonly rules: Readonly<Record<string, Counts>>;
}

/** More rules than that share the books of those without a name: a filter that invents names must not fill the memory. */
const MAX_RULES = 20_000;

/** More reasons than that are booked as one. */
const MAX_REASONS = 100;
const OTHER_REASONS = 'other_reasons';

/** What a rule asked for is counted, and is no news. */
const INTENDED: ReadonlySet<string> = new Set(['unchanged', 'throttled', 'superseded']);

/** The books of one rule, or of what no rule decided. What was received and is not yet anything else is waiting. */
class Ledger {
  received = 0;
  forwarded = 0;
  filtered = 0;
  readonly dropped = new Map<string, number>();

  get counts(): Counts {
    const { received, forwarded, filtered, dropped } = this;
    const lost = [...dropped.values()].reduce((sum, count) => sum + count, 0);
    return {
      received,
      forwarded,
      filtered,
      dropped: Object.fromEntries(dropped),
      waiting: received - forwarded - filtered - lost,
    };
  }
}

/** Keeps the books of one direction, by rule. The sum over all rules is made when somebody asks for it. */
export class Accounting {
  readonly #unnamed = new Ledger();
  readonly #ledgers = new Map<string, Ledger>();
  readonly #reasons = new Set<string>();
  readonly #logger: Logger;

  constructor(
    private readonly what: string,
    logger: Logger,
  ) {
    this.#logger = logger;
  }

  receive(rule: string | undefined, count = 1): void {
    this.#of(rule).received += count;
  }

  forward(rule: string | undefined): void {
    this.#of(rule).forwarded++;
  }

  filter(rule: string | undefined): void {
    this.#of(rule).filtered++;
  }

  /** Counts a loss. The first of each reason is worth a line in the log, a flood of them is not, nor what a rule asked for. */
  drop(reason: string, rule: string | undefined, detail: () => string, count = 1): void {
    const isKnown = INTENDED.has(reason) || this.#reasons.has(reason);
    const booked = isKnown || this.#reasons.size < MAX_REASONS ? reason : OTHER_REASONS;
    const { dropped } = this.#of(rule);
    dropped.set(booked, (dropped.get(booked) ?? 0) + count);
    if (isKnown || (booked === OTHER_REASONS && this.#reasons.has(OTHER_REASONS))) return;
    this.#reasons.add(booked);
    this.#logger.warn(`dropped ${this.what} (${reason}): ${detail()}; further ones are counted, not logged`);
  }

  /** The next loss for this reason is worth a line again. */
  reportAgain(reason: string): void {
    this.#reasons.delete(reason);
  }

  get counts(): DirectionCounts {
    const rules = Object.fromEntries([...this.#ledgers].map(([name, ledger]) => [name, ledger.counts]));
    return { ...sum([this.#unnamed.counts, ...Object.values(rules)]), rules };
  }

  #of(rule: string | undefined): Ledger {
    if (rule === undefined) return this.#unnamed;
    let ledger = this.#ledgers.get(rule);
    if (!ledger) {
      if (this.#ledgers.size >= MAX_RULES) return this.#unnamed;
      ledger = new Ledger();
      this.#ledgers.set(rule, ledger);
    }
    return ledger;
  }
}

function sum(all: readonly Counts[]): Counts {
  const total = { received: 0, forwarded: 0, filtered: 0, waiting: 0 };
  const dropped = new Map<string, number>();
  for (const each of all) {
    total.received += each.received;
    total.forwarded += each.forwarded;
    total.filtered += each.filtered;
    total.waiting += each.waiting;
    for (const [reason, count] of Object.entries(each.dropped)) dropped.set(reason, (dropped.get(reason) ?? 0) + count);
  }
  return { ...total, dropped: Object.fromEntries(dropped) };
}

/** `received 5, forwarded 3, filtered 1, dropped 1 (illegal_topic 1), waiting 0` */
export function formatCounts({ received, forwarded, filtered, dropped, waiting }: Counts): string {
  const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`);
  const total = Object.values(dropped).reduce((all, count) => all + count, 0);
  const why = reasons.length > 0 ? ` (${reasons.join(', ')})` : '';
  return `received ${received}, forwarded ${forwarded}, filtered ${filtered}, dropped ${total}${why}, waiting ${waiting}`;
}
