import {
  type GiveUp,
  type KeptMessages,
  type Logger,
  type OutboundMessage,
  type Outbox,
  type OutboxEntry,
  type OutboxListener,
  type OutboxLoss,
  silentLogger,
  sizeOfMessage,
} from '@cstbox/mqtt-core';
import { Backlog } from './backlog.js';
import { Keeper } from './keeper.js';
import type { Newest } from './newest.js';
import { Entry, type Segment } from './segment.js';

/** Options of a {@link LevelOutbox}. */
export interface LevelOutboxOptions {
  /** Where messages are kept; made if it is not there. One outbox at a time can use it. */
  directory: string;
  /**
   * When messages go to disk. `spill`: those that have waited for `spillAfterMs`, or when `memoryMessages` or `memoryBytes`
   * are near. `always`: before they are given to be sent. Default: `spill`.
   */
  durability?: 'spill' | 'always';
  /** How many messages may wait. Default: 1,000,000. */
  maxMessages?: number;
  /** How many bytes of topics, payloads and user properties may wait, counting a string's UTF-16 units. Default: 1 GiB. */
  maxBytes?: number;
  /** How long a message may wait, in ms by the wall clock. Default: for ever. */
  maxAgeMs?: number;
  /** What to give up when too many wait. Default: the oldest. */
  giveUp?: GiveUp;
  /** How many messages may wait in memory that are not on disk. Default: 100,000. */
  memoryMessages?: number;
  /** How many bytes of topics, payloads and user properties may wait in memory that are not on disk. Default: 64 MiB. */
  memoryBytes?: number;
  /** `spill`: a message is on its way to disk when it has waited for so long, in ms. Default: 1,000. */
  spillAfterMs?: number;
  /** `always`: how long messages are collected to be written together, in ms. Default: 50. */
  commitIntervalMs?: number;
  /** How long to wait before a place that could not be used is tried again, in ms. Default: 10,000. */
  retryAfterMs?: number;
  /** Default: silent. */
  logger?: Logger;
}

/** How many segments are read before they are needed, and kept in memory though they are on disk. */
const READ_AHEAD = 4;

/** From this share of the memory on, messages go to disk at once: the rest is for what comes while they are written. */
const EAGER_SHARE = 0.25;

/** How often messages that have waited for too long are looked for, in ms, at the most and at the least. */
const AGE_CHECK_MS = { min: 100, max: 60_000 };

/**
 * An outbox that outlives the process: what waits is kept in a LevelDB store. Where the place for it can't be used it says so
 * in `fault`, goes on in memory, and tries again.
 *
 * The bounds are exact for what is in memory; of what is on disk only, up to 256 messages are given up at a time.
 *
 * Messages that say `latest` supersede each other wherever they lie, in memory, on their way to disk or on it, for up to 131,072
 * topics of 16 Mi UTF-16 units together; on further topics they are kept as if they said nothing. What was superseded
 * within the last second before a crash is superseded again, and counted again, when the outbox is opened: that is when it
 * reads all that says `latest` on disk.
 */
export class LevelOutbox implements Outbox {
  readonly #backlog = new Backlog();
  readonly #keeper: Keeper;
  readonly #durable: boolean;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  readonly #giveUp: GiveUp;
  readonly #memoryMessages: number;
  readonly #memoryBytes: number;
  #listener: OutboxListener = { ready() {}, givenUp() {}, kept() {} };
  #ageTimer: NodeJS.Timeout | undefined;
  /** `take()` had nothing although something waits. */
  #starved = false;

