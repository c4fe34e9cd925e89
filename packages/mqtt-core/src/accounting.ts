import type { Logger } from './logger.js';

/** The fate of everything that came from one side: `received = forwarded + filtered + dropped + waiting`, at any moment. */
export interface DirectionCounts {
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

/**
 * Keeps the books of one direction. What was received and is not yet forwarded, filtered or dropped is waiting.
 */
export class Accounting {
  #received = 0;
  #forwarded = 0;
  #filtered = 0;
  #droppedTotal = 0;
  readonly #dropped = new Map<string, number>();
  readonly #logger: Logger;

  constructor(
    private readonly what: string,
    logger: Logger,
  ) {
    this.#logger = logger;
  }

  receive(count = 1): void {
    this.#received += count;
  }

  forward(): void {
    this.#forwarded++;
  }

  filter(): void {
    this.#filtered++;
  }

  /** Counts a loss. The first of each reason is worth a line in the log, a flood of them is not. */
  drop(reason: string, detail: () => string, count = 1): void {
    const before = this.#dropped.get(reason) ?? 0;
    this.#dropped.set(reason, before + count);
    this.#droppedTotal += count;
    if (before === 0) {
      this.#logger.warn(`dropped ${this.what} (${reason}): ${detail()}; further ones are counted, not logged`);
    }
  }

  get waiting(): number {
    return this.#received - this.#forwarded - this.#filtered - this.#droppedTotal;
  }

  get counts(): DirectionCounts {
    return {
      received: this.#received,
      forwarded: this.#forwarded,
      filtered: this.#filtered,
      dropped: Object.fromEntries(this.#dropped),
      waiting: this.waiting,
    };
  }
}

/** `received 5, forwarded 3, filtered 1, dropped 1 (illegal_topic 1), waiting 0` */
export function formatCounts({ received, forwarded, filtered, dropped, waiting }: DirectionCounts): string {
  const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`);
  const total = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const why = reasons.length > 0 ? ` (${reasons.join(', ')})` : '';
  return `received ${received}, forwarded ${forwarded}, filtered ${filtered}, dropped ${total}${why}, waiting ${waiting}`;
}
