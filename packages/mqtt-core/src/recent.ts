interface Kept<V> {
  readonly value: V;
  /** In ms of `performance.now()`. */
  readonly until: number;
}

/** What happened lately, by a key: each is kept for some time, or until it is taken; of too many the oldest are forgotten. */
export class Recent<V> {
  readonly #lastMs: number;
  readonly #max: number;
  /** The keys in the order in which something was last kept under them. */
  readonly #kept = new Map<string, Kept<V>[]>();
  #size = 0;

  /**
   * @param lastMs for how long something is kept
   * @param max how much is kept
   */
  constructor(lastMs: number, max: number) {
    this.#lastMs = lastMs;
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  keep(key: string, value: V): void {
    const now = performance.now();
    this.#expire(now);
    const list = this.#kept.get(key) ?? [];
    this.#kept.delete(key);
    this.#kept.set(key, list);
    list.push({ value, until: now + this.#lastMs });
    this.#size++;
    if (this.#size > this.#max) this.#forgetOldest();
  }

  /** Takes the oldest of a key that fits: it is not there a second time. */
  take(key: string, fits: (value: V) => boolean): V | undefined {
    const now = performance.now();
    this.#expire(now);
    const list = this.#kept.get(key);
    const index = list?.findIndex(({ value, until }) => until > now && fits(value)) ?? -1;
    if (!list || index < 0) return undefined;
    const [taken] = list.splice(index, 1);
    this.#size--;
    if (list.length === 0) this.#kept.delete(key);
    return taken?.value;
  }

  #expire(now: number): void {
    for (const [key, list] of this.#kept) {
      while (list[0] && list[0].until <= now) {
        list.shift();
        this.#size--;
      }
      // The keys behind were used later.
      if (list.length > 0) return;
      this.#kept.delete(key);
    }
  }

  #forgetOldest(): void {
    for (const [key, list] of this.#kept) {
      list.shift();
      this.#size--;
      if (list.length === 0) this.#kept.delete(key);
      return;
    }
  }
}
