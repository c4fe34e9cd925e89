import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrive, client, cpuMs, filterWith, message } from './inbound.fixtures.js';
import type { ReadSpec } from './inbound-rule-read.js';
import { type EventPayload, Payload } from './payload.js';
import { REInboundFilter } from './re-inbound-filter.js';

const reading = (read: ReadSpec) => {
  const filter = filterWith({ read });
  return (payload: string | Uint8Array) => {
    const outcome = arrive(filter, 'a', payload);
    return Array.isArray(outcome) ? outcome[0] : (outcome as { reason: string }).reason;
  };
};

describe('a payload that is read as', () => {
  it.each<[ReadSpec, string, unknown]>([
    ['auto', '{"value":1,"unit":"W","timestamp":5}', { value: 1, unit: 'W' }],
    ['auto', 'on', { value: 'on' }],
    ['json', '{"value":1,"unit":"W","timestamp":5}', { value: 1, unit: 'W' }],
    ['json', '[1]', { value: [1] }],
    ['json', '"on"', { value: 'on' }],
    ['json', 'null', {}],
    ['json', 'on', 'not_json'],
    ['json', '', 'not_json'],
    ...(['auto', 'json', 'number', { pointer: '/value' }, { jmespath: 'value' }] as const).map(
      (read): [ReadSpec, string, unknown] => [read, '{"value":-1e999}', 'not_a_number'],
    ),
    ['json', '1e999', 'not_a_number'],
    [{ jmespath: 'a' }, `{"a":1}${' '.repeat(65_529)}`, { value: 1 }],
    [{ jmespath: 'a' }, `{"a":1}${' '.repeat(65_530)}`, 'unreadable'],
    [{ jmespath: '__proto__' }, '{"a":1}', 'no_value'],
    [{ senml: 'a' }, '[{"n":"a","v":1},{"n":"a","s":5}]', { value: 1 }],
    [{ senml: 'a' }, '[{"n":"a","s":5}]', 'no_value'],
    ['text', 'on', { value: 'on' }],
    ['text', ' {"value":1}\n', { value: ' {"value":1}\n' }],
    ['text', '', { value: '' }],
    ['number', '21.5', { value: 21.5 }],
    ['number', ' +21.50\n', { value: 21.5 }],
    ['number', '"21.5"', { value: 21.5 }],
    ['number', '.5', { value: 0.5 }],
    ['number', '007', { value: 7 }],
    ['number', '-1.5e3', { value: -1500 }],
    ['number', '{"value":"4","unit":"W"}', { value: 4, unit: 'W' }],
    ...[
      '',
      ' ',
      '0x10',
      'NaN',
      'Infinity',
      '1e999',
      '-1e999',
      '1,5',
      '1_000',
      '1 2',
      '٣',
      '--1',
      'true',
      'null',
      '[1]',
    ].map((text): [ReadSpec, string, unknown] => ['number', text, 'not_a_number']),
    ['number', '{"value":null}', 'not_a_number'],
    ['number', '{"val":1}', 'not_a_number'],
    ...['true', 'on', 'ON', 'Yes', '1', '"1"', ' on\n', '{"value":true}', '{"value":1}'].map(
      (text): [ReadSpec, string, unknown] => ['boolean', text, { value: true }],
    ),
    ...['false', 'off', 'no', '0', '"No"', '{"value":"OFF"}'].map((text): [ReadSpec, string, unknown] => [
      'boolean',
      text,
      { value: false },
    ]),
    ...['', '2', 'onn', 'null', '[true]', '{"val":true}'].map((text): [ReadSpec, string, unknown] => [
      'boolean',
      text,
      'not_a_boolean',
    ]),
    [{ boolean: { true: ['Open', 1], false: ['closed'] } }, 'OPEN', { value: true }],
    [{ boolean: { true: ['Open', 1], false: ['closed'] } }, '1', { value: true }],
    [
      { boolean: { true: ['Open', 1], false: ['closed'] } },
      '{"value":"closed","by":"Ann"}',
      { value: false, by: 'Ann' },
    ],
    [{ boolean: { true: ['Open', 1], false: ['closed'] } }, 'true', 'not_a_boolean'],
    ['senml', '[{"bn":"x/","n":"t","u":"Cel","v":21.5}]', { value: 21.5, unit: 'Cel' }],
    ['senml', '[{"n":"t","vb":true}]', { value: true }],
    ['senml', '[{"n":"t","v":1,"t":-2},{"n":"t","v":3},{"n":"t","v":2,"t":-1}]', { value: 3 }],
    ['senml', '[{"n":"t","v":1},{"n":"h","v":2}]', 'not_senml'],
    ['senml', '[{"n":"t","s":1}]', 'no_value'],
    ['senml', '[]', 'no_value'],
    ['senml', '{"n":"t"}', 'not_senml'],
    ['senml', 'on', 'not_json'],
    [{ senml: 'h' }, '[{"bn":"x/","n":"t","v":1},{"n":"h","v":2}]', { value: 2 }],
    [{ senml: 'x/t' }, '[{"bn":"x/","n":"t","v":1},{"n":"h","v":2}]', { value: 1 }],
    [{ senml: 't' }, '[{"bn":"x/","n":"t","v":1},{"bn":"y/","n":"t","v":2}]', 'not_senml'],
    [{ senml: 'z' }, '[{"bn":"x/","n":"t","v":1}]', 'no_value'],
    [{ pointer: '/a/1' }, '{"a":[0,{"x":1}],"timestamp":1}', { value: { x: 1 } }],
    [{ pointer: '' }, '{"value":1,"unit":"W"}', { value: { value: 1, unit: 'W' } }],
    [{ pointer: '/a' }, '{"b":1}', 'no_value'],
    [{ pointer: '/a' }, '{"a":null}', 'no_value'],
    [{ pointer: '/a' }, 'on', 'not_json'],
    [{ jmespath: 'a[?on].level | [0]' }, '{"a":[{"on":false,"level":1},{"on":true,"level":2}]}', { value: 2 }],
    [{ jmespath: 'a' }, '{"b":1}', 'no_value'],
    [{ jmespath: 'length(a)' }, '{"a":1}', 'unreadable'],
  ])('%j: %j', (read, payload, outcome) => {
    expect(reading(read)(payload)).toEqual(outcome);
  });

  it('anything but UTF-8 is refused as such', () => {
    const bytes = new Uint8Array([0x22, 0xe2, 0x82, 0x22]);
    const reads: ReadSpec[] = [
      'auto',
      'json',
      'text',
      'number',
      'boolean',
      'senml',
      { pointer: '' },
      { jmespath: '@' },
    ];
    expect(reads.map((read) => reading(read)(bytes))).toEqual(reads.map(() => 'not_utf8'));
  });

  it('a number is exactly that number, however it is written', () => {
    const read = reading('number');
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.nat(3), (number, form) => {
        const text = [
          String(number),
          JSON.stringify(String(number)),
          ` ${number} `,
          `{"value":${JSON.stringify(number)}}`,
        ][form];
        expect(read(text as string)).toEqual({ value: number === 0 ? 0 : number });
      }),
    );
  });

  it('a number is nothing but what people call one', () => {
    const read = reading('number');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123.+-eExX_, \n"naif∞') }), (text) => {
        const inner = /^\s*"([^"\n]*)"\s*$/.exec(text)?.[1] ?? text;
        const isNumber = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.test(inner) && Number.isFinite(Number(inner));
        expect(read(text)).toEqual(isNumber ? { value: Number(inner) } : 'not_a_number');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the details of a refusal', () => {
  it('say what was there, and not megabytes of it', () => {
    for (const read of ['json', 'number', 'boolean', 'senml'] as const) {
      const refusal = arrive(filterWith({ read }), 'a', `x${'y'.repeat(1_000_000)}`) as { detail: string };
      expect(refusal.detail).toContain('xyyy');
      expect(refusal.detail.length).toBeLessThan(300);
    }
  });
});

