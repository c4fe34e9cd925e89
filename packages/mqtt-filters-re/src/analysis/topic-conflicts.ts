import { quote } from '../quote.js';
import type { Automaton } from './automaton.js';
import type { Findings } from './findings.js';
import { commonTexts, type Language, type RuleLanguages } from './languages.js';
import { image } from './output.js';
import { type Replay, showEvents } from './replay.js';
import type { OutRule, Written } from './rules.js';
import { UnionAutomaton } from './union-automaton.js';
import type { Common } from './vocabulary.js';

const MAX_TRIES = 20;

/**
 * Reports rules that can publish to the topic of an earlier one, with another QoS, retain or payload.
 *
 * Where each of the two topics has a parameter that must take what is literal in the other, as `site/energy/{meter}` and
 * `site/{room}/alarm`, names would have to fall together on both sides: that is worth no warning.
 */
export async function findTopicConflicts(
  languages: RuleLanguages<OutRule>,
  common: Common,
  replay: Replay,
  findings: Findings,
): Promise<void> {
  const rules = languages.all.map(({ rule }) => rule);
  if (new Set(rules.map(({ publishes }) => JSON.stringify(publishes))).size < 2) return;
  const topics: Automaton[] = [];
  await findings.forEach(rules, 'topics of outbound rules', (_, index) => {
    const { marked, outputs } = languages.all[index] as Language<OutRule>;
    topics[index] = image(marked, outputs[0] ?? [], common.alphabet);
  });
  const known = rules.flatMap((_, index) => (topics[index] ? [index] : []));
  const union = new UnionAutomaton(
    known.map((index) => topics[index] as Automaton),
    common.alphabet,
  );
  await findings.forEach(
    known.map((index) => rules[index] as OutRule),
    'rules that publish to the same topic in different ways',
    (rule, place) => {
      const language = languages.all[known[place] as number] as Language<OutRule>;
      const own = topics[language.index] as Automaton;
      const others = union
        .meeting(own, place)
        .map((each) => languages.all[known[each] as number] as Language<OutRule>)
        .filter((other) => differences(rule, other.rule) !== '')
        .map((other) => ({
          other,
          isCrossed: areCrossed(rule.written[0] as Written, other.rule.written[0] as Written),
        }))
        .sort((a, b) => Number(a.isCrossed) - Number(b.isCrossed));
      for (const { other, isCrossed } of others) {
        const topic = [...commonTexts(own, topics[other.index] as Automaton, MAX_TRIES, common)];
        const shown = topic.flatMap((each) => showEvents(each, [other, language], languages, replay, common) ?? [])[0];
        const isExact = other.isExact && language.isExact;
        if (!shown && isExact) continue;
        const events = shown ? `, for ${shown.events.map(quote).join(' and ')}` : '';
        findings.add({
          severity: isCrossed ? 'info' : 'warning',
          code: 'topic_conflict',
          rule: rule.name,
          path: rule.path,
          message:
            `${shown ? '' : 'not exact: '}this rule and an earlier one (${other.rule.name}) can publish to the same topic` +
            `${shown ? ` (${quote(shown.topic)})` : ''} with different ${differences(rule, other.rule)}${events}: use different topics, or the same settings`,
          ...(shown && { example: shown.topic }),
        });
        return;
      }
    },
  );
}

/** Whether one topic is literal where the other has a parameter, and at another level it is the other way round. */
function areCrossed(a: Written, b: Written): boolean {
  const [ours, theirs] = [hasParameter(a), hasParameter(b)];
  return (
    ours.some((has, level) => has && theirs[level] === false) &&
    theirs.some((has, level) => has && ours[level] === false)
  );
}

/** By level of a topic: whether a parameter stands in it. What is filled in holds no slash. */
function hasParameter({ parts }: Written): boolean[] {
  const levels = [false];
  for (const part of parts) {
    if (typeof part === 'string')
      levels.push(
        ...part
          .split('/')
          .slice(1)
          .map(() => false),
      );
    else levels[levels.length - 1] = true;
  }
  return levels;
}

function differences({ publishes: a }: OutRule, { publishes: b }: OutRule): string {
  const different = [
    ...(a.payload === b.payload ? [] : ['payload']),
    ...(a.qos === b.qos ? [] : ['QoS']),
    ...(a.retain === b.retain ? [] : ['retain']),
  ];
  return different.join(', ');
}
