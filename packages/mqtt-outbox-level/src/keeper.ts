import { type KeptMessages, type Logger, MQTTGatewayError } from '@cstbox/mqtt-core';
import type { Backlog } from './backlog.js';
import { checksumOf, decodeData, encodeData } from './codec.js';
import { isDamage, isLocked, remedyFor, wholeStory } from './place-fault.js';
import { NewerFormatError, type OpenedStore, openStore } from './recovery.js';
import { type Entry, Segment } from './segment.js';
import { FORMAT, type LevelStore, type StoreState } from './store.js';
import { writeWitness } from './witness.js';

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
  /** These segments have been written. */
  readonly onSaved: (segments: readonly Segment[]) => void;
  /** A segment has been read, or segments can be read again, or take() needs no more wait for the disk. */
  readonly onReadable: () => void;
  /** What waits in a segment can't be read. */
  readonly onDamaged: (segment: Segment) => void;
  /** Messages are missing that should be in the store. */
  readonly onMissing: (count: number) => void;
}

/** How much is written with one change, and so how long the next one has to wait for the disk. */
const MAX_WRITE = { messages: 1_024, bytes: 4 * 1024 * 1024 };

/** How often it is written down, at most, what was settled, and what the store holds; in ms. */
const PROGRESS_MS = 1_000;

/** Sequence numbers are reserved in advance: after a crash those that were given in memory only are not given again. */
const RESERVE = 1_000_000;

/** The store is tidied up when it is empty after so many bytes were written, and not more often than this. */
const TIDY = { bytes: 512 * 1024, everyMs: 10_000 };

