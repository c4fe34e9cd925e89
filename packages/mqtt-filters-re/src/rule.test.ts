import { silentLogger } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrive } from './inbound.fixtures.js';
import type { OutboundRule } from './outbound-rule.js';
import { compileRegex } from './python-regex.js';
import { REInboundFilter } from './re-inbound-filter.js';
import { REOutboundFilter } from './re-outbound-filter.js';
import { Budget } from './regex/budget.js';
import { hostilePattern, scrapOfText } from './regex/fixture.js';
import { type Rule, RuleTable } from './rule.js';

interface Target {
  readonly room: string | undefined;
}

const ruleOf = (source: string, more: Partial<Rule<Target>> = {}): Rule<Target> => {
  const regex = compileRegex(source);
  return { info: { name: source }, regex, apply: ({ room }) => ({ result: { room } }), ...more };
};
const tableOf = (rules: readonly Rule<Target>[]) => new RuleTable(rules, silentLogger, () => 0);
const many = (count: number, sourceOf: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => ruleOf(sourceOf(index)));

const LONGEST = 65_535;
const repeated = (unit: string, end = '') => unit.repeat(LONGEST).slice(0, LONGEST - end.length) + end;

/** What wall-clock time cannot be asked for on a machine with other work: the promise is 10 ms, on a quiet one. */
const GENEROUS_MS = 250;

const timed = (work: () => void) => {
  const start = performance.now();
  work();
  return performance.now() - start;
};

describe('RuleTable', () => {
  it('decides among thousands of rules as it would one after the other', () => {
    const table = tableOf(many(5_000, (index) => `t:(?P<room>room${index})(?:_\\d+)?$`));
    for (const index of [0, 7, 77, 777, 4_999]) {
      expect(table.decide(`t:room${index}_1`).candidates).toEqual([
        { rule: { name: `t:(?P<room>room${index})(?:_\\d+)?$` }, result: { room: `room${index}` } },
      ]);
    }
    expect(table.decide('t:room5000').candidates).toEqual([]);
  });

  it('gives what conditional rules say, up to the first that is none', () => {
    const sources = ['(?P<room>a)', '(?P<room>ab)', 'x', '(?P<room>abc)$', '(?P<room>.)'];
    const table = tableOf(sources.map((source, index) => ruleOf(source, { isConditional: index < 3 })));
    expect(table.decide('abc').candidates.map(({ result }) => result?.room)).toEqual(['a', 'ab', 'abc']);
  });

  describe('a text that costs too much', () => {
    const text = repeated('a', '!');
    const table = tableOf([ruleOf('b'), ruleOf('(?:a|aa)+$'), ruleOf('(?P<room>a)')]);

    it('is refused by the rule that was asked last; those behind it are not asked', () => {
      expect(table.decide(text).candidates).toEqual([
        {
          rule: { name: '(?:a|aa)+$' },
          result: null,
          refusal: {
            reason: 'too_costly',
            detail: expect.stringMatching(/^it takes too long to find out whether rule 1 \(.*\) matches "a{120}…"/),
          },
        },
      ]);
    });

    it('is decided by a rule that matches before', () => {
      const first = tableOf([ruleOf('(?P<room>a)'), ruleOf('(?:a|aa)+$')]);
      expect(first.decide(text).candidates).toEqual([{ rule: { name: '(?P<room>a)' }, result: { room: 'a' } }]);
    });

    it('does not keep a shorter one from being decided', () => {
      expect(table.decide('aaaa!').candidates).toEqual([{ rule: { name: '(?P<room>a)' }, result: { room: 'a' } }]);
    });
  });

  it('matches at once what makes others backtrack for ever', () => {
    const table = tableOf([ruleOf('(a+)+$'), ruleOf('(?:a|a)*$'), ruleOf('(.*)*x'), ruleOf('(?P<room>a+)!')]);
    const text = `${'a'.repeat(250)}!`;
    expect(table.decide(text).candidates.map(({ result }) => result?.room)).toEqual(['a'.repeat(250)]);
  });

  describe('holds nobody up by 64 KiB:', () => {
    const texts = [
      ...['a', 'ab', '/', 'a/', 'é', '🏠', '1', '\ud800', 'a\n', '中文', 'a:'].map((unit) => repeated(unit)),
      ...['!', 'z', '\0'].map((end) => repeated('a', end)),
    ];

    it.each([
      ['nested repetitions', ['(a+)+$', '(.*)*$', '(?:(?:a*)*b*)*!', '((((a|b)*)*)*)*!']],
      ['alternatives that overlap', ['(?:a|ab|b|aa)*!', '(?:\\w|[a-z]|a|.)*!', '(?:.|[a]*b)*!']],
      ['many repetitions', ['\\w*\\w*\\w*\\w*!', '.*.*.*.*.*x', '(?:.*?/)*x$', 'a{1,300}a{1,300}a{1,300}!']],
      ['looks', ['(?:(?!.*x).)*y', '(?:(?=.*a).)*y', '(?:.(?<=a.*))*y', '(?:\\b\\w*\\b/?)*!']],
      ['references back', ['(.*)(.*)\\1\\2!', '(?i)(.*).*\\1!', '(a*)b?\\1{3}c']],
      ['Unicode', ['(?:\\p{L}|\\p{N}|[\\p{Ll}\\d])*!', '(?i)(?:[a-zé]|\\w|[^k])*!', '[^\\W\\d_]*!']],
      ['large programs', ['(?:(?:a|b){1,40}c?){1,40}!', `(?:${'(?:ab?)?'.repeat(500)})*!`]],
    ])('%s', (_, sources) => {
      for (const source of sources) {
        const table = tableOf([ruleOf(source)]);
        for (const text of texts) expect(timed(() => table.decide(text))).toBeLessThan(GENEROUS_MS);
      }
    });

    it.each([
      ['that all start alike', (index: number) => `.*room${index}$`],
      ['with sets of their own', (index: number) => `[a-z\\u${(0x1000 + index).toString(16)}]+x${index}$`],
      ['that start with loops of their own', (index: number) => `(?:a|b${index})*c${index}`],
      ['that look ahead', (index: number) => `(?!x${index}$).*y`],
      ['that are all the same', () => '(\\w|/|.)*z{3}'],
      ['that all match', () => '(?P<room>.*)'],
    ])('5,000 rules %s', (_, sourceOf) => {
      const table = tableOf(many(5_000, sourceOf).map((rule) => ({ ...rule, isConditional: true })));
      for (const text of texts) expect(timed(() => table.decide(text))).toBeLessThan(GENEROUS_MS);
    });

    it('whatever rules load, and whatever the text: it ends when the budget is spent', () => {
      const text = fc
        .tuple(fc.array(scrapOfText, { minLength: 1, maxLength: 5 }), fc.array(scrapOfText, { maxLength: 3 }))
        .map(([unit, end]) => repeated(unit.join(''), end.join('')));
      // The last thing that is paid for may overdraw the budget: a comparison with captured text at most.
      const overdraft = 17 * LONGEST;
      fc.assert(
        fc.property(fc.array(hostilePattern, { minLength: 1, maxLength: 20 }), text, (patterns, long) => {
          const rules = patterns.flatMap((pattern) => loaded(pattern) ?? []);
          const table = tableOf(rules);
          expect(timed(() => table.decide(long))).toBeLessThan(GENEROUS_MS);
          for (const { regex } of rules) {
            const budget = new Budget(100_000, Number.POSITIVE_INFINITY);
            regex.match(long, budget);
            expect(budget.remaining).toBeGreaterThan(-overdraft);
          }
        }),
        { numRuns: 200 },
      );
    });
  });
});

