/** Marshals D-Bus values, little endian, into one growing message. Offsets are those of the message. */
export class DBusWriter {
  #bytes = Buffer.alloc(512);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What has been written; a copy. */
  bytes(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  align(boundary: number): this {
    this.#grow((boundary - (this.#length % boundary)) % boundary);
    return this;
  }

  byte(value: number): this {
    const at = this.#grow(1);
    this.#bytes.writeUInt8(value, at);
    return this;
  }

  uint32(value: number): this {
    this.align(4);
    const at = this.#grow(4);
    this.#bytes.writeUInt32LE(value, at);
    return this;
  }

  uint64(value: bigint): this {
    this.align(8);
    const at = this.#grow(8);
    this.#bytes.writeBigUInt64LE(value, at);
    return this;
  }

  boolean(value: boolean): this {
    return this.uint32(value ? 1 : 0);
  }

  string(value: string): this {
    const text = Buffer.from(value);
    this.uint32(text.length);
    const at = this.#grow(text.length + 1);
    text.copy(this.#bytes, at);
    return this;
  }

  signature(value: string): this {
    this.byte(value.length);
    const at = this.#grow(value.length + 1);
    this.#bytes.write(value, at, 'latin1');
    return this;
  }

  /** Sets a 32 bit value that was written before its meaning was known. */
  patchUint32(offset: number, value: number): void {
    this.#bytes.writeUInt32LE(value, offset);
  }

  /** Makes room, zeroed, and returns where it starts. May replace the buffer, so it comes before any use of that. */
  #grow(count: number): number {
    const start = this.#length;
    this.#length += count;
    while (this.#length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2);
    return start;
  }
}
