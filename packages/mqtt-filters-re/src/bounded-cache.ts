/** How much a {@link BoundedCache} may hold. */
export interface BoundedCacheOptions<V> {
  /** Entries; half of them are sure to stay while they are in use. Default: 262,144. */
  entries?: number;
  /** Characters (UTF-16 units) of all keys, and of what the values hold by `sizeOf`. Default: 16,777,216. */
  chars?: number;
  /** Characters of one key; what has a longer one is not kept. Default: 1,024. */
  keyChars?: number;
  /** Characters that a value holds. Default: none. */
  sizeOf?: (value: V) => number;
}

/**
 * Keeps what was looked up lately, in bounded memory, whatever keys arrive.
 *
 * There are two generations. What is looked up moves to the young one; when that has half of the whole, the old one is
 * thrown away and the young one becomes the old one. So a key in use costs one look into a map, no key costs more than
 * a fixed number of steps, and a flood of keys that come once does not push out those that come again.
 */
export class BoundedCache<V extends object> {
  readonly #entries: number;
  readonly #chars: number;
  readonly #keyChars: number;
  readonly #sizeOf: (value: V) => number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #youngChars = 0;
  #oldChars = 0;

  constructor({
    entries = 262_144,
    chars = 16_777_216,
    keyChars = 1_024,
    sizeOf = () => 0,
  }: BoundedCacheOptions<V> = {}) {
    this.#entries = Math.floor(entries / 2);
    this.#chars = Math.floor(chars / 2);
    this.#keyChars = keyChars;
    this.#sizeOf = sizeOf;
  }

  /** Entries held now. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Characters held now. */
  get chars(): number {
    return this.#youngChars + this.#oldChars;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Keeps a value under a key that `get` did not find. */
  set(key: string, value: V): void {
    if (key.length > this.#keyChars) return;
    const chars = key.length + this.#sizeOf(value);
    if (chars > this.#chars) return;
    if (this.#young.size >= this.#entries || this.#youngChars + chars > this.#chars) this.#startGeneration();
    this.#young.set(key, value);
    this.#youngChars += chars;
  }

  #startGeneration(): void {
    this.#old = this.#young;
    this.#oldChars = this.#youngChars;
    this.#young = new Map();
    this.#youngChars = 0;
  }
}
