/** A message on its way to the broker. */
export interface OutboundMessage {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/**
 * Where outbound messages wait until the broker has them: store-and-forward between filter and connector. A message is
 * put, then taken to be sent, then settled; what was taken and not settled can be taken again.
 */
export interface Outbox {
  /** Messages that were put and are neither settled nor given up. */
  readonly waiting: number;
  /**
   * Appends a message. Returns how many were given up to stay within the bounds: the oldest, or the message itself when
   * it alone is beyond them.
   */
  put(message: OutboundMessage): number;
  /** The oldest message that is not taken, or `undefined` when there is none. */
  take(): OutboundMessage | undefined;
  /** Forgets a message that was taken: the broker has it, or will never have it. */
  settle(message: OutboundMessage): void;
  /** Makes everything that was taken and is not settled ready to be taken again, in the order it was put. */
  rewind(): void;
  /** Ends the outbox. Resolves with how many messages are lost with it: those that still wait, where it does not keep them. */
  close(): Promise<number>;
}

/** Bounds of a {@link MemoryOutbox}. */
export interface MemoryOutboxOptions {
  /** How many messages may wait. Default: 100,000. */
  maxMessages?: number;
  /** How many bytes of topics and payloads may wait, counting a string's UTF-16 units. Default: 64 MiB. */
  maxBytes?: number;
}

/** An outbox in memory: it survives an outage of the broker within its bounds, but not the process. */
export class MemoryOutbox implements Outbox {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  /** Not yet taken: `#queue[#head]` is the oldest. Slots before `#head` are empty. */
  #queue: (OutboundMessage | undefined)[] = [];
  #head = 0;
  /** Taken and not settled, in the order of taking. */
  readonly #taken = new Set<OutboundMessage>();
  #bytes = 0;

  constructor({ maxMessages = 100_000, maxBytes = 64 * 1024 * 1024 }: MemoryOutboxOptions = {}) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get waiting(): number {
    return this.#ready + this.#taken.size;
  }

  put(message: OutboundMessage): number {
    // One that fits in no outbox of this size must not push out all the others first.
    if (sizeOf(message) > this.#maxBytes) return 1;
    this.#queue.push(message);
    this.#bytes += sizeOf(message);
    let givenUp = 0;
    // What was taken is on the wire already: giving it up would save nothing and hide what becomes of it.
    while ((this.waiting > this.#maxMessages || this.#bytes > this.#maxBytes) && this.#ready > 0) {
      this.#bytes -= sizeOf(this.#shift());
      givenUp++;
    }
    return givenUp;
  }

  take(): OutboundMessage | undefined {
    if (this.#ready === 0) return undefined;
    const message = this.#shift();
    this.#taken.add(message);
    return message;
  }

  settle(message: OutboundMessage): void {
    if (this.#taken.delete(message)) this.#bytes -= sizeOf(message);
  }

  rewind(): void {
    if (this.#taken.size === 0) return;
    this.#queue = [...this.#taken, ...this.#queue.slice(this.#head)];
    this.#head = 0;
    this.#taken.clear();
  }

  async close(): Promise<number> {
    return this.waiting;
  }

  get #ready(): number {
    return this.#queue.length - this.#head;
  }

  #shift(): OutboundMessage {
    const message = this.#queue[this.#head] as OutboundMessage;
    this.#queue[this.#head++] = undefined;
    // Empty slots are dropped when they are the greater half, so that a message is moved once on average.
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }
}

function sizeOf({ topic, payload }: OutboundMessage): number {
  return topic.length + payload.length;
}
