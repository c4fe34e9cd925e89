import type { OutboundMessage, OutboxEntry } from '@cstbox/mqtt-core';
import type { Newest } from './newest.js';
import type { StoredBatch } from './store.js';
import { isSettled, type SlottedMessage, type Summary, summarize, without } from './summary.js';

/** How many messages are kept together, at most. */
const MAX_MESSAGES = 256;
/** No more are added to a segment that holds so many bytes. */
const MAX_BYTES = 1024 * 1024;
/**
 * The last segment is written anew with each commit that adds to it, as long as it is smaller than this: writing some
 * kilobytes again costs no more than a sector, and a million messages that came one by one do not make a million segments.
 */
const SMALL_MESSAGES = 64;
const SMALL_BYTES = 16 * 1024;

/** A message in memory. */
export class Entry implements OutboxEntry {
  taken = false;

  constructor(
    readonly message: OutboundMessage,
    public sequence: number,
    /** When it was put, by the wall clock. */
    readonly since: number,
    readonly segment: Segment,
  ) {}
}

/**
 * Messages that came one after the other, and are kept, written and read together. Its slots are sequence numbers, from
 * `first` on; a slot is empty when its message was settled or given up.
 */
export class Segment {
  previous: Segment | undefined;
  next: Segment | undefined;
  /** Its messages by slot; `undefined` when they are on disk only. */
  entries: (Entry | undefined)[] | undefined = [];
  slots = 0;
  waiting = 0;
  bytes = 0;
  taken = 0;
  /** When its youngest message was put. */
  until = Number.NEGATIVE_INFINITY;
  /** No slot before it is ready to be taken. */
  nextReady = 0;
  /** How many of its slots have been written to disk, counted from the first. */
  stored = 0;
  /** How many of its slots are being written. */
  writing = 0;
  /** How many messages wait in it by what is written on disk. */
  waitingOnDisk = 0;
  /** The checksum of what is on disk. */
  checksum = 0;
  /** How many bytes on disk are those of messages that were superseded. */
  wasted = 0;
  /** Which of its messages are the newest of their topics, as far as that is known. */
  readonly newest = new Set<Newest>();
  loading = false;
  removed = false;
  /** When the oldest that waits was put, or some time before; for when its messages are not in memory. */
  #since: number | undefined;
  #bytesPut = 0;
  #sealed = false;
  /** What is known of it while its messages are not in memory. */
  #kept: Summary | undefined;

  constructor(public first: number) {}

  /**
   * A segment that is on disk.
   *
   * @param since when its oldest message that waits was put, or some time before
   */
  static stored({ first, summary, checksum, wasted }: StoredBatch, since?: number): Segment {
    const segment = new Segment(first);
    segment.#since = since;
    segment.entries = undefined;
    segment.slots = segment.stored = summary.slots;
    segment.waiting = segment.waitingOnDisk = summary.waiting;
    segment.bytes = summary.bytes;
    segment.until = summary.until;
    segment.checksum = checksum;
    segment.wasted = wasted;
    segment.#kept = summary;
    segment.#sealed = true;
    return segment;
  }

  /** Whether another message may be added. */
  get open(): boolean {
    return !this.#sealed && this.slots < MAX_MESSAGES && this.#bytesPut < MAX_BYTES;
  }

  add(message: OutboundMessage, size: number, since: number): void {
    this.entries?.push(new Entry(message, this.first + this.slots, since, this));
    this.slots++;
    this.waiting++;
    this.bytes += size;
    this.#bytesPut += size;
    if (since > this.until) this.until = since;
  }

  has(entry: Entry): boolean {
    return this.entries?.[entry.sequence - this.first] === entry;
  }

  /** Forgets a message that it has. */
  forget(entry: Entry, size: number): void {
    if (this.entries) this.entries[entry.sequence - this.first] = undefined;
    if (entry.taken) this.taken--;
    this.waiting--;
    this.bytes -= size;
  }

  /** Forgets a message that is on disk only. */
  forgetStored(message: Newest): void {
    if (!this.#kept) return;
    this.#kept = without(this.#kept, message);
    this.waiting = this.#kept.waiting;
    this.bytes = this.#kept.bytes;
  }

  /** The oldest message that is not taken, up to a slot. Only when its messages are in memory. */
  oldestReady(end: number): Entry | undefined {
    for (; this.nextReady < end; this.nextReady++) {
      const entry = this.entries?.[this.nextReady];
      if (entry && !entry.taken) return entry;
    }
    return undefined;
  }

  /** The oldest message that is neither taken nor on disk nor on its way there. */
  oldestUnsaved(): Entry | undefined {
    for (let slot = Math.max(this.stored, this.writing, this.nextReady); slot < this.slots; slot++) {
      const entry = this.entries?.[slot];
      if (entry && !entry.taken) return entry;
    }
    return undefined;
  }

  /** Its messages that are in memory and wait, from a slot on. */
  *live(from = 0): Generator<Entry> {
    for (let slot = from; slot < (this.entries?.length ?? 0); slot++) {
      const entry = this.entries?.[slot];
      if (entry) yield entry;
    }
  }

  /** Of what is in its slots up to a certain one; of a segment that is not in memory, of all. */
  summary(end = this.slots): Summary {
    if (this.#kept) return this.#kept;
    return summarize(this.#waiting(end), end);
  }

  /** The number of its oldest message that waits. */
  get oldest(): number {
    let slot = 0;
    while (slot < this.slots && (this.#kept ? isSettled(this.#kept, slot) : !this.entries?.[slot])) slot++;
    return this.first + slot;
  }

  /** When its oldest message that waits was put; while its messages are not in memory, that or some time before. */
  get since(): number {
    if (this.#kept) return this.#since ?? this.until;
    for (const { since } of this.live()) return since;
    return this.until;
  }

  /** All of it that was put is on disk now; small ones are written again when more comes. */
  sealUnlessSmall(): void {
    if (this.slots >= SMALL_MESSAGES || this.#bytesPut >= SMALL_BYTES) this.#sealed = true;
  }

  /** Whether its messages could be dropped from memory, being on disk and not taken. */
  get releasable(): boolean {
    return this.entries !== undefined && this.#sealed && this.stored === this.slots && this.taken === 0;
  }

  release(): void {
    this.#since = this.since;
    this.#kept = this.summary();
    this.entries = undefined;
    this.nextReady = 0;
  }

  /** Takes what was read from disk. Returns whether it is what is expected. */
  load(records: readonly SlottedMessage[]): boolean {
    const kept = this.summary();
    const entries = new Array<Entry | undefined>(this.slots).fill(undefined);
    let waiting = 0;
    for (const { slot, since, message } of records) {
      if (slot >= this.slots) return false;
      if (isSettled(kept, slot)) continue;
      entries[slot] = new Entry(message, this.first + slot, since, this);
      waiting++;
    }
    if (waiting !== this.waiting) return false;
    this.entries = entries;
    this.#kept = undefined;
    this.nextReady = 0;
    return true;
  }

  *#waiting(end: number): Generator<SlottedMessage> {
    for (const { sequence, since, message } of this.live()) {
      if (sequence - this.first >= end) return;
      yield { slot: sequence - this.first, since, message };
    }
  }
}