describe('whatever the bytes', () => {
  const reads: ReadSpec[] = [
    ...(['auto', 'json', 'text', 'number', 'boolean', 'senml', { senml: 'a' }, { pointer: '/a/0' }] as const),
    { jmespath: 'a[0].b || to_string(a)' },
  ];
  const filters = reads.map((read) =>
    filterWith({
      read,
      value: { schema: { type: ['object', 'array', 'string', 'number', 'boolean'], uniqueItems: true } },
    }),
  );

  it('no reading throws', () => {
    const json = fc.json().map((text) => new TextEncoder().encode(text));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), json), fc.constantFrom(...filters), (payload, filter) => {
        const outcome = arrive(filter, 'a', payload);
        if (!Array.isArray(outcome))
          expect(outcome).toMatchObject({ reason: expect.any(String), detail: expect.any(String) });
      }),
      { numRuns: 500 },
    );
  });

  it('none throws or hangs on what is deep, long or repeated', () => {
    const [deep, many] = [100_000, 50_000];
    const hostile = [
      '['.repeat(deep) + ']'.repeat(deep),
      `{"a":${'['.repeat(deep)}${']'.repeat(deep)}}`,
      '{"value":'.repeat(deep) + 1 + '}'.repeat(deep),
      '['.repeat(deep),
      '1'.repeat(1_000_000),
      ' '.repeat(1_000_000),
      `${'1'.repeat(1_000_000)}x`,
      `{"a":[${'{"b":{}},'.repeat(many)}0]}`,
      `[${'{"n":"a","v":1},'.repeat(many)}{"n":"b","v":1}]`,
      `[${Array.from({ length: many }, (_, n) => `{"x":${n}}`).join()}]`,
    ];
    const cost = cpuMs(() => {
      for (const filter of filters) {
        for (const payload of hostile) expect(() => arrive(filter, 'a', payload)).not.toThrow();
      }
    });
    // Of the order of parsing it, which takes milliseconds; what hangs takes minutes.
    expect(cost / (filters.length * hostile.length)).toBeLessThan(500);
  });
});

