import type { Finding } from '@cstbox/mqtt-core';
import { TooManyNodesError } from 'refa';
import { TooLargeError } from './automaton.js';
import type { Budget } from './budget.js';
import { NotFollowedError } from './expression.js';
import type { AnalysedRule } from './rules.js';

/** What was found so far, and what was not looked at. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #budget: Budget;
  readonly #skipped: string[] = [];
  /** By kind of work: the first rule for which it was too large, and how many there are. */
  readonly #tooLarge = new Map<string, { rule: AnalysedRule; count: number; why: string }>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  add(finding: Finding): void {
    this.all.push(finding);
  }

  /**
   * Does a piece of work for each of the rules, as long as there is time. A rule for which it becomes too large is left
   * out.
   *
   * @param what the work, for the report of what was left out
   */
  async forEach<R extends AnalysedRule>(
    rules: readonly R[],
    what: string,
    work: (rule: R, index: number) => void,
  ): Promise<void> {
    for (const [index, rule] of rules.entries()) {
      if (this.#budget.isSpent) {
        this.#skipped.push(`${what} (${rules.length - index} of ${rules.length} rules)`);
        return;
      }
      await this.#budget.pause();
      try {
        work(rule, index);
      } catch (error) {
        if (!isTooLarge(error)) throw error;
        const known = this.#tooLarge.get(what);
        if (known) known.count++;
        else this.#tooLarge.set(what, { rule, count: 1, why: (error as Error).message });
      }
    }
  }

  /** Says what was not looked at, because of its size or for want of time. */
  reportSkipped(budgetMs: number): void {
    for (const [what, { rule, count, why }] of this.#tooLarge) {
      this.add({
        severity: 'info',
        code: 'incomplete',
        rule: rule.name,
        path: rule.regexPath,
        message: `too large to be looked at: ${what}, of this rule${count > 1 ? ` and ${count - 1} more` : ''} (${why})`,
      });
    }
    if (this.#skipped.length === 0) return;
    this.add({
      severity: 'info',
      code: 'incomplete',
      path: [],
      message: `not everything was looked at within ${budgetMs} ms; left out: ${this.#skipped.join(', ')}`,
    });
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof TooLargeError || error instanceof TooManyNodesError || error instanceof NotFollowedError;
}
