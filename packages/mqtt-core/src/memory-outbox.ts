import { CoarseClock, type Moment } from './coarse-clock.js';
import {
  type GiveUp,
  type KeptMessages,
  type OutboundMessage,
  type Outbox,
  type OutboxEntry,
  type OutboxListener,
  type OutboxLoss,
  sizeOfMessage,
} from './outbox.js';
import { keyOf } from './text-key.js';

/** Bounds of a {@link MemoryOutbox}. */
export interface MemoryOutboxOptions {
  /** How many messages may wait. Default: 100,000. */
  maxMessages?: number;
  /** How many bytes of topics, payloads and user properties may wait, counting a string's UTF-16 units. Default: 64 MiB. */
  maxBytes?: number;
  /** How long a message may wait, in ms. Default: for ever. */
  maxAgeMs?: number;
  /** What to give up when too many wait. Default: the oldest. */
  giveUp?: GiveUp;
}

/** How often messages that have waited for too long are looked for, in ms, at the most and at the least. */
const AGE_CHECK_MS = { min: 100, max: 60_000 };

interface Entry extends OutboxEntry {
  /** When it was put. */
  readonly since: Moment;
  state: 'ready' | 'taken' | 'gone';
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** An outbox in memory: it survives an outage of the broker within its bounds, but not the process. */
export class MemoryOutbox implements Outbox {
  readonly fault = undefined;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  readonly #giveUp: GiveUp;
  #listener: OutboxListener = { ready() {}, givenUp() {}, kept() {} };
  // A list, not an array: one message that stays taken for hours must not hold the places of all that came after it.
  #first: Entry | undefined;
  #last: Entry | undefined;
  /** Nothing before it is ready to be taken; `undefined` when nothing is. */
  #cursor: Entry | undefined;
  /** By key of the topic, the newest message that says `latest` and waits, taken or not; of these none that is older is ready. */
  readonly #latest = new Map<string, Entry>();
  #lastSequence = 0;
  #waiting = 0;
  #bytes = 0;
  #ageTimer: NodeJS.Timeout | undefined;
  readonly #clock = new CoarseClock(() => this.#waiting > 0);

  constructor(options: MemoryOutboxOptions = {}) {
    this.#maxMessages = options.maxMessages ?? 100_000;
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
    this.#maxAgeMs = options.maxAgeMs ?? Number.POSITIVE_INFINITY;
    this.#giveUp = options.giveUp ?? 'oldest';
  }

  get waiting(): number {
    return this.#waiting;
  }

  get oldest(): number | undefined {
    return this.#first?.since.date;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  async open(listener: OutboxListener): Promise<readonly KeptMessages[]> {
    this.#listener = listener;
    if (Number.isFinite(this.#maxAgeMs)) {
      const every = Math.min(Math.max(this.#maxAgeMs / 4, AGE_CHECK_MS.min), AGE_CHECK_MS.max);
      this.#ageTimer = setInterval(() => this.#expire(), every);
    }
    return [];
  }

  put(message: OutboundMessage): void {
    const size = sizeOfMessage(message);
    // One that fits in no outbox of this size must not push out all the others first.
    if (size > this.#maxBytes) return this.#listener.givenUp('outbox_full', 1, message.rule);
    const before = message.latest ? this.#latest.get(keyOf(message.topic)) : undefined;
    const superseded = before?.state === 'ready' ? before : undefined;
    if (this.#giveUp === 'newest' && !this.#hasRoom(size, superseded)) {
      return this.#listener.givenUp('outbox_full', 1, message.rule);
    }
    this.#append(message);
    this.#waiting++;
    this.#bytes += size;
    if (superseded) this.#lose(superseded, 'superseded');
    while (this.#waiting > this.#maxMessages || this.#bytes > this.#maxBytes) {
      const oldest = this.#oldestReady();
      // What was taken is on the wire already: giving it up would save nothing and hide what becomes of it.
      if (!oldest) return;
      this.#lose(oldest, 'outbox_full');
    }
  }

  take(): OutboxEntry | undefined {
    if (this.#maxAgeMs !== Number.POSITIVE_INFINITY) this.#expire();
    const entry = this.#oldestReady();
    if (entry) entry.state = 'taken';
    return entry;
  }

  settle(entry: OutboxEntry): void {
    this.#remove(entry as Entry);
  }

  giveBack(entry: OutboxEntry): void {
    const own = entry as Entry;
    if (own.state !== 'taken') return;
    own.state = 'ready';
    if (!this.#cursor || own.sequence < this.#cursor.sequence) this.#cursor = own;
    if (own.message.latest) this.#supersede(own);
  }

  async close(): Promise<number> {
    clearInterval(this.#ageTimer);
    this.#clock.stop();
    return this.#waiting;
  }

  /** Whether so many bytes more may wait when another message goes. */
  #hasRoom(size: number, leaving: Entry | undefined): boolean {
    const waiting = leaving ? this.#waiting - 1 : this.#waiting;
    const bytes = leaving ? this.#bytes - sizeOfMessage(leaving.message) : this.#bytes;
    return waiting < this.#maxMessages && bytes + size <= this.#maxBytes;
  }

  #append(message: OutboundMessage): void {
    const entry: Entry = {
      message,
      sequence: ++this.#lastSequence,
      since: this.#maxAgeMs === Number.POSITIVE_INFINITY ? this.#clock.now : { date: Date.now() },
      state: 'ready',
      previous: this.#last,
      next: undefined,
    };
    if (this.#last) this.#last.next = entry;
    else this.#first = entry;
    this.#last = entry;
    this.#cursor ??= entry;
    if (message.latest) this.#latest.set(keyOf(message.topic), entry);
  }

  /** Of a message that was given back and what else waits on its topic, the newest is enough. */
  #supersede(entry: Entry): void {
    const key = keyOf(entry.message.topic);
    const other = this.#latest.get(key);
    if (other && other.sequence > entry.sequence) return this.#lose(entry, 'superseded');
    this.#latest.set(key, entry);
    if (other && other !== entry && other.state === 'ready') this.#lose(other, 'superseded');
  }

  #forgetLatest(entry: Entry): void {
    const key = keyOf(entry.message.topic);
    if (this.#latest.get(key) === entry) this.#latest.delete(key);
  }

  #oldestReady(): Entry | undefined {
    let entry = this.#cursor;
    while (entry && entry.state !== 'ready') entry = entry.next;
    this.#cursor = entry;
    return entry;
  }

  /** Gives up what has waited for too long. */
  #expire(): void {
    const oldest = Date.now() - this.#maxAgeMs;
    for (let entry = this.#oldestReady(); entry && entry.since.date < oldest; entry = this.#oldestReady()) {
      this.#lose(entry, 'outbox_expired');
    }
  }

  #lose(entry: Entry, reason: OutboxLoss): void {
    this.#remove(entry);
    this.#listener.givenUp(reason, 1, entry.message.rule);
  }

  #remove(entry: Entry): void {
    if (entry.state === 'gone') return;
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    if (this.#cursor === entry) this.#cursor = next;
    entry.state = 'gone';
    if (entry.message.latest) this.#forgetLatest(entry);
    // Whoever still holds the entry must not hold its neighbours.
    entry.previous = entry.next = undefined;
    this.#waiting--;
    this.#bytes -= sizeOfMessage(entry.message);
  }
}