  constructor(options: LevelOutboxOptions) {
    const { directory, durability = 'spill', retryAfterMs = 10_000, logger = silentLogger } = options;
    this.#durable = durability === 'always';
    this.#maxMessages = options.maxMessages ?? 1_000_000;
    this.#maxBytes = options.maxBytes ?? 1024 * 1024 * 1024;
    this.#maxAgeMs = options.maxAgeMs ?? Number.POSITIVE_INFINITY;
    this.#giveUp = options.giveUp ?? 'oldest';
    this.#memoryMessages = options.memoryMessages ?? 100_000;
    this.#memoryBytes = options.memoryBytes ?? 64 * 1024 * 1024;
    const { spillAfterMs = 1_000, commitIntervalMs = 50 } = options;
    this.#keeper = new Keeper({
      directory,
      backlog: this.#backlog,
      // What was put in one half of the time is written at the end of the other, whatever clocks do.
      intervalMs: this.#durable ? commitIntervalMs : spillAfterMs / 2,
      atOnce: this.#durable,
      eagerMessages: this.#durable ? 256 : Math.ceil(this.#memoryMessages * EAGER_SHARE),
      eagerBytes: this.#memoryBytes * EAGER_SHARE,
      retryAfterMs,
      logger,
      onKept: (kept) => this.#listener.kept(kept),
      onSaved: (segments) => this.#saved(segments),
      onFound: (segment) => this.#supersedeIn(segment),
      onReadable: () => this.#ready(),
      onDamaged: (segment) => this.#loseSegment(segment, 'outbox_damaged'),
      onMissing: (count) => this.#listener.givenUp('outbox_damaged', count, undefined),
    });
  }

  get waiting(): number {
    return this.#backlog.waiting;
  }

  get oldest(): number | undefined {
    return this.#backlog.since;
  }

  get lastSequence(): number {
    return this.#backlog.lastSequence;
  }

  get fault(): string | undefined {
    return this.#keeper.fault;
  }

  async open(listener: OutboxListener): Promise<readonly KeptMessages[]> {
    this.#listener = listener;
    const kept = await this.#keeper.open();
    if (Number.isFinite(this.#maxAgeMs)) {
      const every = Math.min(Math.max(this.#maxAgeMs / 4, AGE_CHECK_MS.min), AGE_CHECK_MS.max);
      this.#ageTimer = setInterval(() => this.#expire(), every);
    }
    return kept;
  }

  put(message: OutboundMessage): void {
    const backlog = this.#backlog;
    const size = sizeOfMessage(message);
    // One that fits in no outbox of this size must not push out all the others first.
    if (size > this.#maxBytes || size > this.#memoryBytes) return this.#refuse(message);
    const superseded = message.latest ? backlog.newest.readyOn(message.topic) : undefined;
    if (this.#giveUp === 'newest' && !this.#hasRoom(size, superseded)) return this.#refuse(message);
    if (superseded) this.#supersede(superseded);
    while (backlog.unsaved >= this.#memoryMessages || backlog.unsavedBytes + size > this.#memoryBytes) {
      // The disk does not keep up, or is not there.
      const oldest = backlog.oldestUnsaved();
      if (!oldest) return this.#refuse(message);
      this.#lose(oldest, 'outbox_full');
    }
    backlog.append(message, size, Date.now());
    while (backlog.waiting > this.#maxMessages || backlog.bytes > this.#maxBytes) {
      const oldest = backlog.oldestReady(false, true);
      // What was taken is on the wire already: giving it up would save nothing and hide what becomes of it.
      if (!oldest) break;
      if (oldest instanceof Entry) this.#lose(oldest, 'outbox_full');
      else this.#loseSegment(oldest, 'outbox_full');
    }
    this.#keeper.noticePut();
  }

  take(): OutboxEntry | undefined {
    for (;;) {
      const oldest = this.#backlog.oldestReady(this.#durable && this.fault === undefined, this.#keeper.readable);
      if (!(oldest instanceof Entry)) {
        if (oldest) this.#readAhead();
        this.#starved = true;
        return undefined;
      }
      if (this.#maxAgeMs === Number.POSITIVE_INFINITY || Date.now() - oldest.since <= this.#maxAgeMs) {
        this.#backlog.take(oldest);
        if (oldest.segment.nextReady === 0) this.#readAhead();
        return oldest;
      }
      this.#lose(oldest, 'outbox_expired');
    }
  }

  settle(entry: OutboxEntry): void {
    if (this.#backlog.forget(entry as Entry)) this.#keeper.noticeSettled();
  }

  giveBack(entry: OutboxEntry): void {
    const own = entry as Entry;
    if (this.#backlog.giveBack(own)) this.#keepNewest(own);
  }

  async close(): Promise<number> {
    clearInterval(this.#ageTimer);
    await this.#keeper.close();
    return this.#backlog.unsaved;
  }

  /** Whether a message of such a size fits in when another one goes. */
  #hasRoom(size: number, leaving: Newest | undefined): boolean {
    const { waiting, bytes, unsaved, unsavedBytes } = this.#backlog;
    const isUnsaved = leaving !== undefined && leaving.slot >= leaving.segment.stored;
    return (
      waiting - (leaving ? 1 : 0) < this.#maxMessages &&
      bytes - (leaving?.size ?? 0) + size <= this.#maxBytes &&
      unsaved - (isUnsaved ? 1 : 0) < this.#memoryMessages &&
      unsavedBytes - (isUnsaved ? leaving.size : 0) + size <= this.#memoryBytes
    );
  }

  #supersede(newest: Newest): void {
    this.#backlog.supersede(newest);
    this.#keeper.noticeSettled();
    this.#listener.givenUp('superseded', 1, newest.rule);
  }

  /** Of a message that says `latest` and what else waits on its topic, the newest is enough. */
  #keepNewest(entry: Entry): void {
    const superseded = entry.message.latest ? this.#backlog.newest.compare(entry) : undefined;
    if (superseded) this.#supersede(superseded);
  }

  #supersedeIn(segment: Segment): void {
    for (const entry of segment.live()) this.#keepNewest(entry);
  }

  #refuse({ rule }: OutboundMessage): void {
    this.#listener.givenUp('outbox_full', 1, rule);
  }

  #lose(entry: Entry, reason: OutboxLoss): void {
    this.#backlog.forget(entry);
    this.#keeper.noticeSettled();
    this.#listener.givenUp(reason, 1, entry.message.rule);
  }

  #loseSegment(segment: Segment, reason: OutboxLoss): void {
    const { rules } = segment.summary();
    this.#backlog.remove(segment);
    this.#keeper.noticeSettled();
    for (const { rule, count } of rules) this.#listener.givenUp(reason, count, rule);
    this.#ready();
  }

  /** Gives up what has waited for too long though nobody takes anything. */
  #expire(): void {
    const oldest = Date.now() - this.#maxAgeMs;
    for (const segment of this.#backlog.segments('cursor')) {
      if (!segment.entries) {
        if (segment.until >= oldest) return;
        this.#loseSegment(segment, 'outbox_expired');
        continue;
      }
      for (const entry of segment.live()) {
        if (entry.taken) continue;
        if (entry.since >= oldest) return;
        this.#lose(entry, 'outbox_expired');
      }
    }
  }

  #ready(): void {
    if (!this.#starved) return;
    this.#starved = false;
    this.#listener.ready();
  }

  #readAhead(): void {
    for (const segment of this.#near()) {
      if (!segment.entries) this.#keeper.read(segment);
    }
  }

  /** Messages are on disk now: those that are not about to be taken need no place in memory. */
  #saved(segments: readonly Segment[]): void {
    const near = new Set(this.#near());
    for (const segment of segments) if (segment.releasable && !segment.removed && !near.has(segment)) segment.release();
    if (this.#durable) this.#ready();
  }

  /** The segments that will be taken from next. */
  *#near(): Generator<Segment> {
    let left = READ_AHEAD;
    for (const segment of this.#backlog.segments('cursor')) {
      yield segment;
      if (--left === 0) return;
    }
  }
}
