import { silentLogger } from '@cstbox/mqtt-core';
import { describe, expect, it, vi } from 'vitest';
import { problemsOf } from './inbound.fixtures.js';
import { REInboundFilter } from './re-inbound-filter.js';
import { REOutboundFilter } from './re-outbound-filter.js';

const loadInbound = (rules: readonly unknown[]): unknown => new REInboundFilter(rules as never);

/** The messages of the examples that fail, by their texts. */
const failuresOf = (rules: readonly unknown[], load = loadInbound) =>
  Object.fromEntries(
    problemsOf(() => load(rules)).map(([path, why]) => [path.join(' '), why.replace(/^.*?\) : /, '')]),
  );

describe('the examples of inbound rules', () => {
  const light = { match: 'site/(?P<room>[a-z]+)/set/light$', emit: [['switch', '{room}_light']] };

  it.each<[unknown]>([
    ['switch:kitchen_light'],
    [['switch:kitchen_light']],
    [[['switch', 'kitchen_light']]],
    [[['switch', 'kitchen_light', 'control']]],
  ])('hold for what the rule makes of a topic: %j', (expected) => {
    expect(failuresOf([{ ...light, examples: { 'site/kitchen/set/light': expected } }])).toEqual({});
  });

  it('hold for several events, in their order, and for none', () => {
    const both = { match: 'all', emit: [['a', 'x'], { type: 'b', name: 'y', channel: 'sensor' }] };
    expect(failuresOf([{ ...both, examples: { all: ['a:x', ['b', 'y', 'sensor']] } }])).toEqual({});
    expect(failuresOf([{ match: 'x', emit: [], examples: { x: [] } }])).toEqual({});
    expect(Object.keys(failuresOf([{ ...both, examples: { all: ['b:y', 'a:x'] } }]))).toHaveLength(1);
    expect(Object.keys(failuresOf([{ ...both, examples: { all: 'a:x' } }]))).toHaveLength(1);
  });

  it('fail with what was expected, and what is', () => {
    expect(
      failuresOf([
        ['site/attic/', []],
        { ...light, match: 'site/(?P<room>[a-z]+)/set/light(?:/(?P<part>.+))?$', emit: [['switch', '{room}_light']] },
        {
          match: 'site/(?P<room>[a-z]*)/(?:set|(?P<what>.*))',
          emit: [['{room}', '{what}']],
          examples: {
            'site/attic/x': 'attic:x',
            'site/hall/set/light': [['hall', 'light']],
            'site/hall/x': [['hall', 'x', 'sensor']],
            'site/hall/set': 'hall:set',
            'site//x': 'a:x',
            'site/hall/y': null,
            elsewhere: [],
            'site/+/x': null,
          },
        },
      ]),
    ).toEqual({
      '2 examples site/attic/x': 'expected "attic:x", but rule 0 (site/attic/) in front of it decides',
      '2 examples site/hall/set/light':
        'expected [["hall","light"]], but rule 1 (site/(?P<room>[a-z]+)/set/light(?:/(?P<part>.+))?$) in front of it decides',
      '2 examples site/hall/x': 'expected [["hall","x","sensor"]], but it gives [["hall","x","control"]]',
      '2 examples site/hall/set': 'expected "hall:set", but a group that it needs takes no part in the match',
      '2 examples site//x': 'expected "a:x", but it refuses this: illegal_name, a name is not empty: "", "x"',
      '2 examples site/hall/y': 'expected that the rule does not decide, but it gives [["hall","y","control"]]',
      '2 examples elsewhere': 'expected [], but its regex does not match',
      '2 examples site/+/x': expect.stringContaining("no '+'"),
    });
  });

  it('with null hold where an earlier rule decides, or none', () => {
    const examples = { 'site/attic/set/light': null, 'site/kitchen/set/lamp': null };
    expect(failuresOf([['site/attic/', []], { ...light, examples }])).toEqual({});
  });

  it('are not looked at before every rule is right', () => {
    expect(Object.keys(failuresOf([{ ...light, examples: { x: 'a:b' } }, ['(', []]]))).toEqual(['1 0']);
  });

  it('leave no trace in the counts and the log', () => {
    const warn = vi.fn();
    const rule = { match: 'a/(?:x|(?P<n>.))', emit: [['t', '{n}']] as const, examples: { 'a/x': null } };
    const filter = new REInboundFilter([{ ...rule, emit: [['t', '{n}']] }], { ...silentLogger, warn });
    expect(filter.notApplied).toEqual([0]);
    expect(warn).not.toHaveBeenCalled();
  });

  it('are found in rules that come one by one', () => {
    function* rules() {
      yield { ...light, emit: [['switch', '{room}_light']] as const, examples: { x: 'a:b' } };
    }
    expect(problemsOf(() => new REInboundFilter(rules() as never))).toHaveLength(1);
  });
});

describe('the examples of outbound rules', () => {
  const load = (rules: readonly unknown[]) => new REOutboundFilter(rules as never);

  it('hold for the topic that the rule gives, also behind rules that may not take the event', () => {
    const cold = {
      match: 'temperature:',
      topic: 'cold',
      when: { value: { lt: 5 } },
      examples: { 'temperature:hall': 'cold' },
    };
    const rest = { match: '.*', topic: 'rest', examples: { 'temperature:hall': 'rest', 'power:x': 'rest' } };
    expect(failuresOf([cold, rest], load)).toEqual({});
  });

  it.each([
    ['a topic', { topic: 't/{n}/{n}', examples: { 'a:\ud800': 't' } }, 'illegal_topic'],
    ['a topic of no legal text, as one', { topic: '{n}', examples: { 'a:': '' } }, 'illegal_topic'],
    ['a property', { topic: 't', user_properties: { x: '{n}' }, examples: { 'a:\ud800': 't' } }, 'illegal_'],
    ['a name in SenML', { topic: 't', payload: { senml: '{n}' }, examples: { 'a:küche': 't' } }, 'illegal_name'],
  ])('fail where the rule can only refuse: %s', (_, more, reason) => {
    for (const given of [more, { ...more, when: { value: { gt: 0 } } }]) {
      const [failure, ...others] = Object.values(failuresOf([{ match: 'a:(?P<n>.*)$', ...given }], load));
      expect(failure).toContain(`but it refuses this: ${reason}`);
      expect(others).toEqual([]);
    }
  });

  it('fail with what was expected, and what is', () => {
    const cold = {
      match: 'temperature:',
      topic: 'cold',
      when: { value: { lt: 5 } },
      examples: { 'temperature:hall': null },
    };
    const all = { match: '.*:', topic: 'all', examples: { 'temperature:hall': 'warm', 'power:x': null, power: null } };
    const rest = { match: '.*', topic: 'rest', examples: { 'power:x': 'rest', 'power:y': null } };
    expect(failuresOf([cold, all, rest], load)).toEqual({
      '0 examples temperature:hall': 'expected that the rule does not decide, but it gives "cold"',
      '1 examples temperature:hall': 'expected "warm", but it gives "all"',
      '1 examples power:x': 'expected that the rule does not decide, but it gives "all"',
      '1 examples power': "a variable is written as 'type:name'",
      '2 examples power:x': 'expected "rest", but rule 1 (.*:) in front of it decides',
    });
  });
});
