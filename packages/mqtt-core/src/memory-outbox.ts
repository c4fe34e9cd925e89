import type {
  GiveUp,
  KeptMessages,
  OutboundMessage,
  Outbox,
  OutboxEntry,
  OutboxListener,
  OutboxLoss,
} from './outbox.js';

/** Bounds of a {@link MemoryOutbox}. */
export interface MemoryOutboxOptions {
  /** How many messages may wait. Default: 100,000. */
  maxMessages?: number;
  /** How many bytes of topics and payloads may wait, counting a string's UTF-16 units. Default: 64 MiB. */
  maxBytes?: number;
  /** How long a message may wait, in ms. Default: for ever. */
  maxAgeMs?: number;
  /** What to give up when too many wait. Default: the oldest. */
  giveUp?: GiveUp;
}

interface Entry extends OutboxEntry {
  readonly since: number;
  taken: boolean;
}

/** An outbox in memory: it survives an outage of the broker within its bounds, but not the process. */
export class MemoryOutbox implements Outbox {
  readonly fault = undefined;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  readonly #giveUp: GiveUp;
  #listener: OutboxListener = { ready() {}, givenUp() {}, kept() {} };
  /** By sequence: `#entries[0]` has the sequence `#base`. Empty where a message was settled or given up. */
  #entries: (Entry | undefined)[] = [];
  #base = 1;
  /** Nothing before it is ready to be taken. */
  #cursor = 0;
  /** Nothing before it is there. */
  #head = 0;
  #waiting = 0;
  #bytes = 0;

  constructor(options: MemoryOutboxOptions = {}) {
    this.#maxMessages = options.maxMessages ?? 100_000;
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
    this.#maxAgeMs = options.maxAgeMs ?? Number.POSITIVE_INFINITY;
    this.#giveUp = options.giveUp ?? 'oldest';
  }

  get waiting(): number {
    return this.#waiting;
  }

  get lastSequence(): number {
    return this.#base + this.#entries.length - 1;
  }

  async open(listener: OutboxListener): Promise<readonly KeptMessages[]> {
    this.#listener = listener;
    return [];
  }

  put(message: OutboundMessage): void {
    const size = sizeOf(message);
    // One that fits in no outbox of this size must not push out all the others first.
    if (size > this.#maxBytes) return this.#listener.givenUp('outbox_full', 1, message.rule);
    if (this.#giveUp === 'newest' && (this.#waiting >= this.#maxMessages || this.#bytes + size > this.#maxBytes)) {
      return this.#listener.givenUp('outbox_full', 1, message.rule);
    }
    this.#entries.push({ message, sequence: this.lastSequence + 1, since: Date.now(), taken: false });
    this.#waiting++;
    this.#bytes += size;
    while (this.#waiting > this.#maxMessages || this.#bytes > this.#maxBytes) {
      const oldest = this.#oldestReady();
      // What was taken is on the wire already: giving it up would save nothing and hide what becomes of it.
      if (!oldest) return;
      this.#lose(oldest, 'outbox_full');
    }
  }

  take(): OutboxEntry | undefined {
    for (let entry = this.#oldestReady(); entry; entry = this.#oldestReady()) {
      if (Date.now() - entry.since <= this.#maxAgeMs) {
        entry.taken = true;
        return entry;
      }
      this.#lose(entry, 'outbox_expired');
    }
    return undefined;
  }

  settle(entry: OutboxEntry): void {
    this.#remove(entry);
  }

  giveBack(entry: OutboxEntry): void {
    const index = this.#indexOf(entry);
    if (index < 0) return;
    (entry as Entry).taken = false;
    this.#cursor = Math.min(this.#cursor, index);
  }

  async close(): Promise<number> {
    return this.#waiting;
  }

  #oldestReady(): Entry | undefined {
    for (; this.#cursor < this.#entries.length; this.#cursor++) {
      const entry = this.#entries[this.#cursor];
      if (entry && !entry.taken) return entry;
    }
    return undefined;
  }

  #lose(entry: Entry, reason: OutboxLoss): void {
    this.#remove(entry);
    this.#listener.givenUp(reason, 1, entry.message.rule);
  }

  /** Where an entry is, or -1 when it is not there any more. */
  #indexOf(entry: OutboxEntry): number {
    const index = entry.sequence - this.#base;
    return this.#entries[index] === entry ? index : -1;
  }

  #remove(entry: OutboxEntry): void {
    const index = this.#indexOf(entry);
    if (index < 0) return;
    this.#entries[index] = undefined;
    this.#waiting--;
    this.#bytes -= sizeOf(entry.message);
    while (this.#head < this.#entries.length && this.#entries[this.#head] === undefined) this.#head++;
    // Empty slots are dropped when they are the greater half, so that an entry is moved once on average.
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#base += this.#head;
      this.#cursor = Math.max(0, this.#cursor - this.#head);
      this.#head = 0;
    }
  }
}

function sizeOf({ topic, payload }: OutboundMessage): number {
  return topic.length + payload.length;
}