/** Keeps a backlog on disk: decides when something is written, one change after the other, and copes with a bad place. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #backlog: Backlog;
  #store: LevelStore | undefined;
  #path = '';
  #state: StoreState = { format: FORMAT, generation: 0, waiting: 0, oldest: 1, ceiling: 0 };
  /** Segments known to be on disk from this life, or found there. */
  #attached = false;
  /** LevelDB found damage in the store after it was opened. */
  #damaged = false;
  /** The store could not be read though there is nothing wrong with it. */
  #blind = false;
  #fault: string | undefined;
  #closing = false;
  /** The last look at what has to be written; what is written now; what is tidied up. */
  #tick: NodeJS.Timeout | undefined;
  #progress: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #tidying: Promise<void> | undefined;
  #reads = new Set<Promise<void>>();
  #mark = 0;
  /** Write what was put up to this sequence number. */
  #target = 0;
  #progressDue = false;
  #witnessedAt = Number.NEGATIVE_INFINITY;
  #tidiedAt = Number.NEGATIVE_INFINITY;
  #writtenBytes = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#backlog = parts.backlog;
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  /** Whether segments can be read. */
  get readable(): boolean {
    return this.#store !== undefined && !this.#blind;
  }

  /** @throws {MQTTGatewayError} `outbox_locked` */
  async open(): Promise<readonly KeptMessages[]> {
    let kept: readonly KeptMessages[] = [];
    try {
      kept = await this.#attach();
      await this.#write();
    } catch (error) {
      if (isLocked(error)) {
        throw new MQTTGatewayError('outbox_locked', lockedBy(this.#parts.directory), { cause: error });
      }
      // Numbers of this life must be greater than those in a store that can't be read now.
      if (!this.#attached) this.#backlog.lastSequence = Math.max(this.#backlog.lastSequence, Date.now() * 1_000);
      this.#fail(error);
    }
    return kept;
  }

  noticePut(): void {
    const { unsaved, unsavedBytes } = this.#backlog;
    if (this.#tick === undefined) this.#wait();
    const { eagerMessages, eagerBytes } = this.#parts;
    if (unsaved >= eagerMessages || unsavedBytes >= eagerBytes) this.#flush(this.#backlog.lastSequence);
  }

  noticeSettled(): void {
    const { toUpdate, toDelete } = this.#backlog;
    if (toUpdate.size > 0 || toDelete.length > 0) this.#progressAfter(PROGRESS_MS);
  }

  /** Reads a segment's messages into memory. */
  read(segment: Segment): void {
    const store = this.#store;
    if (!store || segment.loading) return;
    segment.loading = true;
    const reading = this.#load(store, segment).finally(() => {
      segment.loading = false;
      this.#reads.delete(reading);
    });
    this.#reads.add(reading);
  }

  /** Writes all that waits, with a last attempt where that fails, and leaves the store. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const timer of [this.#tick, this.#progress, this.#retry]) clearTimeout(timer);
    await this.#working;
    this.#progressDue = true;
    this.#target = this.#backlog.lastSequence;
    if (this.#store && this.#fault === undefined) await this.#work();
    if (this.#fault !== undefined) await this.#reattach();
    if (this.#store && this.#isEmpty && this.#writtenBytes > TIDY.bytes) this.#tidy(this.#store);
    await this.#tidying;
    await Promise.all(this.#reads);
    await this.#store?.close().catch(() => {});
    this.#store = undefined;
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
    if (this.#fault !== undefined || this.#closing || this.#working) return;
    this.#working = this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    try {
      while (this.#progressDue || (this.#backlog.unsaved > 0 && this.#backlog.hasUnsavedUpTo(this.#target))) {
        await this.#write();
      }
      if (this.#fault !== undefined) {
        this.#fault = undefined;
        this.#damaged = false;
        this.#parts.logger.info(`messages are kept in ${this.#parts.directory} again`);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes one change. */
  async #write(): Promise<void> {
    const store = this.#store;
    if (!store) throw new Error('the store is not open');
    const backlog = this.#backlog;
    clearTimeout(this.#progress);
    this.#progress = undefined;
    this.#progressDue = false;
    const written: { segment: Segment; entries: readonly Entry[]; end: number; checksum: number; waiting: number }[] =
      [];
    const batches = [];
    let { waiting } = this.#state;
    let [messages, bytes] = [0, 0];
    for (const segment of backlog.toWrite) {
      if (messages >= MAX_WRITE.messages || bytes >= MAX_WRITE.bytes) break;
      const entries = [...segment.live()];
      if (entries.length === 0) continue;
      const data = encodeData(segment.first, entries);
      const checksum = checksumOf(data) ?? 0;
      const summary = { ...segment.summary(), settled: undefined };
      batches.push({ first: segment.first, data, checksum, summary });
      written.push({ segment, entries, end: segment.slots, checksum, waiting: entries.length });
      segment.writing = segment.slots;
      waiting += entries.length - segment.waitingOnDisk;
      messages += entries.length;
      bytes += data.length;
    }
    const progress = [];
    for (const segment of backlog.toUpdate) {
      if (segment.writing > 0) continue;
      const { first, checksum } = segment;
      const summary = segment.summary(segment.stored);
      progress.push({ segment, first, checksum, summary });
      waiting += summary.waiting - segment.waitingOnDisk;
    }
    const deleted = backlog.toDelete;
    backlog.toDelete = [];
    for (const segment of deleted) waiting -= segment.waitingOnDisk;
    backlog.toUpdate.clear();
    const ceiling = backlog.lastSequence + (this.#closing ? 0 : RESERVE);
    const state = { format: FORMAT, generation: this.#state.generation + 1, waiting, oldest: backlog.oldest, ceiling };
    try {
      await store.write({ batches, progress, deleted: deleted.map(({ first }) => first), state });
    } catch (error) {
      for (const { segment } of written) segment.writing = 0;
      for (const { segment } of progress) if (!segment.removed) backlog.toUpdate.add(segment);
      backlog.toDelete.push(...deleted);
      throw error;
    }
    this.#state = state;
    for (const { segment, entries, end, checksum, waiting: live } of written) {
      segment.writing = 0;
      segment.checksum = checksum;
      segment.waitingOnDisk = live;
      backlog.saved(segment, entries, end);
    }
    for (const { segment, summary } of progress) segment.waitingOnDisk = summary.waiting;
    this.#writtenBytes += bytes;
    this.#parts.onSaved(written.map(({ segment }) => segment));
    await this.#afterWrite(store);
  }

  async #afterWrite(store: LevelStore): Promise<void> {
    const now = performance.now();
    if (this.#closing || now - this.#witnessedAt >= PROGRESS_MS) {
      this.#witnessedAt = now;
      await writeWitness(this.#parts.directory, this.#path, this.#state);
    }
    if (this.#writtenBytes > TIDY.bytes && this.#isEmpty && !this.#closing) {
      if (now - this.#tidiedAt >= TIDY.everyMs) this.#tidy(store);
      else this.#progressAfter(TIDY.everyMs);
    }
    this.noticeSettled();
  }

  #tidy(store: LevelStore): void {
    this.#tidiedAt = performance.now();
    this.#writtenBytes = 0;
    this.#tidying ??= store
      .compact()
      // What really is wrong shows with the next write.
      .catch(() => {})
      .finally(() => {
        this.#tidying = undefined;
      });
  }

  async #load(store: LevelStore, segment: Segment): Promise<void> {
    const { first, checksum } = segment;
    let data: Buffer | undefined;
    try {
      data = await store.read(first);
    } catch (error) {
      if (remedyFor(error) !== undefined) {
        this.#blind = true;
        return this.#fail(error);
      }
    }
    if (segment.removed) return;
    const records = data && checksumOf(data) === checksum ? decodeData(first, data) : undefined;
    if (records && segment.load(records)) return this.#parts.onReadable();
    this.#parts.logger.error(
      `${segment.waiting} messages that were kept in ${this.#path} are damaged or missing, and lost (from number ${first} on)`,
    );
    this.#parts.onDamaged(segment);
  }

  /** The place can't be used: says so once, and tries again later. A damaged store is seen to at once, the first time. */
  #fail(error: unknown): void {
    const { directory, logger } = this.#parts;
    const retryAfterMs = isDamage(error) && !this.#damaged ? 0 : this.#parts.retryAfterMs;
    this.#damaged = isDamage(error);
    const fault = describeFault(error, directory);
    if (this.#fault !== fault) {
      logger.error(fault);
      logger.debug(`what is wrong with ${directory}: ${wholeStory(error)}`);
    }
    this.#fault = fault;
    clearTimeout(this.#progress);
    this.#progress = undefined;
    // In memory nothing has to wait for the disk.
    this.#parts.onReadable();
    if (this.#closing) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#working = this.#reattach().finally(() => {
        this.#working = undefined;
      });
    }, retryAfterMs);
  }

  async #reattach(): Promise<void> {
    try {
      await this.#tidying;
      await Promise.all(this.#reads);
      await this.#store?.close();
      this.#store = undefined;
      const late = !this.#attached;
      const kept = await this.#attach();
      if (late && kept.length > 0) this.#parts.onKept(kept);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#backlog.rewind();
    this.#progressDue = true;
    this.#target = this.#backlog.lastSequence;
    await this.#work();
    this.#parts.onReadable();
  }

  /** Opens the store. Returns what was found in it, the first time. */
  async #attach(): Promise<readonly KeptMessages[]> {
    const { directory, logger } = this.#parts;
    const opened = await openStore(directory, logger, this.#damaged);
    this.#store = opened.store;
    this.#blind = false;
    this.#path = opened.path;
    this.#state = opened.state;
    this.#backlog.toDelete.push(...opened.junk.map((first) => new Segment(first)));
    if (this.#attached) {
      this.#compare(opened);
      return [];
    }
    this.#attached = true;
    const segments = opened.batches.map(({ first, summary, checksum }) => Segment.stored(first, summary, checksum));
    this.#backlog.prepend(segments, opened.state.ceiling);
    this.#writtenBytes += segments.reduce((sum, { bytes }) => sum + bytes, 0);
    const kept = new Map<string | undefined, number>(opened.missing > 0 ? [[undefined, opened.missing]] : []);
    for (const { summary } of opened.batches) {
      for (const { rule, count } of summary.rules) kept.set(rule, (kept.get(rule) ?? 0) + count);
    }
    if (opened.missing > 0) this.#parts.onMissing(opened.missing);
    return [...kept].map(([rule, count]) => ({ rule, count }));
  }

  /** After the store was opened again: is what was written still there, and only that? */
  #compare({ batches }: OpenedStore): void {
    const backlog = this.#backlog;
    const found = new Map(batches.map((batch) => [batch.first, batch]));
    const onDisk = [...backlog.segments()].filter(({ stored }) => stored > 0);
    for (const segment of [...onDisk, ...backlog.toDelete]) {
      const batch = found.get(segment.first);
      found.delete(segment.first);
      if (batch) {
        segment.waitingOnDisk = batch.summary.waiting;
        segment.checksum = batch.checksum;
        if (!segment.removed) backlog.toUpdate.add(segment);
      } else if (segment.removed) {
        segment.waitingOnDisk = 0;
      } else if (segment.entries) {
        backlog.unsave(segment);
      } else {
        this.#parts.onDamaged(segment);
      }
    }
    // What is left was written although LevelDB said that it was not. It is in memory too.
    for (const batch of found.values()) {
      const stray = Segment.stored(batch.first, batch.summary, batch.checksum);
      stray.removed = true;
      backlog.toDelete.push(stray);
    }
  }
}

function lockedBy(directory: string): string {
  return `another process keeps messages in ${directory}: stop it, or choose another directory`;
}

function describeFault(error: unknown, directory: string): string {
  if (error instanceof NewerFormatError) return `${error.message}; until then messages wait in memory only`;
  const words = isLocked(error)
    ? lockedBy(directory)
    : `can't keep messages in ${directory}: ${remedyFor(error) ?? wholeStory(error)}`;
  return `${words}; until then messages wait in memory only`;
}