describe('a filter with a reading of its own', () => {
  class Hexadecimal extends REInboundFilter {
    override makeEventPayload(...[, , { payload }]: Parameters<REInboundFilter['makeEventPayload']>): EventPayload {
      return [Number.parseInt(new Payload(payload).text ?? '', 16)];
    }
  }

  it('is asked where the rule says nothing, or auto, and its values keep within the limits', () => {
    const filter = new Hexadecimal([
      ['tuple', [['t', 'n']]],
      { match: 'number', emit: [['t', 'n']], read: 'number' },
      { match: 'auto', emit: [['t', 'n'], { type: 't', name: 'm', read: 'json' }], read: 'auto', value: { max: 15 } },
      { match: 'back', emit: [{ type: 't', name: 'n', read: 'auto' }], read: 'text' },
    ]);
    expect(arrive(filter, 'tuple', '10')).toEqual([{ value: 16 }]);
    expect(arrive(filter, 'number', '10')).toEqual([{ value: 10 }]);
    expect(arrive(filter, 'auto', '8')).toEqual([{ value: 8 }, { value: 8 }]);
    expect(arrive(filter, 'auto', '10')).toMatchObject({ reason: 'out_of_range' });
    expect(arrive(filter, 'auto', 'zz')).toMatchObject({ reason: 'not_a_number' });
    expect(arrive(filter, 'back', 'f')).toEqual([{ value: 15 }]);
    expect(filter.acceptEvent(client, undefined, message('nothing', ''))).toBeNull();
  });
});
