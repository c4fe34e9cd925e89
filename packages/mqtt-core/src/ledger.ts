import type { Counts } from './counts.js';

/** The books of one account. What was received and is not yet anything else is waiting. */
export class Ledger {
  received = 0;
  forwarded = 0;
  filtered = 0;
  readonly dropped = new Map<string, number>();
  #lost = 0;

  /** @param filter the filter that it belongs to, by its index */
  constructor(readonly filter: number | undefined) {}

  get waiting(): number {
    return this.received - this.forwarded - this.filtered - this.#lost;
  }

  get counts(): Counts {
    const { received, forwarded, filtered, dropped, waiting } = this;
    return { received, forwarded, filtered, dropped: Object.fromEntries(dropped), waiting };
  }

  drop(reason: string, count: number): void {
    this.#lost += count;
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }

  /** Takes over the books of another. */
  add({ received, forwarded, filtered, dropped }: Ledger): void {
    this.received += received;
    this.forwarded += forwarded;
    this.filtered += filtered;
    for (const [reason, count] of dropped) this.drop(reason, count);
  }
}
