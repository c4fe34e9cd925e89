/** What became of a known sequence of events. `received = count - lost + doubled`, and `stray` on top. */
export interface TallyFigures {
  count: number;
  lost: number;
  doubled: number;
  /** Came after an event that had been sent later. */
  outOfOrder: number;
  /** Came after an event of the same variable that had been sent later. */
  outOfOrderPerVariable: number;
  /** Came under the topic of another variable. */
  misrouted: number;
  /** Belong to no event of the sequence. */
  stray: number;
}

/** Checks off events 0 … count - 1, which belong to the variables in turns. One bit for each: a million fit in 125 kB. */
export class Tally {
  readonly #count: number;
  readonly #seen: Uint8Array;
  readonly #latest: Int32Array;
  #latestOfAll = -1;
  #distinct = 0;
  #doubled = 0;
  #outOfOrder = 0;
  #outOfOrderPerVariable = 0;
  #misrouted = 0;
  #stray = 0;

  constructor(count: number, variables: number) {
    this.#count = count;
    this.#seen = new Uint8Array(Math.ceil(count / 8));
    this.#latest = new Int32Array(variables).fill(-1);
  }

  get isComplete(): boolean {
    return this.#distinct === this.#count;
  }

  /**
   * Records an arrival.
   *
   * @param event its number in the sequence
   * @param variable the number of the variable that its topic names
   * @returns whether it is the first arrival of an event of the sequence
   */
  record(event: number, variable: number): boolean {
    if (!(event >= 0 && event < this.#count)) {
      this.#stray++;
      return false;
    }
    const byte = event >> 3;
    const bit = 1 << (event & 7);
    const seen = this.#seen[byte] as number;
    if (seen & bit) {
      this.#doubled++;
      return false;
    }
    this.#seen[byte] = seen | bit;
    this.#distinct++;
    const expected = event % this.#latest.length;
    if (variable !== expected) this.#misrouted++;
    if (event < this.#latestOfAll) this.#outOfOrder++;
    else this.#latestOfAll = event;
    if (event < (this.#latest[expected] as number)) this.#outOfOrderPerVariable++;
    else this.#latest[expected] = event;
    return true;
  }

  figures(): TallyFigures {
    return {
      count: this.#count,
      lost: this.#count - this.#distinct,
      doubled: this.#doubled,
      outOfOrder: this.#outOfOrder,
      outOfOrderPerVariable: this.#outOfOrderPerVariable,
      misrouted: this.#misrouted,
      stray: this.#stray,
    };
  }
}
