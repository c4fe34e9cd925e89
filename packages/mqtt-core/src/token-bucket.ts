/** How many messages may pass in a time. */
export interface RateLimit {
  /** So many may come at once; as many come back over each time. */
  readonly messages: number;
  /** The time, in ms. */
  readonly perMs: number;
}

/** Lets a burst of messages pass, and then as many as the limit says. Knows no clock: whoever asks says when it is. */
export class TokenBucket {
  readonly limit: RateLimit;
  #tokens: number;
  #filledAt = Number.NEGATIVE_INFINITY;

  constructor(limit: RateLimit) {
    this.limit = limit;
    this.#tokens = limit.messages;
  }

  /**
   * Takes a token, if there is one.
   *
   * @param now ms of a clock that never jumps; one that goes back all the same brings nothing and takes nothing
   */
  take(now: number): boolean {
    const { messages, perMs } = this.limit;
    if (now > this.#filledAt) {
      this.#tokens = Math.min(messages, this.#tokens + ((now - this.#filledAt) / perMs) * messages);
      this.#filledAt = now;
    }
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** What was taken was not used. */
  giveBack(): void {
    this.#tokens = Math.min(this.limit.messages, this.#tokens + 1);
  }
}
