import type { CharSet } from 'refa';
import { quote } from '../quote.js';
import { type Automaton, explore, withoutMarkers } from './automaton.js';
import type { Findings } from './findings.js';
import { commonTexts, type Language, type RuleLanguages, textsOf } from './languages.js';
import { endsWithAssertion } from './pattern.js';
import { restrict } from './restrict.js';
import type { AnalysedRule } from './rules.js';
import { firstOf, type MatchingRule, matches } from './shadows.js';
import { UnionAutomaton } from './union-automaton.js';
import type { Common } from './vocabulary.js';

const MAX_TRIES = 20;

/**
 * Reports rules whose regex ends in the middle of a word: `temperature:bed` takes `temperature:bedroom`, too. An end
 * behind a separator, or one that takes anything, is meant to be open.
 */
export async function findOpenEnds<R extends AnalysedRule & MatchingRule>(
  languages: RuleLanguages<R>,
  common: Common,
  findings: Findings,
): Promise<void> {
  const rules = languages.all.map(({ rule }) => rule);
  await findings.forEach(rules, 'regexes that are not anchored at their end', (rule, index) => {
    const language = languages.all[index] as Language<R>;
    if (endsWithAssertion(language.pattern.alternatives) || language.texts.isEmpty) return;
    const { alphabet, patterns, word, controls } = common;
    const { automaton } = patterns.of(language.pattern, { isWhole: true });
    const whole = withoutMarkers(automaton, alphabet.letters);
    if (!endsIn(whole, word)) return;
    const union = new UnionAutomaton([whole], alphabet);
    const texts = without(language.texts, controls);
    const beyond = restrict(texts, union, ({ taking }) => taking.length === 0, alphabet);
    if (beyond.isEmpty) return;
    const holds = (text: string) => matches(rule, text);
    const example =
      firstOf(commonTexts(beyond, withMore(whole, word, alphabet.letters), MAX_TRIES, common), holds) ??
      firstOf(textsOf(beyond, MAX_TRIES, common), holds);
    if (example === undefined && language.isExact) return;
    const shown = example === undefined ? '' : `, such as ${quote(example)}`;
    findings.add({
      severity: 'warning',
      code: 'unanchored_end',
      rule: rule.name,
      path: rule.regexPath,
      message: `${language.isExact ? '' : 'not exact: '}the regex takes longer texts, too${shown}: end it with $, or with .* if that is meant`,
      ...(example !== undefined && { example }),
    });
  });
}

/** Its words in which none of the letters is. */
function without(automaton: Automaton, letters: CharSet): Automaton {
  return explore<number>({
    maxCharacter: automaton.maxCharacter,
    initial: 0,
    keyOf: (state) => state,
    expand(state, add) {
      for (const [to, on] of automaton.out[state] ?? []) add(to, on.without(letters));
    },
    isFinal: (state) => automaton.finals[state] === true,
  });
}

/** Whether a word may end with one of the letters. */
function endsIn(automaton: Automaton, letters: CharSet): boolean {
  return automaton.out.some((edges) =>
    [...edges].some(([to, on]) => automaton.finals[to] === true && !on.isDisjointWith(letters)),
  );
}

/** Its words, with one of the letters behind and then anything. */
function withMore(automaton: Automaton, letters: CharSet, anything: CharSet): Automaton {
  const REST = -1;
  return explore<number>({
    maxCharacter: automaton.maxCharacter,
    initial: 0,
    keyOf: (state) => state,
    expand(state, add) {
      if (state === REST) return add(REST, anything);
      for (const [to, on] of automaton.out[state] ?? []) add(to, on);
      if (automaton.finals[state]) add(REST, letters);
    },
    isFinal: (state) => state === REST,
  });
}
