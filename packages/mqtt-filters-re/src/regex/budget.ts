/** Steps that one text may cost. A step takes 10 to 20 ns of a core of 2020 once V8 has compiled the engine. */
const STEPS_PER_TEXT = 100_000;
/** Milliseconds of CPU time that one text may cost, on whatever machine. */
const MS_PER_TEXT = 7;
/** Characters of a text that is short: names that people give. */
const SHORT = 256;
/** Steps that a rule may cost beside those of the whole text, where that is short; and, if it matches, for each character. */
const STEPS_PER_RULE = 200;
const STEPS_PER_CHARACTER = 16;
/** Steps between two looks at the clock. A text that needs fewer in all is decided the same way at any time. */
const SLICE = 2_000;

/**
 * What may be spent on one text. All that is done for it is counted in steps, so its time is bounded, whatever it is and
 * whatever the patterns are. What costs many steps is held against the clock, too: machines differ, and V8 has not
 * compiled yet what runs for the first time. What other programs and other threads take meanwhile does not count, as far
 * as that can be known.
 */
export class Budget {
  /** Steps left before the next look at the clock; below zero, {@link isSpent} says whether there are more. */
  left: number;
  #later: number;
  readonly #ms: number;
  #start: Reading | undefined;

  /**
   * @param steps in all; default: what one text may cost
   * @param ms of CPU time, from the first look at the clock on; default: the same. `Infinity`: without a clock
   */
  constructor(steps = STEPS_PER_TEXT, ms = MS_PER_TEXT) {
    this.left = Math.min(steps, SLICE);
    this.#later = steps - this.left;
    this.#ms = ms;
  }

  /** A share of what one text may cost. */
  static share(share: number): Budget {
    return new Budget(share * STEPS_PER_TEXT, share * MS_PER_TEXT);
  }

  /**
   * What one text may cost that rules are to be matched with. For short texts it grows with the rules, and is counted in
   * steps alone: thousands of rules are the work of those who wrote them, and no name is refused for them, nor because they
   * are not compiled yet.
   *
   * @param length of the text
   * @param rules how many there are to look at
   */
  static ofRules(length: number, rules: number): Budget {
    if (length > SHORT) return new Budget();
    return new Budget(STEPS_PER_TEXT + rules * STEPS_PER_RULE, Number.POSITIVE_INFINITY);
  }

  /** Gives back, where the text is short, what a rule may have cost that matched and leaves the decision to others. */
  giveBack(length: number): void {
    if (!this.hasClock) this.left += STEPS_PER_CHARACTER * length;
  }

  /** Whether time counts, too. */
  get hasClock(): boolean {
    return this.#ms !== Number.POSITIVE_INFINITY;
  }

  /** Steps that may be spent yet, if time permits; below zero when more was spent than there was. */
  get remaining(): number {
    return this.left + this.#later;
  }

  /** Whether nothing is left. */
  get isSpent(): boolean {
    if (this.left >= 0) return false;
    if (this.#later > 0 && this.#isInTime()) {
      const slice = Math.min(this.#later, SLICE - this.left);
      this.left += slice;
      this.#later -= slice;
    }
    return this.left < 0;
  }

  #isInTime(): boolean {
    if (!this.hasClock) return true;
    const now = readClocks();
    this.#start ??= now;
    // The first clock goes on while other programs run, the second runs faster while other threads of this one do.
    return Math.min(now.wall - this.#start.wall, now.cpu - this.#start.cpu) < this.#ms;
  }
}

/** Milliseconds. */
interface Reading {
  readonly wall: number;
  readonly cpu: number;
}

function readClocks(): Reading {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1_000 };
}
