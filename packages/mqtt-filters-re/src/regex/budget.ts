/**
 * Steps that one text may cost. A step takes 10 to 20 ns of a core of 2020, and up to 100 ns before V8 has compiled the
 * engine: so no text takes more than some 10 ms, and the worst ones 2 ms as a rule.
 */
export const STEPS_PER_TEXT = 100_000;

/**
 * What may be spent on one text, in steps. All that is done for a text counts against the same budget, so the time that
 * a text takes is bounded, whatever it is and whatever the patterns are.
 */
export class Budget {
  /** Steps left; below zero when it is overdrawn. */
  left: number;

  constructor(steps = STEPS_PER_TEXT) {
    this.left = steps;
  }

  get isSpent(): boolean {
    return this.left < 0;
  }
}
