import type { FilterNames } from './filter-names.js';
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

/** The counts of one direction, of each filter in it, and of each rule that has decided anything. */
export interface DirectionCounts extends Counts {
  /**
   * By the name of the filter; see `InboundFilter` and `OutboundFilter`. What it leaves to the next filter counts as received
   * and filtered by it: these counts add up each, and not to the sum.
   */
  readonly filters: Readonly<Record<string, Counts>>;
  /**
   * By the name of the rule; see `FilterRule`. Where there are several filters, that of the filter stands before it:
   * `<filter> > <rule>`. What no rule decided is not among them.
   */
  readonly rules: Readonly<Record<string, Counts>>;
}

/** What one direction has seen, without a look at single rules: for whoever asks often. */
export interface Totals {
  readonly received: number;
  readonly forwarded: number;
  /** For whatever reason. */
  readonly dropped: number;
}

/** More rules than that share the books of those without a name: a filter that invents names must not fill the memory. */
const MAX_RULES = 20_000;

/** More reasons than that are booked as one. */
const MAX_REASONS = 100;
const OTHER_REASONS = 'other_reasons';

/** So many rules have a line in the log for the same reason: a thousand rules may be wrong in the same way. */
const MAX_REPORTS = 20;

/** What a rule asked for is counted, and is no news. */
const INTENDED: ReadonlySet<string> = new Set(['unchanged', 'throttled', 'superseded']);

/** The books of one account. What was received and is not yet anything else is waiting. */
class Ledger {
  received = 0;
  forwarded = 0;
  filtered = 0;
  readonly dropped = new Map<string, number>();

  /** @param filter the filter that it belongs to, by its index */
  constructor(readonly filter: number | undefined) {}

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

/**
 * Keeps the books of one direction. An account is that of a rule, or of what a filter decided without one; `undefined` is
 * what no rule decided, or no filter where there are several. The sums are made when somebody asks for them.
 */
export class Accounting {
  readonly #names: FilterNames;
  /** By filter: what it left to the next one. */
  readonly #passedOn: number[];
  /** By filter: what it decided without a rule. */
  readonly #ofFilters: readonly Ledger[];
  /** What no filter decided. */
  readonly #ofNobody = new Ledger(undefined);
  /** One of these: of what has no account. */
  readonly #ofNone: Ledger;
  readonly #ledgers = new Map<string, Ledger>();
  readonly #reasons = new Set<string>();
  /** By reason: whose doing has had its line in the log. */
  readonly #reported = new Map<string, Set<string>>();
  readonly #logger: Logger;
  readonly #totals = { received: 0, forwarded: 0, dropped: 0 };

  constructor(
    private readonly what: string,
    names: FilterNames,
    logger: Logger,
  ) {
    this.#names = names;
    this.#logger = logger;
    this.#passedOn = names.filters.map(() => 0);
    this.#ofFilters = names.filters.map((_name, index) => new Ledger(index));
    this.#ofNone = this.#open(undefined);
  }

  receive(account: string | undefined, count = 1): void {
    this.#totals.received += count;
    this.#of(account).received += count;
  }

  forward(account: string | undefined): void {
    this.#totals.forwarded++;
    this.#of(account).forwarded++;
  }

  filter(account: string | undefined): void {
    this.#of(account).filtered++;
  }

  /** A filter has left something to the next one. */
  passOn(filter: number): void {
    this.#passedOn[filter] = (this.#passedOn[filter] ?? 0) + 1;
  }

  /**
   * Counts a loss. The first for each reason, and rule or filter, is worth a line in the log, a flood of them is not, nor what
   * a rule asked for.
   *
   * @param by the name of the filter whose doing it is, if it is one's
   */
  drop(reason: string, account: string | undefined, detail: () => string, by?: string, count = 1): void {
    const ledger = this.#of(account);
    const isOfRule = account !== undefined && this.#ledgers.get(account) === ledger;
    const doer = by === undefined ? undefined : isOfRule ? this.#names.inWords(account, by) : `by ${by}`;
    this.#drop(ledger, reason, detail, doer, count);
  }

  /** Counts something that was refused before any filter was asked. */
  reject(reason: string, detail: () => string): void {
    this.#totals.received++;
    this.#ofNobody.received++;
    this.#drop(this.#ofNobody, reason, detail);
  }

  /** The next loss for this reason is worth a line again. */
  reportAgain(reason: string): void {
    this.#reported.delete(reason);
  }

  /** Kept at hand: reading them costs nothing. */
  get totals(): Totals {
    return { ...this.#totals };
  }

  get counts(): DirectionCounts {
    const accounts = [...this.#ledgers].map(([name, ledger]) => ({
      name,
      filter: ledger.filter,
      counts: ledger.counts,
    }));
    const ofFilter = (index: number, name: string): [string, Counts] => {
      const own = accounts.filter(({ filter }) => filter === index).map(({ counts }) => counts);
      const passedOn = this.#passedOn[index] ?? 0;
      const left = { received: passedOn, forwarded: 0, filtered: passedOn, dropped: {}, waiting: 0 };
      return [name, sum([(this.#ofFilters[index] as Ledger).counts, left, ...own])];
    };
    const nameless = [this.#ofNobody, ...this.#ofFilters].map(({ counts }) => counts);
    return {
      ...sum([...nameless, ...accounts.map(({ counts }) => counts)]),
      filters: Object.fromEntries(this.#names.filters.map((name, index) => ofFilter(index, name))),
      rules: Object.fromEntries(accounts.map(({ name, counts }) => [name, counts])),
    };
  }

  #drop(ledger: Ledger, reason: string, detail: () => string, doer?: string, count = 1): void {
    const isKnown = this.#reasons.has(reason) || this.#reasons.size < MAX_REASONS;
    const booked = isKnown ? reason : OTHER_REASONS;
    this.#reasons.add(booked);
    this.#totals.dropped += count;
    ledger.dropped.set(booked, (ledger.dropped.get(booked) ?? 0) + count);
    if (!INTENDED.has(booked) && this.#isNews(booked, doer ?? '')) {
      const why = doer === undefined ? reason : `${reason}, ${doer}`;
      this.#logger.warn(`dropped ${this.what} (${why}): ${detail()}; further ones are counted, not logged`);
    }
  }

  #isNews(reason: string, doer: string): boolean {
    let doers = this.#reported.get(reason);
    if (!doers) {
      doers = new Set();
      this.#reported.set(reason, doers);
    }
    if (doers.size >= MAX_REPORTS || doers.has(doer)) return false;
    doers.add(doer);
    return true;
  }

  #of(account: string | undefined): Ledger {
    if (account === undefined) return this.#ofNone;
    return this.#ledgers.get(account) ?? this.#open(account);
  }

  #open(account: string | undefined): Ledger {
    const owner = this.#names.ownerOf(account);
    const nameless = (owner === undefined ? undefined : this.#ofFilters[owner]) ?? this.#ofNobody;
    const isRule = account !== undefined && account !== this.#names.accountOf(owner ?? 0, undefined);
    if (!isRule || this.#ledgers.size >= MAX_RULES) return nameless;
    const ledger = new Ledger(owner);
    this.#ledgers.set(account, ledger);
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
