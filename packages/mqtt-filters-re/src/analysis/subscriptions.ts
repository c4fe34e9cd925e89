import { topicFilterFault } from '@cstbox/mqtt-core';
import type { Automaton } from './automaton.js';
import type { Findings } from './findings.js';
import type { RuleLanguages } from './languages.js';
import type { Pattern } from './pattern.js';
import type { InRule } from './rules.js';
import { UnionAutomaton } from './union-automaton.js';
import type { Common } from './vocabulary.js';

/** A topic filter that is subscribed to, and the pattern for its topics. */
export interface ReadSubscription {
  readonly filter: string;
  /** Its place in the list. */
  readonly index: number;
  readonly pattern: Pattern;
}

/** The topic filters that can be subscribed to, with their places in the list. */
export function legalFilters(listened: readonly string[]): { filter: string; index: number }[] {
  return listened
    .map((filter: unknown, index) => ({ filter: filter as string, index }))
    .filter(({ filter }) => typeof filter === 'string' && topicFilterFault(filter) === undefined);
}

/** The topics that subscriptions bring. */
export function topicsOf(subscriptions: readonly ReadSubscription[], { patterns, topics, alphabet }: Common) {
  const automata = subscriptions.map(
    ({ pattern }): Automaton => patterns.of(pattern, { universe: topics, isWhole: true }).automaton,
  );
  return new UnionAutomaton(automata, alphabet);
}

/**
 * Reports subscriptions that no rule can match, and rules that no subscription feeds. A rule that only blocks may wait
 * for ever.
 *
 * @param isComplete whether all rules are looked at: what one rule does not match another may
 */
export async function findDeadSubscriptions(
  subscriptions: readonly ReadSubscription[],
  topics: UnionAutomaton,
  languages: RuleLanguages<InRule>,
  isComplete: boolean,
  findings: Findings,
): Promise<void> {
  const fed = new Set<number>();
  let looked = 0;
  const rules = languages.all.map(({ rule }) => rule);
  await findings.forEach(rules, 'rules that no subscription feeds', (rule, index) => {
    const { texts, isExact } = languages.all[index] as (typeof languages.all)[number];
    const feeding = topics.meeting(texts);
    for (const each of feeding) fed.add(each);
    looked++;
    if (feeding.length > 0 || texts.isEmpty || rule.written.length === 0) return;
    findings.add({
      severity: 'warning',
      code: 'unfed_rule',
      rule: rule.name,
      path: rule.path,
      message: `no subscription brings a message to this rule${isExact ? '' : ' (its regex is looked at not exactly)'}: add a topic filter for it to listened_topics, or leave listened_topics out`,
    });
  });
  if (looked < rules.length || !isComplete) return;
  for (const [each, { filter, index }] of subscriptions.entries()) {
    if (fed.has(each)) continue;
    findings.add({
      severity: 'warning',
      code: 'dead_subscription',
      path: ['listened_topics', index],
      message: `no inbound rule can match a message of this subscription (${filter}): remove it, or add a rule`,
    });
  }
}
