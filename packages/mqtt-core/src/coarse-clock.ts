/** How often the clock is looked at, in ms. */
const EVERY_MS = 500;

/** The wall clock, looked at now and then: a look at it costs as much as putting a message into an outbox. */
export class CoarseClock {
  readonly #isWanted: () => boolean;
  #now = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param isWanted whether somebody goes on asking; asked now and then, and when not the clock rests until the next {@link now} */
  constructor(isWanted: () => boolean) {
    this.#isWanted = isWanted;
  }

  /** Ms since the Epoch, up to half a second ago. */
  get now(): number {
    if (this.#timer === undefined) this.#look();
    return this.#now;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    this.#now = Date.now();
    // Whoever only wants to know how late it is does not keep a process.
    this.#timer = setTimeout(this.#again, EVERY_MS).unref();
  };

  readonly #again = (): void => {
    this.#timer = undefined;
    if (this.#isWanted()) this.#look();
  };
}
