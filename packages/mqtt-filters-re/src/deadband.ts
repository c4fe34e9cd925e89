import type { Timestamp } from '@cstbox/mqtt-core';

/** Which changes of a variable are worth an event. */
export interface Deadband {
  /** How far a value may be from the last one published and count as the same; `isShare`: as a share of that one. */
  readonly width: number;
  readonly isShare: boolean;
  /** After so many ms, what comes is published whatever its value. Default: never for this reason. */
  readonly maxIntervalMs?: number;
}

/** Texts that are longer count as changed: what is kept for each variable is bounded. */
const MAX_TEXT = 64;
/** Of a value: 21.1 lies within 0.1 of 21, although the difference of the binary numbers is a little more. */
const TOLERANCE = 2 ** -49;

/** What was published last of one variable. */
export class LastPublished {
  readonly #deadband: Deadband;
  /** A number, or the JSON of something else; `undefined`: nothing to compare with. */
  #value: number | string | undefined;
  #at = 0;

  constructor(deadband: Deadband) {
    this.#deadband = deadband;
  }

  /** Whether a value says nothing new. An event without a value always does. */
  isUnchanged(value: unknown, timestamp: Timestamp): boolean {
    const last = this.#value;
    if (last === undefined) return false;
    const { maxIntervalMs } = this.#deadband;
    if (maxIntervalMs !== undefined) {
      const elapsed = Number(timestamp) - this.#at;
      // A clock that was set back tells nothing about how long it was silent.
      if (elapsed >= maxIntervalMs || elapsed < 0) return false;
    }
    if (typeof value !== 'number') return comparable(value) === last;
    return typeof last === 'number' && this.#isWithin(value, last);
  }

  #isWithin(value: number, last: number): boolean {
    // JSON has numbers beyond all others (1e999): any value would lie within a share of such a one.
    if (!Number.isFinite(value) || !Number.isFinite(last)) return Object.is(value, last);
    const { width, isShare } = this.#deadband;
    const band = isShare ? width * Math.abs(last) : width;
    return Math.abs(value - last) <= band + (band > 0 ? TOLERANCE * Math.max(Math.abs(value), Math.abs(last)) : 0);
  }

  /** Something else was published in its place: there is nothing to compare with. */
  forget(): void {
    this.#value = undefined;
  }

  published(value: unknown, timestamp: Timestamp): void {
    this.#value = typeof value === 'number' ? value : comparable(value);
    this.#at = Number(timestamp);
  }
}

function comparable(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.length > MAX_TEXT)) return undefined;
  const text = JSON.stringify(value);
  return text.length > MAX_TEXT ? undefined : text;
}
