import type { Finding, RuleSections } from '@cstbox/mqtt-core';

/** What an analysis may be told. */
export interface AnalysisOptions {
  /** How long it may take, in ms; what it leaves out then is a finding of its own. Default: 2,000. */
  readonly budgetMs?: number;
}

const DEFAULT_BUDGET_MS = 2_000;

/**
 * Looks at all rules together, of both directions and of all sections: for rules that never apply, regexes that take more
 * than was meant, subscriptions without rules, loops through both buses, and more. Rules that do not load are left out.
 *
 * It gives way to other work every few ms. The library that it needs is loaded with the first call.
 *
 * @returns what it found, each with a path that starts with that of its section
 */
export async function analyseRules(
  sections: RuleSections,
  { budgetMs = DEFAULT_BUDGET_MS }: AnalysisOptions = {},
): Promise<readonly Finding[]> {
  const { analyse } = await import('./analyse.js');
  return analyse(sections, budgetMs);
}
