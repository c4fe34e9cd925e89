import { ConfigurationError, InboundFilter, MQTTConnector, type MQTTMessage, silentLogger } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { InboundRule } from './inbound-rule.js';
import type { EventPayload } from './payload.js';
import { REInboundFilter } from './re-inbound-filter.js';

/** Never connected: filters get it to look at. */
const client = new MQTTConnector({ broker: 'localhost' });

const message = (topic: string, payload: string | Uint8Array = '1'): MQTTMessage => ({
  topic,
  payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
  qos: 0,
  retain: false,
});

/** What comes of a message, in short: type, name, data, channel. */
const accept = (filter: REInboundFilter, topic: string, payload?: string | Uint8Array) =>
  filter.acceptEvent(client, undefined, message(topic, payload))?.map(([event, channel]) => {
    if (Array.isArray(event)) return [...event, channel];
    const { varType, varName, data } = event as Exclude<typeof event, readonly unknown[]>;
    return [varType, varName, data, channel];
  }) ?? null;

const problemsOf = (rules: unknown) => {
  try {
    new REInboundFilter(rules as InboundRule[]);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(({ message, path }) => [path, message]);
    throw error;
  }
  return [];
};

describe('REInboundFilter', () => {
  it('names the narrowest topic filters that bring what its rules let in', () => {
    const filter = new REInboundFilter([
      ['site/nursery/', []],
      ['site/(?P<room>[^/]+)/set/light$', [['switch', '{room}']]],
      ['site/kitchen/set/light$', [['switch', 'kitchen']]],
      ['site/door/', [['opened', 'door']]],
    ]);
    expect(filter.topicFilters).toEqual(['site/+/set/light', 'site/door/+/#']);
    expect(new REInboundFilter([['x', []]]).topicFilters).toEqual([]);
  });

  it('names the channels that its rules let something in to', () => {
    const filter = new REInboundFilter([
      ['blocked/', []],
      ['site/light', [['switch', 'light']]],
      { match: 'site/', emit: [['log', 'all', 'sysmon'], { type: 'switch', name: 'main' }] },
    ]);
    expect(filter.emitsOn).toEqual(['control', 'sysmon']);
    expect(filter.needsOfRules()).toEqual([
      { rule: 'blocked/', index: 0, topics: [], channels: [] },
      { rule: 'site/light', index: 1, topics: ['site/+/#'], channels: ['control'] },
      { rule: 'site/', index: 2, topics: ['site/+/#'], channels: ['sysmon', 'control'] },
    ]);
  });

  it('is an InboundFilter', () => {
    expect(new REInboundFilter([])).toBeInstanceOf(InboundFilter);
  });

  it('makes an event for each specification, on its channel, control by default', () => {
    const filter = new REInboundFilter([
      [
        'home/(?P<room>[^/]+)/set$',
        [
          ['switch', '%(room)s'],
          ['{room}', 'last', 'sensor'],
        ],
      ],
    ]);
    expect(accept(filter, 'home/attic/set', 'on')).toEqual([
      ['switch', 'attic', { value: 'on' }, 'control'],
      ['attic', 'last', { value: 'on' }, 'sensor'],
    ]);
  });

  it('accepts nothing without a match', () => {
    const filter = new REInboundFilter([['home/a$', [['t', 'n']]]]);
    expect(accept(filter, 'home/ab')).toBeNull();
    expect(accept(filter, 'x/home/a')).toBeNull();
    expect(filter.takeRefusal()).toBeUndefined();
  });

  it('lets the first match decide, and blocks with an empty dispatch', () => {
    const filter = new REInboundFilter([
      ['home/secret', []],
      ['home/(?<n>.*)', [['t', '{n}']]],
    ]);
    expect(accept(filter, 'home/secret/x')).toBeNull();
    expect(filter.takeRefusal()).toBeUndefined();
    expect(accept(filter, 'home/x')).toEqual([['t', 'x', { value: 1 }, 'control']]);
  });

  it('strips white space from the strings of its rules', () => {
    const filter = new REInboundFilter([[' a ', [[' t ', ' n ', ' sensor ']]]]);
    expect(accept(filter, 'a')).toEqual([['t', 'n', { value: 1 }, 'sensor']]);
  });

  it('tries the next rule when a group took no part in the match, counts it and says it once', () => {
    const warn = vi.fn();
    const filter = new REInboundFilter(
      [
        [
          'a/(?:(?P<n>[a-z]+)|.*)',
          [
            ['t', 'fixed'],
            ['t', '{n}'],
          ],
        ],
        ['a/', [['t', 'rest']]],
      ],
      { ...silentLogger, warn },
    );
    expect(accept(filter, 'a/b')).toEqual([
      ['t', 'fixed', { value: 1 }, 'control'],
      ['t', 'b', { value: 1 }, 'control'],
    ]);
    for (const topic of ['a/1', 'a/1', 'a/2']) {
      expect(accept(filter, topic)).toEqual([['t', 'rest', { value: 1 }, 'control']]);
    }
    expect(filter.notApplied).toEqual([3, 0]);
    expect(warn).toHaveBeenCalledOnce();
  });

  describe('reading a payload', () => {
    const filter = new REInboundFilter([['t', [['t', 'n']]]]);
    const dataOf = (payload: string | Uint8Array) => accept(filter, 't', payload)?.[0]?.[2];

    it.each([
      ['{"value":21.5,"unit":"°C"}', { value: 21.5, unit: '°C' }],
      ['{"value":1,"timestamp":5,"delta":2}', { value: 1, delta: 2 }],
      ['{"value":{"a":[1]}}', { value: { a: [1] } }],
      ['{"val":1,"timestamp":5}', { value: { val: 1, timestamp: 5 } }],
      ['[1,2]', { value: [1, 2] }],
      ['21.5', { value: 21.5 }],
      ['"on"', { value: 'on' }],
      ['true', { value: true }],
      ['null', {}],
      ['{"value":null,"unit":"x"}', { unit: 'x' }],
      ['on', { value: 'on' }],
      ['', { value: '' }],
      ['{"value":', { value: '{"value":' }],
      ['NaN', { value: 'NaN' }],
      ['\ufeff{"value":1}', { value: 1 }],
      ['\ufeffon', { value: 'on' }],
      [' 1\n', { value: 1 }],
      [' on\n', { value: ' on\n' }],
    ])('takes %j for %j', (payload, data) => {
      expect(dataOf(payload)).toEqual(data);
    });

    it('refuses bytes that are no UTF-8', () => {
      for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0x22, 0xe2, 0x82, 0x22]]) {
        expect(dataOf(new Uint8Array(bytes))).toBeUndefined();
        expect(filter.takeRefusal()).toEqual({ reason: 'not_utf8', detail: 'the payload is no UTF-8' });
      }
    });

    it('takes __proto__ for a key like any other', () => {
      const data = dataOf('{"value":1,"__proto__":{"polluted":true},"constructor":2}') as Record<string, unknown>;
      expect(Object.keys(data)).toEqual(['value', '__proto__', 'constructor']);
      expect(data.polluted).toBeUndefined();
      expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      expect(dataOf('{"__proto__":{"value":1}}')).toEqual({ value: JSON.parse('{"__proto__":{"value":1}}') });
    });

    it('survives JSON of any depth', () => {
      const depth = 100_000;
      for (const payload of [
        '['.repeat(depth) + ']'.repeat(depth),
        '{"value":'.repeat(depth) + 1 + '}'.repeat(depth),
        '['.repeat(depth),
      ]) {
        expect(() => filter.acceptEvent(client, undefined, message('t', payload))).not.toThrow();
      }
    });

    it('never throws, whatever the bytes', () => {
      fc.assert(
        fc.property(fc.uint8Array(), (payload) => {
          const data = dataOf(payload);
          if (data === undefined) expect(filter.takeRefusal()?.reason).toBe('not_utf8');
        }),
      );
    });

    it('gives any JSON value', () => {
      fc.assert(
        fc.property(fc.jsonValue(), (value) => {
          const payload = JSON.stringify({ value, timestamp: 1 });
          expect(dataOf(payload)).toEqual(value === null ? {} : { value: JSON.parse(payload).value });
        }),
      );
    });
  });

  describe('makeEventPayload', () => {
    class Numbered extends REInboundFilter {
      readonly calls: unknown[][] = [];

      override makeEventPayload(...call: Parameters<REInboundFilter['makeEventPayload']>): EventPayload | null {
        this.calls.push(call);
        return call[4] === 'bad' ? this.refuse('no_good', 'bad') : [this.calls.length, { seen: call[4] }];
      }
    }

    it('may be overridden, and is called for each event', () => {
      const filter = new Numbered([
        [
          't',
          [
            ['a', 'x'],
            ['b', 'y'],
          ],
        ],
      ]);
      const arrived = message('t');
      expect(filter.acceptEvent(client, 'data', arrived)?.map(([event]) => event)).toMatchObject([
        { data: { value: 1, seen: 'x' } },
        { data: { value: 2, seen: 'y' } },
      ]);
      expect(filter.calls).toEqual([
        [client, 'data', arrived, 'a', 'x'],
        [client, 'data', arrived, 'b', 'y'],
      ]);
    });

    it('may refuse the message', () => {
      const filter = new Numbered([
        [
          't',
          [
            ['a', 'x'],
            ['b', 'bad'],
          ],
        ],
      ]);
      expect(accept(filter, 't')).toBeNull();
      expect(filter.takeRefusal()).toEqual({ reason: 'no_good', detail: 'bad' });
    });

    it('gives value and extra by itself, too', () => {
      const filter = new REInboundFilter([]);
      expect(filter.makeEventPayload(client, undefined, message('t', '{"value":1,"a":2}'), 't', 'n')).toEqual([
        1,
        { a: 2 },
      ]);
      expect(filter.makeEventPayload(client, undefined, message('t', 'x'), 't', 'n')).toEqual(['x']);
    });
  });

  describe('with hostile topics', () => {
    const filter = new REInboundFilter([
      [
        '(?P<t>[^/]*)/(?P<n>[\\s\\S]*)',
        [
          ['{t}', '{n}'],
          ['x:{t}', '{n}'],
        ],
      ],
    ]);

    it('leaves legal names as they are, and keeps literal colons of a type', () => {
      expect(accept(filter, 'a/+#%/:$')?.map(([varType, varName]) => [varType, varName])).toEqual([
        ['a', '+#%/:$'],
        ['x:a', '+#%/:$'],
      ]);
    });

    it.each([
      ['a:b/c', 'a captured type holds no \':\': "a:b", "c"'],
      ['/c', 'a name is not empty: "", "c"'],
      ['a/', 'a name is not empty: "a", ""'],
      ['a/\0', 'a name holds no NUL: "a", "\\u0000"'],
      ['a/\ud800', 'a name holds no lone surrogate: "a", "\\ud800"'],
    ])('refuses %j, each time', (topic, detail) => {
      for (let times = 0; times < 2; times++) {
        expect(accept(filter, topic)).toBeNull();
        expect(filter.takeRefusal()).toEqual({ reason: 'illegal_name', detail });
      }
    });

    it('bears topics of 64 KiB', () => {
      for (const topic of [`a/${'x'.repeat(65_533)}`, '/'.repeat(65_535), 'é'.repeat(32_767)]) {
        expect(() => accept(filter, topic)).not.toThrow();
      }
    });

    it('gives legal names or nothing', () => {
      fc.assert(
        fc.property(fc.string({ unit: fc.constantFrom(...'a/:\0\ud800+') }), (topic) => {
          for (const [varType, varName] of accept(filter, topic) ?? []) {
            expect(`${varType}${varName}`).not.toMatch(/\0|\ud800/);
            expect(String(varType).replace(/^x:/, '')).not.toMatch(/^$|:/);
            expect(varName).not.toBe('');
          }
        }),
      );
    });
  });

  it('reports everything that is wrong, with its place', () => {
    expect(
      problemsOf([
        ['fine', [['t', 'n', undefined]]],
        ['', []],
        ['(?>a)', [['{t}', 'n']]],
        ['a', 'tn'],
        ['a'],
        [
          '(?P<a>.)',
          [
            'tn',
            ['t'],
            ['t', 'n', 'c', 'x'],
            [1, 'n'],
            ['', 'n'],
            ['{a}', '{b}-%(c)s'],
            ['t', '{'],
            ['t', 'n', 'a/b'],
            ['t', 'n', ''],
          ],
        ],
      ]),
    ).toEqual([
      [[1, 0], 'missing regex in rule'],
      [
        [2, 0],
        'invalid regex ((?>a)) : the atomic group (?>…) is not supported: write (?=(?<name>…))\\k<name> instead',
      ],
      [[3, 1], 'invalid rule ("tn") : its second item is a list of event specifications'],
      [
        [4],
        'invalid rule (["a"]) : a rule is [regex, [[varType, varName, channel?], …], options?], or an object with match and emit',
      ],
      [[5, 1, 0], 'invalid event specification ("tn") : it is [varType, varName, channel?]'],
      [[5, 1, 1], 'invalid event specification (["t"]) : it is [varType, varName, channel?]'],
      [[5, 1, 2], 'invalid event specification (["t","n","c","x"]) : it is [varType, varName, channel?]'],
      [[5, 1, 3, 0], 'invalid event specification ([1,"n"]) : types and names are strings'],
      [[5, 1, 4, 0], 'invalid event specification (["","n"]) : a name is not empty'],
      [[5, 1, 5, 1], 'parameters not found in rule regex (b, c)'],
      [
        [5, 1, 6, 1],
        `invalid event specification (["t","{"]) : unmatched '{': write {name} for a parameter, {{ for a plain {`,
      ],
      [
        [5, 1, 7, 2],
        `invalid event specification (["t","n","a/b"]) : a channel is a name of letters, digits and '_', as in 'control', not "a/b"`,
      ],
      [
        [5, 1, 8, 2],
        `invalid event specification (["t","n",""]) : a channel is a name of letters, digits and '_', as in 'control', not ""`,
      ],
    ]);
  });
});
