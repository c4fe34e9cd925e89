/** The bounds of the pauses between attempts, in ms. */
export interface BackoffBounds {
  /** The first pause. */
  readonly min: number;
  /** The longest. */
  readonly max: number;
}

/** Pauses that double from attempt to attempt, each between half and all of it at random: many clients spread out. */
export class Backoff {
  readonly #bounds: BackoffBounds;
  #next: number;

  constructor(bounds: BackoffBounds) {
    this.#bounds = bounds;
    this.#next = bounds.min;
  }

  /** The pause before the next attempt, in ms. */
  next(): number {
    const pause = this.#next * (0.5 + Math.random() / 2);
    this.#next = Math.min(this.#next * 2, this.#bounds.max);
    return pause;
  }

  /** Begins anew, after success. */
  reset(): void {
    this.#next = this.#bounds.min;
  }
}
