import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRegex } from '../python-regex.js';
import { REOutboundFilter } from '../re-outbound-filter.js';
import { languageOf, RuleLanguages, readRule, textsOf } from './languages.js';
import { patternOver, textsOver } from './pattern.fixtures.js';
import { CharacterSets } from './pattern.js';
import { readOutbound } from './rules.js';
import { Vocabulary } from './vocabulary.js';

/** The languages of outbound rules, by their regexes. */
function languagesOf(regexes: readonly string[]) {
  const options = { rules: regexes.map((regex, index) => [regex, `t${index}`]) };
  const rules = readOutbound({ outbound: [{ path: [], options }], inbound: [], listenedTopics: [], qos: 0 });
  const sets = new CharacterSets();
  const vocabulary = new Vocabulary(sets);
  const read = rules.map((rule) => readRule(rule, sets));
  const patterns = read.map(({ pattern }) => pattern);
  const common = vocabulary.settle(sets, patterns, 0);
  const all = read.map((each, index) => languageOf(each, index, common));
  return { languages: new RuleLanguages(all, common), common };
}

const EVENTS = textsOver('ab:\n', 5).filter((text) => /^.+:.+$/s.test(text));
const UNSURE = ['(?<!^a)', '(a)\\1', '(?:(b)|a)\\1', '(?=\\bb)'];
const TIMEOUT_MS = 60_000;

describe('the language of a pattern', { timeout: TIMEOUT_MS }, () => {
  it('is what the pattern takes; and where it says that it is not exact, it has all of that', () => {
    fc.assert(
      fc.property(patternOver(':', UNSURE), (source) => {
        const { languages, common } = languagesOf([source]);
        const [language] = languages.all;
        if (!language) throw new Error('the rule was not read');
        const regex = compileRegex(source);
        for (const text of EVENTS) {
          let states = new Set([0]);
          for (const letter of common.alphabet.word(text)) {
            const next = [...states].flatMap((state) => [...(language.texts.out[state] ?? [])]);
            states = new Set(next.flatMap(([to, on]) => (on.has(letter) ? [to] : [])));
          }
          const isIn = [...states].some((state) => language.texts.finals[state]);
          const isTaken = regex.match(text) !== null;
          if (language.isExact) expect([text, isIn]).toEqual([text, isTaken]);
          else if (isTaken) expect([text, isIn]).toEqual([text, true]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is exact with look-arounds and boundaries, but for back references and what looks both ways', () => {
    const isExact = (source: string) => languagesOf([source]).languages.all[0]?.isExact;
    for (const source of ['a(?!b$)', 'a(?=(?!b)c)', '\\ba\\B', '(?<=^a)b', '(?m)^a$', '(?i)ä', '(a|b{2,3})+?']) {
      expect([source, isExact(source)]).toEqual([source, true]);
    }
    for (const source of ['(a)\\1', '(?P<x>a)(?P=x)', '(?=a\\b)', '(?<!a$)']) {
      expect([source, isExact(source)]).toEqual([source, false]);
    }
  });

  it('leaves to a rule what those before it do not take: the rules agree, text by text', () => {
    fc.assert(
      fc.property(fc.array(patternOver(':', UNSURE), { minLength: 2, maxLength: 3 }), (sources) => {
        const { languages, common } = languagesOf(sources);
        const filter = new REOutboundFilter(sources.map((source, index) => [source, `t${index}`]));
        const isExact = languages.all.every((language) => language.isExact);
        for (const language of languages.all) {
          for (const text of textsOf(languages.effective(language, 'sensor'), 20, common)) {
            const at = text.indexOf(':');
            const topic = filter.getMqttTopic(0, text.slice(0, at), text.slice(at + 1), {});
            if (isExact) expect([text, topic]).toEqual([text, `t${language.index}`]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
