/**
 * Measures how long answers take, at one look at the clock for each: within one synchronous run, the end of an answer is the
 * beginning of the next. Two looks would cost as much as all that the gateway itself does with an event.
 */
export class AnswerClock {
  #now: number | undefined;
  readonly #endRun = (): void => {
    this.#now = undefined;
  };

  /** When the answer begins, in ms. */
  start(): number {
    if (this.#now !== undefined) return this.#now;
    queueMicrotask(this.#endRun);
    return performance.now();
  }

  /** The answer is there. Returns how many ms it took. */
  end(start: number): number {
    this.#now = performance.now();
    return this.#now - start;
  }

  /** Something else takes its time now: the next answer does not begin with the end of the last one. */
  interrupt(): void {
    this.#now = undefined;
  }
}
