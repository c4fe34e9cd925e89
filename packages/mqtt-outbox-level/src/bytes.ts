/** Writes numbers and texts one after the other into a buffer that grows as it needs to. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #length = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** An integer from 0 to 2^53 - 1; small ones take one byte. */
  integer(value: number): void {
    this.#reserve(8);
    let rest = value;
    // Bit operators work on 32 bits only.
    while (rest > 0x7fff_ffff) {
      this.#buffer[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A text as UTF-8. */
  text(value: string): void {
    this.#reserve(4 + value.length * 3);
    const written = this.#buffer.write(value, this.#length + 4);
    this.#buffer.writeUInt32LE(written, this.#length);
    this.#length += 4 + written;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(4 + value.length);
    this.#buffer.writeUInt32LE(value.length, this.#length);
    this.#buffer.set(value, this.#length + 4);
    this.#length += 4 + value.length;
  }

  /** What was written, as a copy. */
  finish(): Buffer {
    const copy = Buffer.from(this.#buffer.subarray(0, this.#length));
    // One huge message must not keep a huge buffer for ever.
    if (this.#buffer.length > 4 * 1024 * 1024) this.#buffer = Buffer.allocUnsafe(64 * 1024);
    this.#length = 0;
    return copy;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Reads what a {@link ByteWriter} has written. Throws a `RangeError` at the end of the buffer. */
export class ByteReader {
  #at = 0;

  constructor(private readonly buffer: Buffer) {}

  /** Whether all has been read. */
  get ended(): boolean {
    return this.#at >= this.buffer.length;
  }

  byte(): number {
    const value = this.buffer[this.#at++];
    if (value === undefined) throw new RangeError('the record ends too early');
    return value;
  }

  integer(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 128) return value;
    }
  }

  text(): string {
    const { start, end } = this.#sized();
    return this.buffer.toString('utf8', start, end);
  }

  bytes(): Uint8Array {
    const { start, end } = this.#sized();
    return new Uint8Array(this.buffer.subarray(start, end));
  }

  #sized(): { start: number; end: number } {
    const start = this.#at + 4;
    const end = start + this.buffer.readUInt32LE(this.#at);
    if (end > this.buffer.length) throw new RangeError('the record ends too early');
    this.#at = end;
    return { start, end };
  }
}
