/** How often the clock is looked at, in ms. */
const EVERY_MS = 500;

/** A point in time. An object: many may share one, where a number of this size would take memory for each. */
export interface Moment {
  /** Ms since the Epoch. */
  readonly date: number;
}

/** The wall clock, looked at now and then: a look at it costs as much as putting a message into an outbox. */
export class CoarseClock {
  readonly #isWanted: () => boolean;
  #moment: Moment | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param isWanted whether somebody goes on asking; if not, the clock rests until it is asked again */
  constructor(isWanted: () => boolean) {
    this.#isWanted = isWanted;
  }

  /** Now, or up to half a second ago. */
  get now(): Moment {
    return this.#moment ?? this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#moment = undefined;
  }

  #look(): Moment {
    this.#moment = { date: Date.now() };
    // Whoever only wants to know how late it is does not keep a process.
    this.#timer = setTimeout(this.#again, EVERY_MS).unref();
    return this.#moment;
  }

  readonly #again = (): void => {
    this.#moment = undefined;
    if (this.#isWanted()) this.#look();
  };
}
