import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrive, client, cpuMs, filterWith, message, problemsOf } from './inbound.fixtures.js';
import { REInboundFilter } from './re-inbound-filter.js';

const load = (...rules: unknown[]) => new REInboundFilter(rules as never);

describe('an inbound rule that is an object', () => {
  it('does what the tuple does, and stands beside tuples', () => {
    const options = { retained: 'accept', max_age: 1.5, timestamp_field: 'at', id_field: 'seq' } as const;
    const filter = load(
      ['site/a/', []],
      { match: ' site/(?P<room>[a-z]+)/set ', emit: [[' switch ', '{room}', ' sensor ']], ...options },
      ['site/', [['t', 'rest']], options],
    );
    const decide = (topic: string) => {
      const events = filter.acceptEvent(client, undefined, message(topic, '1'));
      return [
        filter.lastRule?.name,
        events?.map(([event, channel]) => [Object(event).varType, Object(event).varName, channel]),
      ];
    };
    expect(decide('site/a/set')).toEqual(['site/a/', undefined]);
    expect(decide('site/b/set')).toEqual(['site/(?P<room>[a-z]+)/set', [['switch', 'b', 'sensor']]]);
    const policy = { retained: 'accept', maxAgeMs: 1_500, timestampField: 'at', idField: 'seq' };
    expect(filter.lastRule?.policy).toEqual(policy);
    expect(decide('site/b')).toEqual(['site/', [['t', 'rest', 'control']]]);
    expect(filter.lastRule?.policy).toEqual(policy);
  });

  it('blocks with nothing to emit', () => {
    const filter = load({ match: 'a', emit: [] }, ['a', [['t', 'n']]]);
    expect(arrive(filter, 'a', '1')).toBeNull();
    expect(filter.lastRule).toEqual({ name: 'a' });
  });

  it('makes several events of one message, each with its part of it', () => {
    const filter = filterWith({
      emit: [
        { type: 'temperature', name: 'hall', channel: 'sensor', read: { pointer: '/t' }, data: { unit: 'degC' } },
        { type: 'humidity', name: 'hall', channel: 'sensor', read: { pointer: '/h' }, value: { min: 0, max: 100 } },
        ['raw', 'hall', 'sensor'],
      ],
      value: { schema: { type: ['number', 'object'] } },
    });
    expect(arrive(filter, 'a', '{"t":21.5,"h":40}')).toEqual([
      { value: 21.5, unit: 'degC' },
      { value: 40 },
      { value: { t: 21.5, h: 40 } },
    ]);
    expect(arrive(filter, 'a', '{"t":21.5}')).toEqual({ reason: 'no_value', detail: 'there is nothing at /h' });
    expect(arrive(filter, 'a', '{"t":21.5,"h":101}')).toMatchObject({ reason: 'out_of_range' });
    expect(arrive(filter, 'a', '{"t":"warm","h":1}')).toMatchObject({ reason: 'schema' });
  });

  it('puts its own data before those of the payload', () => {
    const filter = filterWith({ emit: [{ type: 't', name: 'n', data: { by: 'rule' } }] });
    expect(arrive(filter, 'a', '{"value":1,"by":"stranger","unit":"W"}')).toEqual([
      { value: 1, by: 'rule', unit: 'W' },
    ]);
  });

  it('carries its limit of the rate as a policy, the same for all its messages', () => {
    const filter = filterWith({ rate_limit: { messages: 10, per: 0.5 } });
    const policyFor = (topic: string) => {
      arrive(filter, topic, '1');
      return filter.lastRule?.policy;
    };
    expect(policyFor('a')).toEqual({ rateLimit: { messages: 10, perMs: 500 } });
    expect(policyFor('b')?.rateLimit).toBe(policyFor('a')?.rateLimit);
  });

  it('takes undefined for what is left out', () => {
    expect(
      problemsOf(() => load({ match: 'a', emit: [], read: undefined, value: undefined, examples: undefined })),
    ).toEqual([]);
  });
});

