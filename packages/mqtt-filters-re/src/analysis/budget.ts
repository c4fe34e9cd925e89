/** How long the analysis may keep all else waiting, in ms. */
const SLICE_MS = 20;

/** The time that an analysis has; it stands aside now and then, so that all else goes on. */
export class Budget {
  readonly #end: number;
  #sliceEnd = performance.now() + SLICE_MS;

  constructor(ms: number) {
    this.#end = performance.now() + ms;
  }

  get isSpent(): boolean {
    return performance.now() >= this.#end;
  }

  /** To be awaited between small pieces of work. */
  async pause(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}
