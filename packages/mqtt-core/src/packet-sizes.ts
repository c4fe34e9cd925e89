/**
 * Follows the packets in what a broker sends by the sizes that they announce (MQTT 3.1.1, section 2.2.3), without keeping any
 * of it: so one that is too large is seen when it begins, before the parser has stored it up.
 */
export class PacketSizes {
  readonly #limit: number;
  /** Bytes of the present packet that are still to come, behind its length. */
  #rest = 0;
  /** Bytes of its length that were read; `undefined` between two packets. */
  #digits: number | undefined;
  #length = 0;

  /** @param limit in bytes, the header included */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes the next piece of the stream. Returns the size of a packet beyond the limit that begins in it, if there is one. */
  beyondLimit(chunk: Uint8Array): number | undefined {
    for (let at = 0; at < chunk.length; ) {
      if (this.#rest > 0) {
        const step = Math.min(this.#rest, chunk.length - at);
        this.#rest -= step;
        at += step;
      } else if (this.#digits === undefined) {
        this.#digits = 0;
        this.#length = 0;
        at++; // the type
      } else {
        const byte = chunk[at++] as number;
        this.#length += (byte & 127) * 128 ** this.#digits++;
        if (byte >= 128 && this.#digits < 4) continue;
        const size = 1 + this.#digits + this.#length;
        if (size > this.#limit) return size;
        this.#rest = this.#length;
        this.#digits = undefined;
      }
    }
    return undefined;
  }
}