describe('what rules make of a match', () => {
  const when = { value: { gt: 1_000 } };
  /** The topic of an event, or why it has none; and how long that took. */
  const send = (rules: readonly OutboundRule[], varName: string) => {
    const filter = new REOutboundFilter(rules);
    let outcome: string | null = null;
    const ms = timed(() => {
      outcome = filter.getMqttTopic(0, 't', varName, { value: 1 }, 'sensor') ?? filter.takeRefusal()?.reason ?? null;
    });
    expect(ms).toBeLessThan(GENEROUS_MS);
    return outcome;
  };
  const rest: OutboundRule = ['.*', 'rest'];

  it('makes no numbers of thousands of digits', () => {
    const text = { match: 't:(?P<a>.*)', topic: 't', payload: { text: '%(a)d'.repeat(300) } };
    expect(send([text, rest], '1'.repeat(4_290))).toBe('rest');
    expect(send([text, rest], '1'.repeat(300))).toBe('t');
    const many = Array.from({ length: 50 }, () => ({ ...text, payload: { text: '%(a)x'.repeat(14) }, when }));
    expect(send([...many.slice(0, 20), rest], '1'.repeat(4_290))).toBe('rest');
    expect(send([...many, rest], '1'.repeat(4_290))).toBe('too_costly');
  });

  it.each<[string, OutboundRule[]]>([
    ['a payload', [{ match: 't:(?P<a>.*)', topic: 't', payload: { text: '{a}'.repeat(300) } }]],
    ['a property', [{ match: 't:(?P<a>.*)', topic: 't', user_properties: { x: '{a}'.repeat(300) } }]],
    [
      'rules with conditions',
      Array.from({ length: 50 }, () => ({
        match: 't:(?P<a>.*)',
        topic: 't',
        payload: { json: ['{a}'.repeat(14)] },
        when,
      })),
    ],
  ])('is paid for as often as a long text is used, in %s', (_, rules) => {
    expect(send([...rules, rest], 'x'.repeat(60_000))).toBe('too_costly');
    expect(send([...rules, rest], 'x'.repeat(250))).not.toBe('too_costly');
  });

  it('is paid for in names, too', () => {
    const filter = new REInboundFilter([['(?P<a>.*)', [['t', '{a}'.repeat(300)]]]]);
    const ms = timed(() => expect(arrive(filter, 'x'.repeat(60_000), '1')).toMatchObject({ reason: 'too_costly' }));
    expect(ms).toBeLessThan(GENEROUS_MS);
    expect(arrive(filter, 'x', '1')).toEqual([{ value: 1 }]);
  });

  it.each([
    ['1,000', 1_000, '.*'],
    ['5,000', 5_000, '.*'],
    ['2,000 that differ', 2_000, '(?P<type>[^:]+):(?P<room>.+?)(?:_(?P<n>\\d+))?$'],
  ])('is asked of %s rules with conditions about a short name, and remembered', (_, count, match) => {
    const rules = Array.from({ length: count }, () => ({ match, topic: 't', when }));
    const filter = new REOutboundFilter([...rules, rest]);
    const topicOf = (name: string) => filter.getMqttTopic(0, 't', name, { value: 1 }, 'sensor');
    expect(topicOf('kitchen')).toBe('rest');
    expect(topicOf('x'.repeat(250))).toBe('rest');
    const table = tableOf(many(count, () => match).map((rule) => ({ ...rule, isConditional: true })));
    expect(table.decide('t:kitchen')).toBe(table.decide('t:kitchen'));
  });
});

function loaded(pattern: string): Rule<Target> | undefined {
  try {
    return ruleOf(pattern);
  } catch {
    return undefined;
  }
}
