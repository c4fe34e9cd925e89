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

/** The books of several, as one. */
export function sum(all: readonly Counts[]): Counts {
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
