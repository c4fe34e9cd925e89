import { type KeptMessages, type Logger, MQTTGatewayError } from '@cstbox/mqtt-core';
import type { Backlog } from './backlog.js';
import { Change, compare } from './change.js';
import { checksumOf, decodeData } from './codec.js';
import { Place } from './place.js';
import { isLocked, lockedBy } from './place-fault.js';
import type { OpenedStore } from './recovery.js';
import { Segment } from './segment.js';
import { FORMAT, type StoreState } from './store.js';

/** What a {@link Keeper} is made of. */
export interface KeeperParts {
  readonly directory: string;
  readonly backlog: Backlog;
  /** How often it looks what has to be written, in ms. */
  readonly intervalMs: number;
  /** Write all at each look; otherwise what was there at the look before. */
  readonly atOnce: boolean;
  /** Write at once when so much waits in memory. */
  readonly eagerMessages: number;
  readonly eagerBytes: number;
  readonly retryAfterMs: number;
  readonly logger: Logger;
  /** Messages of an earlier life were found after `open()`. */
  readonly onKept: (kept: readonly KeptMessages[]) => void;
  /** These segments are in memory, and on disk as they should be: they have been written, or read to be looked at. */
  readonly onSaved: (segments: readonly Segment[]) => void;
  /** The messages of a segment of an earlier life have been read, of which some say `latest`. */
  readonly onFound: (segment: Segment) => void;
  /** A segment has been read, or segments can be read again, or take() needs no more wait for the disk. */
  readonly onReadable: () => void;
  /** What waits in a segment can't be read. */
  readonly onDamaged: (segment: Segment) => void;
  /** Messages are missing that should be in the store. */
  readonly onMissing: (count: number) => void;
}

/** How often it is written down, at most, what was settled, and what the store holds; in ms. */
const PROGRESS_MS = 1_000;

/** How often it is written down beside the store what it holds: damage to what is younger can't be counted. */
const WITNESS_MS = 100;

/** It is written down at once when so many segments are settled: they would all be sent again after a crash. */
const PROGRESS_SEGMENTS = 16;

/** Sequence numbers are reserved in advance: after a crash those that were given in memory only are not given again. */
const RESERVE = 1_000_000;

/**
 * How many segments are written anew at a time without what was superseded; of each less than half is left. So what is new finds
 * room in the same change.
 */
const SHRINK_SEGMENTS = 4;

/** The store is tidied up when it is empty after so many bytes were written, and not more often than this. */
const TIDY = { bytes: 512 * 1024, everyMs: 10_000 };

