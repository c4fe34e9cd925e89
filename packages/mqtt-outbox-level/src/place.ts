import { type Logger, silentLogger } from '@cstbox/mqtt-core';
import { describeFault, isDamage, StalledError, wholeStory } from './place-fault.js';
import { type OpenedStore, openStore } from './recovery.js';
import type { LevelStore, StoreChange, StoreState } from './store.js';
import { writeWitness } from './witness.js';

/** What a {@link Place} is made of. */
export interface PlaceParts {
  readonly directory: string;
  readonly retryAfterMs: number;
  readonly logger: Logger;
  /** The place may be well again: see {@link Place.broken}, then {@link Place.well}. */
  readonly onRetry: () => void;
  /** What can be read, or need not be waited for, is another now. */
  readonly onChange: () => void;
}

/** A disk that has not answered for so long is at fault until it does; in ms. It is longer than a busy one takes to sync 4 MiB. */
const STALLED_MS = 5_000;

/** The directory with the store: loses it when the disk is full, damaged, gone or dumb, says so, and regains it. */
export class Place {
  readonly #parts: PlaceParts;
  #store: LevelStore | undefined;
  #path = '';
  #fault: string | undefined;
  #broken = true;
  /** LevelDB found damage in the store after it was opened. */
  #damaged = false;
  #blind = true;
  #closing = false;
  #retry: NodeJS.Timeout | undefined;
  #tidying: Promise<void> | undefined;
  readonly #reads = new Set<Promise<unknown>>();
  /** How often the store was opened since all was well. */
  #attempts = 0;
  /** How many calls the disk has not answered for too long. */
  #stalled = 0;
  /** How many calls have come to an end. */
  #answers = 0;

  constructor(parts: PlaceParts) {
    this.#parts = parts;
  }

  /** Why messages can't be kept, for an operator. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Where the store is, for an operator. */
  get path(): string {
    return this.#path;
  }

  /** The store has to be opened, for the first time or again. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Whether what is stored can be read now, or soon. */
  get readable(): boolean {
    return !this.#blind;
  }

  /** Whether {@link read} can be called. */
  get isOpen(): boolean {
    return this.#store !== undefined;
  }

  /** Opens the store, for the first time or again. */
  regain(): Promise<OpenedStore> {
    return this.#watched(this.#open(), true);
  }

  /** The data of a segment; `undefined` when it is missing or damaged. Rejects when that can't be known. */
  async read(first: number): Promise<Buffer | undefined> {
    const store = this.#store;
    if (!store) throw new Error('the store is not open');
    const reading = store.read(first);
    this.#reads.add(reading);
    try {
      return await this.#watched(reading, true);
    } catch (error) {
      if (isDamage(error)) return undefined;
      this.#blind = true;
      throw error;
    } finally {
      this.#reads.delete(reading);
    }
  }

  write(change: StoreChange): Promise<void> {
    return this.#watched(this.#opened.write(change), false);
  }

  /** Writes down beside the store what is true of it. */
  bearWitness(state: StoreState): Promise<void> {
    return this.#watched(writeWitness(this.#parts.directory, this.#path, state), false);
  }

  /** Gives the space of what was deleted back to the file system, while all else goes on. */
  tidy(): void {
    this.#tidying ??= this.#opened
      .compact()
      // What really is wrong shows with the next write.
      .catch(() => {})
      .finally(() => {
        this.#tidying = undefined;
        this.#answers++;
      });
  }

  /** The place can't be used: says so once, and tries again later. A damaged store is seen to at once, the first time. */
  fail(error: unknown): void {
    const retryAfterMs = isDamage(error) && !this.#damaged ? 0 : this.#parts.retryAfterMs;
    this.#damaged = isDamage(error);
    this.#broken = true;
    this.#blind ||= !this.#store;
    this.#blame(error);
    if (this.#closing) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(this.#parts.onRetry, retryAfterMs);
  }

  /** All that should be on disk is there. */
  well(): void {
    if (this.#fault === undefined || this.#broken || this.#stalled > 0) return;
    this.#fault = undefined;
    this.#damaged = false;
    this.#blind = false;
    this.#attempts = 0;
    this.#parts.logger.info(`messages are kept in ${this.#parts.directory} again`);
    this.#parts.onChange();
  }

  /** Nothing more is tried. */
  beginClose(): void {
    this.#closing = true;
    clearTimeout(this.#retry);
  }

  async close(): Promise<void> {
    await this.#leave().catch(() => {});
  }

  /** Waits for something as long as the disk does anything at all. Resolves with whether it is done. */
  async patiently(work: Promise<void> | undefined): Promise<boolean> {
    for (;;) {
      const answers = this.#answers;
      let timer: NodeJS.Timeout | undefined;
      const time = new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), STALLED_MS);
      });
      const done = await Promise.race([Promise.resolve(work).then(() => true), time]).finally(() =>
        clearTimeout(timer),
      );
      if (done || answers === this.#answers) return done;
    }
  }

  get #opened(): LevelStore {
    if (!this.#store) throw new Error('the store is not open');
    return this.#store;
  }

  async #open(): Promise<OpenedStore> {
    const { directory, logger } = this.#parts;
    await this.#leave();
    // What the first attempts had to say need not be said every ten seconds.
    const say = ++this.#attempts <= 2 ? logger : { ...silentLogger, debug: logger.debug.bind(logger) };
    const opened = await openStore(directory, say, this.#damaged);
    this.#store = opened.store;
    this.#path = opened.path;
    this.#broken = this.#blind = false;
    return opened;
  }

  /** Closes the store, once nobody uses it. */
  async #leave(): Promise<void> {
    const store = this.#store;
    // From here on nobody begins to read: a read that fails because the store is closed says nothing of what is stored.
    this.#store = undefined;
    await this.#tidying;
    await Promise.allSettled(this.#reads);
    await store?.close();
  }

  /** @param blinding as long as it is not done, nothing can be read */
  async #watched<T>(work: Promise<T>, blinding: boolean): Promise<T> {
    let stalled = false;
    const timer = setTimeout(() => {
      stalled = true;
      this.#stalled++;
      this.#blind ||= blinding;
      this.#blame(new StalledError(STALLED_MS));
    }, STALLED_MS);
    timer.unref();
    try {
      const result = await work;
      if (stalled && !this.#closing) this.#parts.onRetry();
      return result;
    } finally {
      clearTimeout(timer);
      this.#answers++;
      if (stalled) this.#stalled--;
    }
  }

  #blame(error: unknown): void {
    const { directory, logger } = this.#parts;
    const fault = describeFault(error, directory);
    if (this.#fault !== fault) {
      logger.error(fault);
      logger.debug(`what is wrong with ${directory}: ${wholeStory(error)}`);
    }
    this.#fault = fault;
    // In memory nothing has to wait for the disk.
    this.#parts.onChange();
  }
}
