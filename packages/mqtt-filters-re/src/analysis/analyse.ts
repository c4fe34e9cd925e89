import type { Finding, RuleSections } from '@cstbox/mqtt-core';
import { Budget } from './budget.js';
import { Findings } from './findings.js';
import { type Language, languageOf, type ReadRule, RuleLanguages, readRule } from './languages.js';
import { findLoops } from './loops.js';
import { findOpenEnds } from './open-ends.js';
import { CharacterSets, parsePattern } from './pattern.js';
import { Replay } from './replay.js';
import { type AnalysedRule, readInbound, readOutbound } from './rules.js';
import { findShadows } from './shadows.js';
import { findDeadSubscriptions, legalFilters, topicsOf } from './subscriptions.js';
import { findTopicConflicts } from './topic-conflicts.js';
import { topicFilterPattern } from './topic-filter-pattern.js';
import { Vocabulary } from './vocabulary.js';

/** Looks at all rules, the most important first. */
export async function analyse(sections: RuleSections, budgetMs: number): Promise<readonly Finding[]> {
  const budget = new Budget(budgetMs);
  const findings = new Findings(budget);
  const outRules = readOutbound(sections);
  const inRules = readInbound(sections);
  const { listenedTopics } = sections;

  const sets = new CharacterSets();
  const vocabulary = new Vocabulary(sets);
  const readOut = await readAll(outRules, sets, findings);
  const readIn = await readAll(inRules, sets, findings);
  const subscriptions =
    listenedTopics &&
    legalFilters(listenedTopics).map(({ filter, index }) => ({
      filter,
      index,
      pattern: parsePattern(topicFilterPattern(filter), '', sets),
    }));
  const all = [...readOut, ...readIn];
  const patterns = [...all, ...(subscriptions ?? [])].map(({ pattern }) => pattern);
  const common = vocabulary.settle(sets, patterns, Math.max(0, ...all.map(({ groups }) => groups.length)));
  await budget.pause();

  const makeAll = async <R extends AnalysedRule>(read: readonly ReadRule<R>[]) => {
    const made: Language<R>[] = [];
    const rules = read.map(({ rule }) => rule);
    await findings.forEach(rules, 'all of this rule', (_, index) => {
      made.push(languageOf(read[index] as ReadRule<R>, made.length, common));
    });
    return new RuleLanguages(made, common);
  };
  const outbound = await makeAll(readOut);
  const inbound = await makeAll(readIn);
  const topics = subscriptions && topicsOf(subscriptions, common);
  const replay = new Replay(outRules, inRules, listenedTopics);

  await findLoops({ outbound, inbound, subscribed: topics, common, replay, findings });
  await findShadows(outbound, 'outbound', common, findings);
  await findShadows(inbound, 'inbound', common, findings);
  if (subscriptions && topics) {
    const isComplete = inbound.all.length === numberOfRules(sections);
    await findDeadSubscriptions(subscriptions, topics, inbound, isComplete, findings);
  }
  await findTopicConflicts(outbound, common, replay, findings);
  await findOpenEnds(outbound, common, findings);
  await findOpenEnds(inbound, common, findings);
  findings.reportSkipped(budgetMs);
  return findings.all;
}

async function readAll<R extends AnalysedRule>(
  rules: readonly R[],
  sets: CharacterSets,
  findings: Findings,
): Promise<ReadRule<R>[]> {
  const read: ReadRule<R>[] = [];
  await findings.forEach(rules, 'all of this rule', (rule) => {
    read.push(readRule(rule, sets));
  });
  return read;
}

function numberOfRules({ inbound }: RuleSections): number {
  return inbound.reduce((sum, { options: { rules } }) => sum + (Array.isArray(rules) ? rules.length : 0), 0);
}
