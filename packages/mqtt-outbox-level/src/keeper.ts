import { type KeptMessages, type Logger, MQTTGatewayError, silentLogger } from '@cstbox/mqtt-core';
import type { Backlog } from './backlog.js';
import { Change, compare } from './change.js';
import { checksumOf, decodeData } from './codec.js';
import { describeFault, isDamage, isLocked, lockedBy, remedyFor, wholeStory } from './place-fault.js';
import { openStore } from './recovery.js';
import { Segment } from './segment.js';
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

/** How often it is written down, at most, what was settled, and what the store holds; in ms. */
const PROGRESS_MS = 1_000;

/** It is written down at once when so many segments are settled: they would all be sent again after a crash. */
const PROGRESS_SEGMENTS = 16;

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
  /** The store was opened, and what it had kept is in the backlog. */
  #attached = false;
  /** LevelDB found damage in the store after it was opened. */
  #damaged = false;
  /** The store could not be read though there is nothing wrong with it. */
  #blind = false;
  #fault: string | undefined;
  #closing = false;
  /** The next look at what has to be written. */
  #tick: NodeJS.Timeout | undefined;
  /** When it is written down what was settled. */
  #progress: NodeJS.Timeout | undefined;
  #progressDue = false;
  #retry: NodeJS.Timeout | undefined;
  /** What is being written, or opened. */
  #working: Promise<void> | undefined;
  #tidying: Promise<void> | undefined;
  readonly #reads = new Set<Promise<void>>();
  /** How often the store was opened since all was well. */
  #attempts = 0;
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
    if (toDelete.length >= PROGRESS_SEGMENTS && !this.#progressDue) this.#flush(this.#target, true);
    else if (toUpdate.size > 0 || toDelete.length > 0) this.#progressAfter(PROGRESS_MS);
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
    if (this.#fault === undefined && !this.#closing && !this.#working) this.#next(() => this.#work());
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

  async #work(): Promise<void> {
    try {
      while (this.#progressDue || (this.#backlog.unsaved > 0 && this.#backlog.hasUnsavedUpTo(this.#target))) {
        await this.#write();
      }
      if (this.#fault !== undefined) {
        this.#fault = undefined;
        this.#damaged = false;
        this.#attempts = 0;
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
    clearTimeout(this.#progress);
    this.#progress = undefined;
    this.#progressDue = false;
    const ceiling = this.#backlog.lastSequence + (this.#closing ? 0 : RESERVE);
    const change = new Change(this.#backlog, this.#state, ceiling);
    try {
      await store.write(change);
    } catch (error) {
      change.failed();
      throw error;
    }
    this.#state = change.state;
    this.#writtenBytes += change.bytes;
    change.done();
    this.#parts.onSaved(change.segments);
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
    this.#retry = setTimeout(() => this.#next(() => this.#reattach()), retryAfterMs);
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
    // What the first attempts had to say need not be said every ten seconds.
    const say = ++this.#attempts <= 2 ? logger : { ...silentLogger, debug: logger.debug.bind(logger) };
    const opened = await openStore(directory, say, this.#damaged);
    this.#store = opened.store;
    this.#blind = false;
    this.#path = opened.path;
    this.#state = opened.state;
    for (const first of opened.junk) this.#backlog.discard(first, 0);
    if (this.#attached) {
      for (const segment of compare(this.#backlog, opened.batches)) this.#parts.onDamaged(segment);
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
}
