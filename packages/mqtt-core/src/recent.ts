import { keyOf } from './text-key.js';

interface Kept<V> {
  readonly key: string;
  readonly value: V;
  /** In ms of `performance.now()`. */
  readonly until: number;
}

/** What happened lately, by a key: each is kept for some time, or until it is taken; of too many the oldest are forgotten. */
export class Recent<V> {
  readonly #lastMs: number;
  readonly #max: number;
  /** The oldest first. */
  readonly #kept = new Set<Kept<V>>();
  /** By key, the oldest first. */
  readonly #byKey = new Map<string, Kept<V>[]>();

  /**
   * @param lastMs for how long something is kept
   * @param max how much is kept
   */
  constructor(lastMs: number, max: number) {
    this.#lastMs = lastMs;
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  keep(name: string, value: V): void {
    const now = performance.now();
    const kept = { key: keyOf(name), value, until: now + this.#lastMs };
    const others = this.#byKey.get(kept.key);
    if (others) others.push(kept);
    else this.#byKey.set(kept.key, [kept]);
    this.#kept.add(kept);
    this.#forget(now);
  }

  /** Takes the oldest of a key that fits: it is not there a second time. */
  take(name: string, fits: (value: V) => boolean): V | undefined {
    this.#forget(performance.now());
    const list = this.#byKey.get(keyOf(name));
    const index = list?.findIndex(({ value }) => fits(value)) ?? -1;
    const taken = list?.[index];
    if (!list || !taken) return undefined;
    this.#remove(taken, list, index);
    return taken.value;
  }

  /** Forgets what is past its time, and the oldest of too many. */
  #forget(now: number): void {
    for (const kept of this.#kept) {
      if (kept.until > now && this.#kept.size <= this.#max) return;
      // The oldest of all is the oldest of its key.
      this.#remove(kept, this.#byKey.get(kept.key) as Kept<V>[], 0);
    }
  }

  #remove(kept: Kept<V>, list: Kept<V>[], index: number): void {
    this.#kept.delete(kept);
    list.splice(index, 1);
    if (list.length === 0) this.#byKey.delete(kept.key);
  }
}
