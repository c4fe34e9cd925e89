/** How many there were per second, of late: since the start where that is less long ago. */
export interface Rates {
  readonly last10s: number;
  readonly last1min: number;
  readonly last10min: number;
}

/** Between two looks, in ms. A window is longer than it says by up to so much, and the rate is that of the longer one. */
const PERIOD_MS = 2_000;
const WINDOWS_MS = { last10s: 10_000, last1min: 60_000, last10min: 600_000 } as const;
const MAX_SAMPLES = WINDOWS_MS.last10min / PERIOD_MS + 2;

interface Sample<Key extends string> {
  readonly at: number;
  readonly counts: Readonly<Record<Key, number>>;
}

/** Makes rates of counts that only grow, by looking at them now and then. */
export class RateSampler<Key extends string> {
  readonly #read: () => Readonly<Record<Key, number>>;
  readonly #now: () => number;
  readonly #samples: Sample<Key>[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param now a clock in ms that never goes back */
  constructor(read: () => Readonly<Record<Key, number>>, now: () => number = () => performance.now()) {
    this.#read = read;
    this.#now = now;
  }

  /** Looks at the counts every two seconds from now on, until `stop()`. */
  start(): void {
    this.sample();
    this.#timer ??= setInterval(() => this.sample(), PERIOD_MS);
    // The rates are nobody's reason to live.
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks at the counts once. */
  sample(): void {
    this.#samples.push({ at: this.#now(), counts: this.#read() });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  /** The rates up to now of each count. */
  get rates(): Readonly<Record<Key, Rates>> {
    const [now, counts] = [this.#now(), this.#read()];
    const perSecond = (key: Key, windowMs: number) => {
      const since = this.#samples.findLast(({ at }) => now - at >= windowMs) ?? this.#samples[0];
      if (!since) return 0;
      // Of less than a second nothing can be said.
      return (counts[key] - since.counts[key]) / Math.max(1, (now - since.at) / 1_000);
    };
    const ratesOf = (key: Key): Rates => ({
      last10s: perSecond(key, WINDOWS_MS.last10s),
      last1min: perSecond(key, WINDOWS_MS.last1min),
      last10min: perSecond(key, WINDOWS_MS.last10min),
    });
    return Object.fromEntries((Object.keys(counts) as Key[]).map((key) => [key, ratesOf(key)])) as Record<Key, Rates>;
  }
}
