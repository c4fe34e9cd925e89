/*
 * What rides in every event of the bench: a counting value, by which loss, doubles and order are told, and the
 * moment of sending. Both are of fixed width, so that a prepared frame is only patched.
 */

/** Values start here: ten digits each, and no leading zero, which JSON forbids. */
export const FIRST_FLOOD_VALUE = 1_000_000_000;
export const FIRST_PACED_VALUE = 2_000_000_000;
export const FIRST_BACKLOG_VALUE = 2_500_000_000;
export const FIRST_PROBE_VALUE = 3_000_000_000;
export const VALUE_DIGITS = 10;

/** Nanoseconds of CLOCK_MONOTONIC, the same in all processes of a machine; a string, beyond 2^53 in JSON. */
export const STAMP_DIGITS = 19;

export const VALUE_KEY = '"value":';
export const STAMP_KEY = '"sent":"';

/** The data of an event, with every digit still 0. */
export const BLANK_DATA = `{${VALUE_KEY}${'0'.repeat(VALUE_DIGITS)},"unit":"degC",${STAMP_KEY}${'0'.repeat(STAMP_DIGITS)}"}`;

/** Writes a decimal number so that it ends before `end`. */
export function writeDigits(buffer: Buffer, end: number, digits: number, value: number): void {
  let rest = value;
  for (let at = end - 1; at >= end - digits; at--) {
    const tens = Math.floor(rest / 10);
    buffer[at] = 0x30 + rest - tens * 10;
    rest = tens;
  }
}

/** Reads the number after a key in JSON text, without parsing the text. */
export class NumberFinder {
  readonly #key: Buffer;
  /** How far before the end of the text the key stood last: with fixed widths, it will again. */
  #fromEnd = 0;

  constructor(key: string) {
    this.#key = Buffer.from(key);
  }

  /** The number after the key within [start, end), or -1. */
  find(buffer: Buffer, start: number, end: number): number {
    let at = end - this.#fromEnd;
    if (at < start || !this.#isAt(buffer, at)) {
      at = buffer.indexOf(this.#key, start);
      if (at < 0 || at >= end) return -1;
      this.#fromEnd = end - at;
    }
    at += this.#key.length;
    while (at < end && buffer[at] === 0x20) at++;
    const firstDigit = at;
    let value = 0;
    for (; at < end; at++) {
      const digit = (buffer[at] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    return at > firstDigit ? value : -1;
  }

  #isAt(buffer: Buffer, at: number): boolean {
    for (let i = 0; i < this.#key.length; i++) if (buffer[at + i] !== this.#key[i]) return false;
    return true;
  }
}
