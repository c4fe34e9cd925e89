/** Steps that one text may cost: about 5 ms of one core of a small machine, whatever is done. */
export const STEPS_PER_TEXT = 400_000;

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
