import { type Counts, type DirectionCounts, sum, type Totals } from './counts.js';
import type { FilterNames } from './filter-names.js';
import { Ledger } from './ledger.js';
import type { Logger } from './logger.js';

/** More rules than that share the books of those without a name: a filter that invents names must not fill the memory. */
const MAX_RULES = 20_000;

/** More reasons than that are booked as one. */
const MAX_REASONS = 100;
const OTHER_REASONS = 'other_reasons';

/** So many rules have a line in the log for the same reason: a thousand rules may be wrong in the same way. */
const MAX_REPORTS = 20;

/** What a rule asked for is counted, and is no news. */
const INTENDED: ReadonlySet<string> = new Set(['unchanged', 'throttled', 'superseded']);

/**
 * Keeps the books of one direction. An account is that of a rule, or of what a filter decided without one; `undefined` is
 * what no rule decided, or no filter where there are several. The sums are made when somebody asks for them.
 */
export class Accounting {
  #names: FilterNames;
  /** By filter: what it left to the next one. */
  #passedOn: number[];
  /** By filter: what it decided without a rule. */
  #ofFilters: readonly Ledger[];
  /** What no filter decided. */
  #ofNobody = new Ledger(undefined);
  /** One of these: of what has no account. */
  #ofNone: Ledger;
  /** What was refused before any filter was asked. */
  readonly #rejected = new Ledger(undefined);
  readonly #maxRules: number;
  #ledgers = new Map<string, Ledger>();
  /** Some rule found no place for books of its own. */
  #isCrowded = false;
  readonly #reasons = new Set<string>();
  /** By reason: whose doing has had its line in the log. */
  readonly #reported = new Map<string, Set<string>>();
  readonly #logger: Logger;
  readonly #totals = { received: 0, forwarded: 0, dropped: 0 };

  /** @param what what is counted, for the log */
  constructor(
    private readonly what: string,
    names: FilterNames,
    logger: Logger,
    { maxRules = MAX_RULES }: { readonly maxRules?: number } = {},
  ) {
    this.#names = names;
    this.#logger = logger;
    this.#maxRules = maxRules;
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
    this.#holder(account).forwarded++;
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
    const booked = this.#bookedAs(reason);
    for (let left = count; left > 0; ) {
      const ledger = this.#holder(account);
      const part = ledger.waiting > 0 ? Math.min(left, ledger.waiting) : left;
      ledger.drop(booked, part);
      left -= part;
    }
    this.#totals.dropped += count;
    const isOfRule = account !== undefined && this.#ledgers.has(account);
    const doer = by === undefined ? undefined : isOfRule ? this.#names.inWords(account, by) : `by ${by}`;
    this.#report(reason, booked, detail, doer);
  }

  /** Counts something that was refused before any filter was asked. */
  reject(reason: string, detail: () => string): void {
    const booked = this.#bookedAs(reason);
    this.#totals.received++;
    this.#totals.dropped++;
    this.#rejected.received++;
    this.#rejected.drop(booked, 1);
    this.#report(reason, booked, detail, undefined);
  }

  /**
   * Goes on with other filters. What was booked under an account is from now on booked where the new names have that account:
   * so what still waits is settled there, and nothing is lost of what came. What a filter has left to others is forgotten with it.
   */
  adopt(names: FilterNames): void {
    const former = this.#names;
    const passedOn = new Map(former.filters.map((name, index) => [name, this.#passedOn[index] ?? 0]));
    const nameless = this.#ofFilters.map((ledger, index) => [former.accountOf(index, undefined), ledger] as const);
    const all = [[undefined, this.#ofNobody] as const, ...nameless, ...this.#ledgers];
    // So that a gateway that is changed for years has books for the rules of today too.
    const isFull = this.#ledgers.size >= this.#maxRules;
    this.#names = names;
    this.#passedOn = names.filters.map((name) => passedOn.get(name) ?? 0);
    this.#ofFilters = names.filters.map((_name, index) => new Ledger(index));
    this.#ofNobody = new Ledger(undefined);
    this.#ofNone = this.#open(undefined);
    this.#ledgers = new Map();
    for (const [account, ledger] of all) {
      if (ledger.received === 0) continue;
      const heir = isFull && ledger.waiting === 0 ? this.#namelessOf(account) : this.#of(account);
      heir.add(ledger);
    }
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
    const nameless = [this.#rejected, this.#ofNobody, ...this.#ofFilters].map(({ counts }) => counts);
    return {
      ...sum([...nameless, ...accounts.map(({ counts }) => counts)]),
      filters: Object.fromEntries(this.#names.filters.map((name, index) => ofFilter(index, name))),
      rules: Object.fromEntries(accounts.map(({ name, counts }) => [name, counts])),
    };
  }

  #bookedAs(reason: string): string {
    const isKnown = this.#reasons.has(reason) || this.#reasons.size < MAX_REASONS;
    const booked = isKnown ? reason : OTHER_REASONS;
    this.#reasons.add(booked);
    return booked;
  }

  #report(reason: string, booked: string, detail: () => string, doer: string | undefined): void {
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

  /** Where something waits that came under an account. */
  #holder(account: string | undefined): Ledger {
    const own = this.#of(account);
    if (!this.#isCrowded || own.waiting > 0) return own;
    // It came when there was no place for books of its own, or for those of others.
    const others = [this.#namelessOf(account), this.#ofNobody, ...this.#ofFilters, ...this.#ledgers.values()];
    return others.find(({ waiting }) => waiting > 0) ?? own;
  }

  #namelessOf(account: string | undefined): Ledger {
    const owner = this.#names.ownerOf(account);
    return (owner === undefined ? undefined : this.#ofFilters[owner]) ?? this.#ofNobody;
  }

  #open(account: string | undefined): Ledger {
    const owner = this.#names.ownerOf(account);
    const isRule = account !== undefined && account !== this.#names.accountOf(owner ?? 0, undefined);
    if (!isRule) return this.#namelessOf(account);
    if (this.#ledgers.size >= this.#maxRules) {
      this.#isCrowded = true;
      return this.#namelessOf(account);
    }
    const ledger = new Ledger(owner);
    this.#ledgers.set(account, ledger);
    return ledger;
  }
}
