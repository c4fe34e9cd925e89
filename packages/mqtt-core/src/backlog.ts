import { formatCount, formatDuration } from './duration.js';
import type { OutboxEntry } from './outbox.js';

/** What may become of a message that waited. */
export type BacklogEnd = 'delivered' | 'expired' | 'set aside';

/** The messages that waited for the broker when a connection was made, until the last of them has gone. */
export class Backlog {
  readonly #size: number;
  readonly #upTo: number;
  readonly #since = performance.now();
  readonly #ended = new Map<BacklogEnd, number>();
  /** How many of them are still on the wire, once nothing else is left of them. */
  #onWire: number | undefined;

  /**
   * @param size how many wait
   * @param upTo the sequence of the youngest
   */
  constructor(size: number, upTo: number) {
    this.#size = size;
    this.#upTo = upTo;
  }

  has({ sequence }: OutboxEntry): boolean {
    return sequence <= this.#upTo;
  }

  /** A younger message is taken: of these, only those on the wire are left. */
  overtaken(onWire: number): void {
    this.#onWire ??= onWire;
  }

  /** One of them has gone. */
  end(how: BacklogEnd): void {
    this.#ended.set(how, (this.#ended.get(how) ?? 0) + 1);
    if (this.#onWire !== undefined) this.#onWire--;
  }

  /** Nothing is left of it, as far as what was sent tells. */
  get isGone(): boolean {
    return this.#onWire === 0;
  }

  /** `the backlog of 12,345 messages is delivered, in 4.2 s`, and how many of them were given up on the way. */
  toString(): string {
    const delivered = this.#ended.get('delivered') ?? 0;
    const ends = [...this.#ended].filter(([how]) => how !== 'delivered');
    const beyond = [...this.#ended.values()].reduce((left, count) => left - count, this.#size);
    const lost = [...ends, ...(beyond > 0 ? [['by the outbox', beyond] as const] : [])];
    const what = `the backlog of ${formatCount(this.#size)} ${this.#size === 1 ? 'message' : 'messages'}`;
    const took = `in ${formatDuration(performance.now() - this.#since)}`;
    if (lost.length === 0) return `${what} is delivered, ${took}`;
    const givenUp = lost.map(([how, count]) => `${how} ${formatCount(count)}`).join(', ');
    return `${what} is gone, ${took}: delivered ${formatCount(delivered)}; given up meanwhile: ${givenUp}`;
  }
}
