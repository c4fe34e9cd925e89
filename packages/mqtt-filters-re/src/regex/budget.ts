/**
 * What may be spent on one text, in steps. All that is done for a text counts against the same budget, so the time that
 * a text takes is bounded, whatever it is and whatever the patterns are.
 */
export class Budget {
  /** Steps left; below zero when it is overdrawn. */
  left: number;

  constructor(steps: number) {
    this.left = steps;
  }

  get isSpent(): boolean {
    return this.left < 0;
  }
}
