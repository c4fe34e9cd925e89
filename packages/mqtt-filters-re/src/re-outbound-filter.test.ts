import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ConfigurationError, matchesTopicFilter, OutboundFilter, silentLogger, topicFault } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { OutboundRule } from './outbound-rule.js';
import { REOutboundFilter } from './re-outbound-filter.js';
import { matcher } from './regex/matcher.js';

const topicOf = (filter: REOutboundFilter, varType: string, varName: string) =>
  filter.getMqttTopic(0, varType, varName, {});

const problemsOf = (rules: unknown, options = {}) => {
  try {
    new REOutboundFilter(rules as OutboundRule[], silentLogger, options);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(({ message, path }) => [path, message]);
    throw error;
  }
  return [];
};

/** Bytes that are in use, and not only not yet collected. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

describe('REOutboundFilter', () => {
  it('is an OutboundFilter', () => {
    expect(new REOutboundFilter([])).toBeInstanceOf(OutboundFilter);
  });

  it('applies the regex to type and name, and fills the topic with its groups', () => {
    const filter = new REOutboundFilter([['temperature:(?P<room>\\w+)', 'home/%(room)s/temperature']]);
    expect(topicOf(filter, 'temperature', 'kitchen')).toBe('home/kitchen/temperature');
  });

  it('lets nothing out without a match', () => {
    const filter = new REOutboundFilter([['temperature:kitchen$', 'kitchen']]);
    expect(topicOf(filter, 'temperature', 'kitchen2')).toBeNull();
    expect(topicOf(filter, 'xtemperature', 'kitchen')).toBeNull();
    expect(filter.takeRefusal()).toBeUndefined();
    expect(topicOf(new REOutboundFilter([]), 'a', 'b')).toBeNull();
  });

  it('lets the first match decide', () => {
    const filter = new REOutboundFilter(
      [
        ['a:x', 'first'],
        ['a:', 'second'],
        ['', 'never'],
      ].slice(0, 2) as unknown as OutboundRule[],
    );
    expect(topicOf(filter, 'a', 'x')).toBe('first');
    expect(topicOf(filter, 'a', 'y')).toBe('second');
  });

  it('takes any iterable of rules, and strips white space from their strings', () => {
    const filter = new REOutboundFilter(new Map([['  a:(?<n>.*)\n', ' t/{n} ']]));
    expect(topicOf(filter, 'a', 'x y ')).toBe('t/x y ');
  });

  it('listens to the channels of OutboundFilter, or to those it is told', () => {
    expect(new REOutboundFilter([]).channels).toEqual(new OutboundFilter().channels);
    expect(new REOutboundFilter([], silentLogger, { channels: ['sysmon', 'sysmon'] }).channels).toEqual(['sysmon']);
  });

  describe('the topics that it publishes on', () => {
    const publishedBy = (...topics: string[]) =>
      new REOutboundFilter(topics.map((topic) => ['(?P<a>[^:]*):(?P<b>.*)', topic])).publishedTopics;

    it('are known rule by rule, for whoever reads an access list', () => {
      expect(new REOutboundFilter([['a:(?P<b>.*)', 'site/{b}']]).needsOfRules()).toEqual([
        { rule: 'a:(?P<b>.*)', index: 0, topics: ['site/+'], channels: [] },
      ]);
    });

    it('are those of its rules, with a wildcard for each level that holds a parameter', () => {
      expect(publishedBy('site/{a}/x-%(b)s/y', 'site/all', '{b}', 'site/{b}/x-1/y')).toEqual([
        'site/+/+/y',
        'site/all',
        '+',
      ]);
      expect(publishedBy()).toEqual([]);
    });

    it("are not known where a rule fills in the name of one of the broker's own", () => {
      expect(publishedBy('$SYS/{a}')).toEqual(['$SYS/+']);
      expect(publishedBy('site/{a}', '$own{a}/x')).toBeUndefined();
    });

    it('cover whatever is captured', () => {
      const part = fc.constantFrom('{a}', '{b}', 'x', '/', '%%', '{{');
      const name = fc.string({ unit: fc.constantFrom(...'ab/+#$%{}\0é'), minLength: 1, maxLength: 6 });
      fc.assert(
        fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), name, name, (parts, varType, varName) => {
          const filter = new REOutboundFilter([['(?P<a>[^:]*):(?P<b>.*)', parts.join('')]]);
          const topic = topicOf(filter, varType, varName);
          fc.pre(topic !== null);
          expect(filter.publishedTopics?.some((each) => matchesTopicFilter(each, topic as string))).toBe(true);
        }),
      );
    });
  });

  describe('when a group took no part in the match', () => {
    const rules: OutboundRule[] = [
      ['t:(?:(?P<room>[a-z]+)|\\d+)', 'rooms/{room}'],
      ['t:(?P<n>.*)', 'numbers/%(n)d'],
      ['t:', 'rest'],
    ];

    it('tries the next rule', () => {
      const filter = new REOutboundFilter(rules);
      expect(topicOf(filter, 't', 'attic')).toBe('rooms/attic');
      expect(topicOf(filter, 't', '042')).toBe('numbers/42');
      expect(topicOf(filter, 't', '4x')).toBe('rest');
    });

    it('counts it for each event, and says it once per rule', () => {
      const warn = vi.fn();
      const filter = new REOutboundFilter(rules, { ...silentLogger, warn });
      for (const name of ['042', '042', '7', '4x', 'attic']) topicOf(filter, 't', name);
      expect(filter.notApplied).toEqual([4, 1, 0]);
      expect(warn.mock.calls).toEqual([
        [
          `rule 0 (t:(?:(?P<room>[a-z]+)|\\d+)) does not apply to "t:042": group 'room' took no part in the match; said once per rule`,
        ],
        [`rule 1 (t:(?P<n>.*)) does not apply to "t:4x": group 'n' is no number for %(n)d; said once per rule`],
      ]);
    });

    it('lets nothing out when no other rule applies, and that is no refusal', () => {
      const filter = new REOutboundFilter(rules.slice(0, 1));
      expect(topicOf(filter, 't', '1')).toBeNull();
      expect(filter.takeRefusal()).toBeUndefined();
    });
  });

  describe('with hostile names', () => {
    const filter = new REOutboundFilter([
      ['first:(?P<n>[^]*)'.replace('[^]', '[\\s\\S]'), '{n}/state'],
      ['[^:]+:(?P<n>[\\s\\S]*)', 'home/{n}/state'],
    ]);

    it.each([
      ['a/b', 'home/a%2Fb/state'],
      ['+', 'home/%2B/state'],
      ['#', 'home/%23/state'],
      ['a\0b', 'home/a%00b/state'],
      ['a\n\x7f\x85\ufffe', 'home/a%0A%7F%C2%85%EF%BF%BE/state'],
      ['%2F', 'home/%252F/state'],
      ['$SYS', 'home/$SYS/state'],
      ['', 'home//state'],
      ['é 🏠', 'home/é 🏠/state'],
    ])('publishes %j on %j', (name, topic) => {
      expect(topicOf(filter, 'other', name)).toBe(topic);
    });

    it("does not reach the broker's own topics", () => {
      expect(topicOf(filter, 'first', '$SYS')).toBe('%24SYS/state');
      expect(topicOf(filter, 'first', 'a$')).toBe('a$/state');
    });

    it.each([
      ['lone surrogates', '\ud800', 'a topic holds no lone surrogate: "home/\\ud800/state"'],
      ['64 KiB', 'x'.repeat(65_536), 'a topic has at most 65535 bytes: "home/x'],
    ])('refuses %s, each time', (_, name, detail) => {
      for (let times = 0; times < 2; times++) {
        expect(topicOf(filter, 'other', name)).toBeNull();
        const refusal = filter.takeRefusal();
        expect(refusal?.reason).toBe('illegal_topic');
        expect(refusal?.detail).toContain(detail);
        expect(refusal?.detail.length).toBeLessThan(250);
      }
    });

    it('takes names that objects have for names', () => {
      expect(topicOf(filter, '__proto__', 'constructor')).toBe('home/constructor/state');
    });

    const anyName = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'a/+#$%\0:2F\ud800é') }),
    );

    it('gives a legal topic with as many levels as the template, or none', () => {
      fc.assert(
        fc.property(anyName, anyName, (varType, varName) => {
          const topic = topicOf(filter, varType, varName);
          if (topic === null) return;
          expect(topicFault(topic)).toBeUndefined();
          expect(topic.split('/')).toHaveLength(varType === 'first' ? 2 : 3);
          expect(topic.startsWith('$')).toBe(false);
        }),
      );
    });

    it('gives topics from which the name can be read again', () => {
      const bare = new REOutboundFilter([['t:(?P<n>[\\s\\S]*)', '{n}']]);
      fc.assert(
        fc.property(anyName, (name) => {
          const topic = topicOf(bare, 't', name);
          if (topic === null) expect(name === '' || !name.isWellFormed()).toBe(true);
          else expect(decodeURIComponent(topic)).toBe(name);
        }),
      );
    });

    it('remembers boundedly many', () => {
      const before = heapInUse();
      for (let index = 0; index < 400_000; index++) topicOf(filter, 'flood', `${index}`);
      const after = heapInUse();
      expect(after - before).toBeLessThan(150_000_000);
      expect(topicOf(filter, 'flood', '1')).toBe('home/1/state');
    });
  });

  it('evaluates the rules once for a variable that it knows', () => {
    const filter = new REOutboundFilter([['a:(?P<n>.*)', 'a/{n}']]);
    const match = vi.spyOn(matcher, 'match');
    for (let times = 0; times < 10; times++) topicOf(filter, 'a', 'x');
    const forKnown = match.mock.calls.filter(([, text]) => text === 'a:x').length;
    match.mockRestore();
    expect(forKnown).toBe(1);
  });

  it('may be sub-classed', () => {
    class Upper extends REOutboundFilter {
      override getMqttTopic(...event: Parameters<REOutboundFilter['getMqttTopic']>) {
        return super.getMqttTopic(...event)?.toUpperCase() ?? null;
      }
    }
    expect(topicOf(new Upper([['a:b', 'topic']]), 'a', 'b')).toBe('TOPIC');
  });

  it('reports everything that is wrong, with its place', () => {
    expect(
      problemsOf(
        [
          ['a', 'fine'],
          ['', 'a'],
          [' ', 'a'],
          [null, 'a'],
          [1, 'a'],
          'ab',
          ['a'],
          ['a', 'b', 'c'],
          { regex: 'a' },
          ['(?P<a', 'x'],
          ['(?P<a>x)', '{a}/{b}/%(c)s/{b}'],
          ['a', 'a/+/b'],
          ['a', ''],
          ['a', 'a\0'],
          ['a', 'a/\ud800'],
          ['a', 'x'.repeat(65_536)],
          ['a', 'a/{b'],
          ['a', null],
          ['(', '{'],
          ['a', '#/{n}'],
        ],
        { channels: ['sensor', 'a/b', 1] },
      ),
    ).toEqual([
      [[1, 0], 'missing regex in rule'],
      [[2, 0], 'missing regex in rule'],
      [[3, 0], 'missing regex in rule'],
      [[4, 0], 'invalid regex (1) : a regex is a string'],
      [[5], 'invalid rule ("ab") : a rule is [regex, topic], or an object with match and topic'],
      [[6], 'invalid rule (["a"]) : a rule is [regex, topic], or an object with match and topic'],
      [[7], 'invalid rule (["a","b","c"]) : a rule is [regex, topic], or an object with match and topic'],
      [[8, 'regex'], expect.stringMatching(/^unknown key 'regex': known here: match, channel, /)],
      [[8], 'invalid rule ({"regex":"a"}) : match is missing'],
      [[8], 'invalid rule ({"regex":"a"}) : topic is missing'],
      [[9, 0], 'invalid regex ((?P<a) : missing >, unterminated name'],
      [[10, 1], 'parameters not found in rule regex (b, c)'],
      [[11, 1], `invalid topic (a/+/b) : ${topicFault('#')}`],
      [[12, 1], 'invalid topic () : a topic is not empty'],
      [[13, 1], `invalid topic (a\0) : ${topicFault('#')}`],
      [[14, 1], 'invalid topic (a/\ud800) : a topic holds no lone surrogate'],
      [[15, 1], `invalid topic (${'x'.repeat(65_536)}) : a topic has at most 65535 bytes`],
      [[16, 1], "invalid topic (a/{b) : unmatched '{': write {name} for a parameter, {{ for a plain {"],
      [[17, 1], 'invalid topic (null) : a topic is a string'],
      [[18, 0], 'invalid regex (() : missing ), unterminated group'],
      [[18, 1], "invalid topic ({) : unmatched '{': write {name} for a parameter, {{ for a plain {"],
      [[19, 1], `invalid topic (#/{n}) : ${topicFault('#')}`],
      [[19, 1], 'parameters not found in rule regex (n)'],
      [['channels', 1], "a channel is a name of letters, digits and '_', as in 'control', not \"a/b\""],
      [['channels', 2], "a channel is a name of letters, digits and '_', as in 'control', not 1"],
    ]);
  });

  it.each([undefined, null, 1, {}])('refuses %s for rules', (rules) => {
    expect(problemsOf(rules)).toEqual([[[], expect.stringMatching(/^invalid rules/)]]);
  });
});