/** Keeps a backlog on disk: decides when something is written, one change after the other. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #backlog: Backlog;
  readonly #place: Place;
  #state: StoreState = { format: FORMAT.empty, generation: 0, waiting: 0, oldest: 1, ceiling: 0 };
  /** The store was opened, and what it had kept is in the backlog. */
  #attached = false;
  /** `open()` is done. */
  #open = false;
  /** Of an earlier life, and not yet looked at: which of their messages are the newest of their topics? */
  #unseen: Segment[] = [];
  /** What `open()` resolves with, or why it does not. */
  #kept: readonly KeptMessages[] = [];
  #refusal: unknown;
  #closing = false;
  /** Nobody waits any more for what is not written yet. */
  #abandoned = false;
  /** The next look at what has to be written. */
  #tick: NodeJS.Timeout | undefined;
  /** When it is written down what was settled. */
  #progress: NodeJS.Timeout | undefined;
  #progressDue = false;
  /** What is being written, or opened. */
  #working: Promise<void> | undefined;
  /** The youngest sequence number at the last look. */
  #mark = 0;
  /** Write what was put up to this sequence number. */
  #target = 0;
  #witnessedAt = Number.NEGATIVE_INFINITY;
  #tidiedAt = Number.NEGATIVE_INFINITY;
  #writtenBytes = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#backlog = parts.backlog;
    const { directory, retryAfterMs, logger } = parts;
    this.#place = new Place({
      directory,
      retryAfterMs,
      logger,
      onRetry: () => this.#next(() => this.#work()),
      onChange: () => {
        this.#backlog.rewind();
        parts.onReadable();
      },
    });
  }

  get fault(): string | undefined {
    return this.#place.fault;
  }

  /** Whether segments can be read. */
  get readable(): boolean {
    return this.#place.readable;
  }

  /**
   * Opens the store. A place that can't be used, or does not answer, is tried again later.
   *
   * @throws {MQTTGatewayError} `outbox_locked`
   */
  async open(): Promise<readonly KeptMessages[]> {
    this.#next(() => this.#work());
    await this.#place.patiently(this.#working);
    if (this.#refusal !== undefined) {
      throw new MQTTGatewayError('outbox_locked', lockedBy(this.#parts.directory), { cause: this.#refusal });
    }
    // Numbers of this life must be greater than those in a store that can't be read now.
    if (!this.#attached) this.#backlog.lastSequence = Math.max(this.#backlog.lastSequence, Date.now() * 1_000);
    this.#open = true;
    return this.#kept;
  }

  noticePut(): void {
    const { unsaved, unsavedBytes } = this.#backlog;
    if (this.#tick === undefined) this.#wait();
    const { eagerMessages, eagerBytes } = this.#parts;
    if (unsaved >= eagerMessages || unsavedBytes >= eagerBytes) this.#flush(this.#backlog.lastSequence);
  }

  noticeSettled(): void {
    const { toUpdate, toDelete } = this.#backlog;
    if (toDelete.length >= PROGRESS_SEGMENTS && !this.#progressDue) this.#flush(this.#target, true);
    else if (toUpdate.size > 0 || toDelete.length > 0) this.#progressAfter(PROGRESS_MS);
  }

  /** Reads a segment's messages into memory. */
  read(segment: Segment): void {
    if (!this.#place.isOpen || segment.loading) return;
    segment.loading = true;
    void this.#load(segment).finally(() => {
      segment.loading = false;
    });
  }

  /**
   * Writes all that waits, with a last attempt where that fails, and leaves the store. A disk that does not answer is not
   * waited for: what is not written then is not kept.
   */
  async close(): Promise<void> {
    this.#closing = true;
    for (const timer of [this.#tick, this.#progress]) clearTimeout(timer);
    this.#place.beginClose();
    this.#abandoned = !(await this.#place.patiently(this.#shut()));
  }

  async #shut(): Promise<void> {
    await this.#working;
    this.#progressDue = true;
    this.#target = this.#backlog.lastSequence;
    if (!this.#place.broken) await this.#work();
    if (this.#place.broken) await this.#work();
    if (this.#place.isOpen && this.#isEmpty && this.#writtenBytes > TIDY.bytes) this.#tidy();
    await this.#place.close();
  }

  get #isEmpty(): boolean {
    return this.#state.waiting === 0 && this.#backlog.toDelete.length === 0;
  }

  #wait(): void {
    if (this.#closing) return;
    this.#tick = setTimeout(() => {
      this.#tick = undefined;
      const { lastSequence, unsaved } = this.#backlog;
      const due = this.#parts.atOnce ? lastSequence : this.#mark;
      if (unsaved > 0 && this.#backlog.hasUnsavedUpTo(due)) this.#flush(lastSequence);
      this.#mark = lastSequence;
      if (this.#backlog.unsaved > 0) this.#wait();
      if (lastSequence > this.#state.ceiling - RESERVE / 2) this.#flush(this.#target, true);
    }, this.#parts.intervalMs);
  }

  #progressAfter(delayMs: number): void {
    if (this.#progress !== undefined || this.#closing) return;
    this.#progress = setTimeout(() => {
      this.#progress = undefined;
      this.#flush(this.#target, true);
    }, delayMs);
  }

  /** Writes what was put up to a sequence number, after what is being written now. */
  #flush(target: number, progress = false): void {
    this.#target = Math.max(this.#target, target);
    this.#progressDue ||= progress;
    if (this.fault === undefined && !this.#closing && !this.#working) this.#next(() => this.#work());
  }

  /** Does something after what is being done. */
  #next(work: () => Promise<void>): void {
    const next = (this.#working ?? Promise.resolve()).then(work).finally(() => {
      if (this.#working !== next) return;
      this.#working = undefined;
      // Asked for after it had looked for the last time.
      if (this.#progressDue) this.#flush(this.#target);
    });
    this.#working = next;
  }

  /** Writes what is due, once the store can be used. */
  async #work(): Promise<void> {
    if (this.#abandoned) return;
    try {
      if (this.#place.broken) await this.#attach();
      while (this.#isDue) await this.#write();
      this.#place.well();
    } catch (error) {
      clearTimeout(this.#progress);
      this.#progress = undefined;
      if (!this.#open && isLocked(error)) this.#refusal = error;
      else this.#place.fail(error);
    }
  }

  get #isDue(): boolean {
    if (this.#abandoned) return false;
    return this.#progressDue || (this.#backlog.unsaved > 0 && this.#backlog.hasUnsavedUpTo(this.#target));
  }

  /** Writes one change. */
  async #write(): Promise<void> {
    clearTimeout(this.#progress);
    this.#progress = undefined;
    this.#progressDue = false;
    const ceiling = this.#backlog.lastSequence + (this.#closing ? 0 : RESERVE);
    const change = new Change(this.#backlog, this.#state, ceiling);
    try {
      await this.#place.write(change);
    } catch (error) {
      change.failed();
      throw error;
    }
    this.#state = change.state;
    this.#writtenBytes += change.bytes;
    change.done();
    this.#parts.onSaved(change.segments);
    await this.#afterWrite();
  }

  async #afterWrite(): Promise<void> {
    const now = performance.now();
    if (this.#closing || now - this.#witnessedAt >= WITNESS_MS) {
      this.#witnessedAt = now;
      await this.#place.bearWitness(this.#state);
    }
    if (this.#writtenBytes > TIDY.bytes && this.#isEmpty && !this.#closing) {
      if (now - this.#tidiedAt >= TIDY.everyMs) this.#tidy();
      else this.#progressAfter(TIDY.everyMs);
    }
    if (!this.#closing) await this.#shrink();
    this.noticeSettled();
  }

  /** Sees to it that what was superseded does not stay on disk because something waits beside it. */
  async #shrink(): Promise<void> {
    let left = SHRINK_SEGMENTS;
    for (const segment of this.#backlog.wasteful()) {
      await this.#load(segment);
      if (this.#place.broken || left-- === 0) return;
      this.#backlog.rewrite(segment);
      this.#progressDue = true;
    }
  }

  #tidy(): void {
    this.#tidiedAt = performance.now();
    this.#writtenBytes = 0;
    this.#place.tidy();
  }

  /** Afterwards the segment's messages are in memory, or it is removed, or the place is broken. */
  async #load(segment: Segment): Promise<void> {
    if (segment.entries || segment.removed) return;
    const { first, checksum } = segment;
    let data: Buffer | undefined;
    try {
      data = await this.#place.read(first);
    } catch (error) {
      return this.#place.fail(error);
    }
    if (segment.entries || segment.removed) return;
    const records = data && checksumOf(data) === checksum ? decodeData(first, data) : undefined;
    if (records && segment.load(records)) return this.#parts.onReadable();
    this.#parts.logger.error(
      `${segment.waiting} messages that were kept in ${this.#place.path} are damaged or missing, and lost (from number ${first} on)`,
    );
    this.#parts.onDamaged(segment);
  }

  /** Opens the store, and compares it with the backlog: what is not in both has to be written or deleted. */
  async #attach(): Promise<void> {
    const opened = await this.#place.regain();
    this.#state = opened.state;
    for (const first of opened.junk) this.#backlog.discard(first, 0);
    if (this.#attached) for (const segment of compare(this.#backlog, opened.batches)) this.#parts.onDamaged(segment);
    else this.#adopt(opened);
    await this.#findNewest();
    this.#backlog.rewind();
    this.#parts.onReadable();
    this.#progressDue = true;
    this.#target = this.#backlog.lastSequence;
  }

  /** Takes over what an earlier life has left. */
  #adopt({ batches, state, missing }: OpenedStore): void {
    this.#attached = true;
    const segments = batches.map((batch, index) =>
      Segment.stored(batch, batches[index - 1]?.summary.until ?? state.since),
    );
    this.#backlog.prepend(segments, state.ceiling);
    this.#writtenBytes += segments.reduce((sum, { bytes }) => sum + bytes, 0);
    const counts = new Map<string | undefined, number>(missing > 0 ? [[undefined, missing]] : []);
    for (const { summary } of batches) {
      for (const { rule, count } of summary.rules) counts.set(rule, (counts.get(rule) ?? 0) + count);
    }
    if (missing > 0) this.#parts.onMissing(missing);
    const kept = [...counts].map(([rule, count]) => ({ rule, count }));
    if (!this.#open) this.#kept = kept;
    else if (kept.length > 0) this.#parts.onKept(kept);
    this.#unseen = segments.filter((_, index) => (batches[index]?.summary.latest ?? 0) > 0);
  }

  /** Reads what an earlier life has left of messages of which only the newest is wanted. */
  async #findNewest(): Promise<void> {
    for (let segment = this.#unseen[0]; segment && !this.#backlog.newest.full; segment = this.#unseen[0]) {
      await this.#load(segment);
      if (this.#place.broken || this.#closing) return;
      this.#unseen.shift();
      if (segment.removed) continue;
      this.#parts.onFound(segment);
      this.#parts.onSaved([segment]);
    }
    this.#unseen = [];
  }
}