describe('what is wrong in rules that are objects', () => {
  it('is all reported, each with its place', () => {
    const problems = problemsOf(() =>
      load(
        {
          match: 'a(?P<x>.)$',
          emit: [
            ['t', '{y}'],
            { type: '{z}', nam: 'b', read: { pointr: '/a' } },
            { type: 'a', name: '', data: { value: 1 }, channel: 'a/b' },
            'x',
          ],
          read: { pointer: 'a' },
          value: { mx: 1 },
          retained: 'no',
          max_age: -1,
          rate_limit: { messages: 1.5, pr: 3 },
          examples: { a: 1, b: 'x:y', c: [['a', 'b']], d: [['a']] },
          allow_loop: '',
          mach: 2,
        },
        { emit: [] },
        { match: '(', emit: {}, read: 'jsn' },
        { match: 'a', emit: [], read: { jmespath: 'a.[' } },
        { match: 'a', emit: [], read: { boolean: { true: ['on'], false: ['ON'] } } },
        { match: 'a', emit: [], read: { pointer: '', jmespath: 'a' } },
        7,
      ),
    );
    expect(problems.map(([path, why]) => `${path.join('.')}: ${why.slice(0, 90)}`)).toMatchInlineSnapshot(`
      [
        "0.mach: unknown key 'mach': did you mean 'match'?",
        "0.value.mx: unknown key 'mx': did you mean 'max'?",
        "0.retained: invalid option ("no") : retained is 'ignore' or 'accept'",
        "0.max_age: invalid option (-1) : max_age is a number of seconds above 0",
        "0.rate_limit.messages: invalid option (1.5) : messages is an integer above 0",
        "0.rate_limit.per: missing option : per is a number of seconds above 0",
        "0.rate_limit.pr: unknown key 'pr': did you mean 'per'?",
        "0.examples.a: invalid option (1) : an example is 'type:name', a list of events, [] (blocked), or null (t",
        "0.examples.d.0.1: missing option : an example is 'type:name', a list of events, [] (blocked), or null (this ",
        "0.allow_loop: invalid option ("") : allow_loop is the reason, a text",
        "0.read.pointer: invalid expression ("a") : a JSON Pointer is empty or starts with '/', as in '/a/b'; ~0 st",
        "0.emit.0.1: parameters not found in rule regex (y)",
        "0.emit.1.nam: unknown key 'nam': did you mean 'name'?",
        "0.emit.1: invalid rule ({"type":"{z}","nam":"b","read":{"pointr":"/a"}}) : name is missing",
        "0.emit.1.read.pointr: unknown key 'pointr': did you mean 'pointer'?",
        "0.emit.2.data: invalid option ({"value":1}) : data is an object without 'value' and 'timestamp', which co",
        "0.emit.2.name: invalid event specification ({"type":"a","name":"","data":{"value":1},"channel":"a/b"}) : ",
        "0.emit.2.channel: invalid event specification ({"type":"a","name":"","data":{"value":1},"channel":"a/b"}) : ",
        "0.emit.3: invalid event specification ("x") : it is [varType, varName, channel?]",
        "1: invalid rule ({"emit":[]}) : match is missing",
        "2.emit: invalid option ({}) : emit is a list of event specifications; [] blocks",
        "2.read: invalid option ("jsn") : read is one of auto, json, text, number, boolean, senml, or an ob",
        "2.match: invalid regex (() : missing ), unterminated group",
        "3.read.jmespath: invalid expression ("a.[") : invalid token (EOF): """,
        "4.read.boolean.false.0: invalid word ("ON") : it stands here twice",
        "5.read: invalid option ({"pointer":"","jmespath":"a"}) : read is one of auto, json, text, number, ",
        "6: invalid rule (7) : a rule is [regex, [[varType, varName, channel?], …], options?], or an o",
      ]
    `);
  });

  it.each([null, 7, 'a', undefined])('is reported for %j as it always was', (rule) => {
    expect(problemsOf(() => load(rule))[0]?.[1]).toContain(
      'a rule is [regex, [[varType, varName, channel?], …], options?]',
    );
  });

  it('never makes loading throw anything else, whatever the rules are', () => {
    const key = fc.constantFrom(
      'match',
      'emit',
      'read',
      'value',
      'examples',
      'rate_limit',
      'max_age',
      'a',
      '__proto__',
    );
    const word = fc.constantFrom('a', 'number', 'on', '', '{x}', 1, null, [], [['t', 'n']], [{ type: 't', name: 'n' }]);
    const section = fc.dictionary(
      fc.constantFrom('min', 'max', 'in', 'schema', 'pointer', 'jmespath', 'boolean', 'true', 'messages', 'a'),
      fc.oneof(word, fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.dictionary(key, fc.oneof(word, section)), fc.jsonValue())), (rules) => {
        for (const [path] of problemsOf(() => load(...rules))) expect(path[0]).toBeTypeOf('number');
      }),
      { numRuns: 300 },
    );
  });
});

describe('ten thousand rules', () => {
  it('load in a moment', () => {
    const rules = Array.from({ length: 10_000 }, (_, n) => ({
      match: `site/room${n}/set/level$`,
      emit: [['dim', `room${n}_lamp`]],
      read: 'number',
      value: { min: 0, max: 100 },
      rate_limit: { messages: 10, per: 60 },
    }));
    // Half a second, with room for what the test runner and the garbage collector add.
    expect(cpuMs(() => load(...rules))).toBeLessThan(3_000);
  });
});
