import { ClassicLevel } from 'classic-level';
import {
  checksumOf,
  decodeData,
  decodeIndex,
  decodeState,
  encodeIndex,
  encodeState,
  type IndexEntry,
  type Layout,
} from './codec.js';
import { summarize } from './summary.js';

/** What a store says of itself; written with every change, so that it is true of all that is written before. */
export interface StoreState {
  /**
   * The greatest {@link Layout} of the data in it. One that is not known can't be read: so a version that knows the first only
   * can go on with a store that has no other, and leaves alone one that has.
   */
  readonly format: number;
  /** Grows with each write. */
  readonly generation: number;
  /** How many messages wait in it. */
  readonly waiting: number;
  /** No message before it waits. */
  readonly oldest: number;
  /** When the oldest message that waits was put; left out when nothing waits, and by earlier versions. */
  readonly since?: number | undefined;
  /** No sequence number beyond it was ever given. */
  readonly ceiling: number;
}

/** A segment in the store. */
export interface StoredBatch extends IndexEntry {
  readonly first: number;
}

/** What a store holds, by its index. */
export interface StoreContent {
  /** `undefined` when it is new, or damaged. */
  readonly state: StoreState | undefined;
  /** In order, none overlapping another. */
  readonly batches: readonly StoredBatch[];
  /** Of what is in the store and of no use. */
  readonly junk: readonly number[];
}

/** One atomic change, on disk when it is done. */
export interface StoreChange {
  /** New segments, or new versions of some. */
  readonly batches: readonly (StoredBatch & { readonly data: Buffer })[];
  /** What waits in segments that stay as they are otherwise. */
  readonly progress: readonly StoredBatch[];
  readonly deleted: readonly number[];
  readonly state: StoreState;
}

/** The greatest {@link Layout} that is known, and that of a store that has nothing. */
export const FORMAT = { known: 2, empty: 1 } as const;

const STATE = 'state';

/**
 * Segments in LevelDB. For each there are two keys: `i:<first>` says what it is, in some bytes; `d:<first>` holds its
 * messages.
 */
export class LevelStore {
  readonly #db: ClassicLevel<string, Buffer>;

  private constructor(db: ClassicLevel<string, Buffer>) {
    this.#db = db;
  }

  static async open(path: string): Promise<LevelStore> {
    const db = new ClassicLevel<string, Buffer>(path, {
      valueEncoding: 'buffer',
      // What is read is read once: caching it would only take memory.
      cacheSize: 256 * 1024,
      writeBufferSize: 2 * 1024 * 1024,
      // Files are mapped into memory to be read: the least of both that LevelDB allows, 64 files of 1 MiB.
      maxOpenFiles: 74,
      maxFileSize: 1024 * 1024,
    });
    await db.open();
    return new LevelStore(db);
  }

  /** Makes the best of a store that can't be opened or read. */
  static async repair(path: string): Promise<void> {
    await ClassicLevel.repair(path);
    const store = await LevelStore.open(path);
    try {
      // After a repair LevelDB may find an older version of a key first, until all versions of it have met.
      await store.compact();
      // What compacting has found shows with the next write.
      await store.#db.del('probe', { sync: true });
    } finally {
      await store.close();
    }
  }

  async content(): Promise<StoreContent> {
    const batches: StoredBatch[] = [];
    const junk: number[] = [];
    const damaged: number[] = [];
    for await (const [key, value] of this.#db.iterator({ gte: 'i:', lt: 'i;' })) {
      const first = Number(key.slice(2));
      const entry = decodeIndex(first, value);
      if (entry) batches.push({ first, ...entry });
      else damaged.push(first);
    }
    for (const first of damaged) {
      const batch = await this.reconstruct(first);
      if (batch) batches.push(batch);
      else junk.push(first);
    }
    batches.sort((a, b) => a.first - b.first);
    const ordered: StoredBatch[] = [];
    let end = 0;
    for (const batch of batches) {
      if (batch.first < end) {
        junk.push(batch.first);
      } else {
        ordered.push(batch);
        end = batch.first + batch.summary.slots;
      }
    }
    return { state: await this.#state(), batches: ordered, junk };
  }

  /** Segments whose entry in the index is lost, found by reading all the data. */
  async orphans(known: readonly number[]): Promise<StoredBatch[]> {
    const firsts = new Set(known);
    const found: StoredBatch[] = [];
    for await (const key of this.#db.keys({ gte: 'd:', lt: 'd;', fillCache: false })) {
      const first = Number(key.slice(2));
      const batch = firsts.has(first) ? undefined : await this.reconstruct(first);
      if (batch) found.push(batch);
    }
    return found;
  }

  /** What the index should say of a segment, by its data; without what comes before a sequence number. */
  async reconstruct(first: number, from = first): Promise<StoredBatch | undefined> {
    const data = await this.read(first).catch(() => undefined);
    const records = data && decodeData(first, data)?.filter(({ slot }) => first + slot >= from);
    const checksum = data && checksumOf(data);
    return records?.length && checksum !== undefined
      ? { first, summary: summarize(records), checksum, wasted: 0 }
      : undefined;
  }

  /** The data of a segment, or `undefined` when there is none. */
  read(first: number): Promise<Buffer | undefined> {
    return this.#db.get(keyOf('d', first), { fillCache: false });
  }

  /** Resolves when the change is on disk. */
  async write({ batches, progress, deleted, state }: StoreChange): Promise<void> {
    const chain = this.#db.batch();
    // First: what is strange may have the key of what is written again.
    for (const first of deleted) chain.del(keyOf('d', first)).del(keyOf('i', first));
    for (const { first, data, ...entry } of batches) {
      chain.put(keyOf('d', first), data).put(keyOf('i', first), encodeIndex(first, entry));
    }
    for (const { first, ...entry } of progress) chain.put(keyOf('i', first), encodeIndex(first, entry));
    chain.put(STATE, encodeState(state));
    await chain.write({ sync: true });
  }

  /** Gives the space of what was deleted back to the file system. */
  compact(): Promise<void> {
    return this.#db.compactRange('', '~');
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async #state(): Promise<StoreState | undefined> {
    const value = await this.#db.get(STATE);
    return value && (decodeState(value) as StoreState | undefined);
  }
}

function keyOf(kind: 'd' | 'i', first: number): string {
  return `${kind}:${String(first).padStart(16, '0')}`;
}
