import type { OutboundCrossing } from './crossing.js';
import type { Logger } from './logger.js';
import { isExpired, sizeOfMessage } from './outbox.js';
import { keyOf } from './text-key.js';

/** What goes out, and where it came from. */
export type Departure = Extract<OutboundCrossing, { outcome: 'accepted' }>;

/** Who gets what a throttle lets go. Called synchronously; must not throw. */
export interface ThrottleListener {
  /** It goes now. */
  release(crossing: Departure): void;
  /** A newer one on its topic came before it could go, or it is worth nothing any more at the end of its interval. */
  drop(crossing: Departure, reason: 'throttled' | 'expired'): void;
}

/** How much a {@link Throttle} keeps. */
export interface ThrottleBounds {
  /** How many intervals may run at the same time, each for a topic. Default: 100,000. */
  readonly maxTopics?: number;
  /** How many bytes of messages may be held back. Default: 64 MiB, as many as wait in an outbox in memory. */
  readonly maxBytes?: number;
}

/** Waking up more often than that, in ms, costs more than it is worth: what is held back goes so much later at the most. */
const SHORTEST_WAIT_MS = 10;
/** The longest time that a timer of Node.js can take, in ms. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
/** How many intervals are ended in one turn of the event loop: some milliseconds. */
const ENDS_PER_TURN = 1_000;

/** An interval that runs for a topic. */
interface Slot {
  readonly key: string;
  endsAt: number;
  held: Departure | undefined;
}

/**
 * Lets at most one message go per topic and interval: the first at once, the latest of those that come in between at the end of
 * the interval. Rules with the same interval share it. Whatever else goes out on a topic replaces what is held back for it,
 * so that the order on a topic is kept.
 *
 * What finds no place within the bounds is not held back: it goes at once, and the first time a line says so.
 */
export class Throttle {
  readonly #listener: ThrottleListener;
  readonly #logger: Logger;
  readonly #maxTopics: number;
  readonly #maxBytes: number;
  /** By interval and key of the topic. Within an interval, in the order in which they end. */
  readonly #slots = new Map<number, Map<string, Slot>>();
  #topics = 0;
  /** By key of the topic, the slot that holds something back for it: one at the most. */
  readonly #holding = new Map<string, Slot>();
  #heldBytes = 0;
  /** How many messages found no place. */
  #unheld = 0;
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(listener: ThrottleListener, logger: Logger, { maxTopics, maxBytes }: ThrottleBounds = {}) {
    this.#listener = listener;
    this.#logger = logger;
    this.#maxTopics = maxTopics ?? 100_000;
    this.#maxBytes = maxBytes ?? 64 * 1024 * 1024;
  }

  /** Releases a message now or at the end of the interval that runs for its topic, if nothing newer comes until then. */
  offer(crossing: Departure, intervalMs: number): void {
    const key = keyOf(crossing.message.topic);
    this.#overtake(key);
    if (this.#closed) return this.#listener.release(crossing);
    const slot = this.#slots.get(intervalMs)?.get(key);
    if (slot && this.#hold(slot, crossing)) return;
    if (slot || this.#topics < this.#maxTopics) this.#begin(key, intervalMs);
    else this.#noticeUnheld(`intervals for ${this.#maxTopics} topics`);
    this.#listener.release(crossing);
  }

  /** How many messages are held back. */
  get holding(): number {
    return this.#holding.size;
  }

  /** A message goes out on a topic: what is held back for that is older, and goes no more. */
  overtake(topic: string): void {
    if (this.#holding.size > 0) this.#overtake(keyOf(topic));
  }

  #overtake(key: string): void {
    const slot = this.#holding.get(key);
    const crossing = slot && this.#takeHeld(slot);
    if (crossing) this.#listener.drop(crossing, 'throttled');
  }

  /** Releases everything now, and holds nothing back any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#slots.clear();
    for (const slot of this.#holding.values()) {
      const crossing = this.#takeHeld(slot);
      if (crossing) this.#listener.release(crossing);
    }
    if (this.#unheld > 0) this.#logger.info(`messages that no place was left to hold back: ${this.#unheld}`);
  }

  /** Returns whether there is room for it. */
  #hold(slot: Slot, crossing: Departure): boolean {
    const size = sizeOfMessage(crossing.message);
    if (this.#heldBytes + size > this.#maxBytes) {
      this.#noticeUnheld(`${this.#maxBytes} bytes`);
      return false;
    }
    slot.held = crossing;
    this.#holding.set(slot.key, slot);
    this.#heldBytes += size;
    return true;
  }

  #takeHeld(slot: Slot): Departure | undefined {
    const { held } = slot;
    if (held) {
      slot.held = undefined;
      this.#holding.delete(slot.key);
      this.#heldBytes -= sizeOfMessage(held.message);
    }
    return held;
  }

  /** An interval begins now, or begins anew. */
  #begin(key: string, intervalMs: number): void {
    const endsAt = performance.now() + intervalMs;
    let slots = this.#slots.get(intervalMs);
    if (!slots) {
      slots = new Map();
      this.#slots.set(intervalMs, slots);
    }
    if (!slots.delete(key)) this.#topics++;
    slots.set(key, { key, endsAt, held: undefined });
    this.#wakeAt(endsAt);
  }

  #wakeAt(time: number): void {
    if (time >= this.#wakesAt || this.#closed) return;
    clearTimeout(this.#timer);
    this.#wakesAt = time;
    const wait = Math.min(Math.max(time - performance.now(), SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
    this.#timer = setTimeout(this.#end, wait);
  }

  /** Ends the intervals whose time has come. */
  readonly #end = (): void => {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let left = ENDS_PER_TURN;
    for (const [intervalMs, slots] of this.#slots) {
      for (const slot of slots.values()) {
        if (slot.endsAt > now || left === 0) {
          this.#wakeAt(slot.endsAt);
          break;
        }
        left--;
        this.#endOne(intervalMs, slot);
      }
      if (slots.size === 0) this.#slots.delete(intervalMs);
    }
  };

  #endOne(intervalMs: number, slot: Slot): void {
    const crossing = this.#takeHeld(slot);
    if (crossing && !isExpired(crossing.message)) {
      this.#begin(slot.key, intervalMs);
      return this.#listener.release(crossing);
    }
    this.#slots.get(intervalMs)?.delete(slot.key);
    this.#topics--;
    if (crossing) this.#listener.drop(crossing, 'expired');
  }

  #noticeUnheld(bound: string): void {
    if (this.#unheld++ > 0) return;
    this.#logger.warn(`more is throttled than can be kept in mind (${bound}): what finds no place goes at once`);
  }
}
