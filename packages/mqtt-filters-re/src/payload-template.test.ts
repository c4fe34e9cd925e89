import type { EventData, Timestamp } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutgoingEvent } from './outgoing-event.js';
import { compilePayload, type PayloadSpec } from './payload-builder.js';
import { Problems } from './problems.js';
import { compileRegex } from './python-regex.js';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** The payload of an event under a template; a refusal; or why the rule does not apply. */
function build(
  spec: PayloadSpec,
  data: EventData,
  { match = '', text = '', ...event }: Partial<OutgoingEvent> & { match?: string; text?: string } = {},
) {
  const problems = new Problems();
  const regex = compileRegex(match);
  const bind = compilePayload(spec, regex, problems);
  problems.throwIfAny();
  const builder = bind?.(regex.match(text) ?? {});
  if (!builder || 'why' in builder) return builder;
  return builder.build({ timestamp: AT, varType: 'power', varName: 'heating', channel: 'sensor', data, ...event });
}

const json = (structure: unknown, data: EventData, event = {}) => build({ json: structure }, data, event);
const text = (template: string, data: EventData, event = {}) => build({ text: template }, data, event);

describe('a template for JSON', () => {
  it('gives a value its type where the parameter stands alone, and text elsewhere', () => {
    const data = { value: 21.5, unit: 'W', ok: true, list: [1, { a: 'x' }], none: null };
    const structure = {
      fixed: [1, true, null, 'text', {}],
      at: '{timestamp}',
      iso: '{timestamp_iso}',
      of: '{var_type}/{var_name} on {channel}',
      value: '{data.value}',
      also: '{value}',
      said: '{value} {unit}',
      list: '{data.list}',
      deep: '{data.list.1.a}',
      ok: '{data.ok}',
      none: '{data.none}',
      braces: '{{{unit}}} 100%%',
    };
    expect(JSON.parse(json(structure, data) as string)).toEqual({
      fixed: [1, true, null, 'text', {}],
      at: AT,
      iso: '2026-01-02T03:04:05.678Z',
      of: 'power/heating on sensor',
      value: 21.5,
      also: 21.5,
      said: '21.5 W',
      list: [1, { a: 'x' }],
      deep: 'x',
      ok: true,
      none: null,
      braces: '{W} 100%',
    });
  });

  it('keeps the order of the keys, and fills them too', () => {
    expect(json({ b: 1, '{var_name}': [{ ts: '{timestamp}' }], a: 2 }, {})).toBe(
      `{"b":1,"heating":[{"ts":${AT}}],"a":2}`,
    );
  });

  it('gives null for what is absent and stands alone; text with a hole is refused', () => {
    expect(json(['{data.delta}', '{value}', '{unit}', '{data.a.b}'], { a: 1 })).toBe('[null,null,null,null]');
    expect(json(['{value} W'], {})).toMatchObject({ reason: 'no_value', detail: 'the event has no value' });
    expect(json({ '{data.name}': 1 }, { name: null })).toMatchObject({ reason: 'no_value' });
  });

  it('takes the groups of the regex, as numbers where they are said to be', () => {
    const event = { match: 'meter(?P<n>\\d+)_(?P<what>\\w+)', text: 'meter007_a' };
    expect(json({ n: '{n}', d: '%(n)d', f: '%(n)f', x: '%(n)x', in: 'no. %(n)d', '{what}': 1 }, {}, event)).toBe(
      '{"n":"007","d":7,"f":7.000000,"x":"7","in":"no. 7","a":1}',
    );
    expect(json('%(value)d', { value: 21 })).toBe('21');
    expect(json('%(value)d', { value: 21.5 })).toMatchObject({ reason: 'not_a_number' });
    expect(json('%(value)d', { value: [1] })).toMatchObject({ reason: 'not_a_number' });
  });

  it('does not apply when a group took no part in the match', () => {
    const event = { match: '(?P<a>a)?b', text: 'b' };
    expect(json(['{a}'], {}, event)).toEqual({ why: "group 'a' took no part in the match" });
  });

  it('reads own keys only', () => {
    const structure = ['{data.__proto__}', '{data.constructor}', '{data.toString}', '{data.value.length}'];
    expect(json(structure, { value: 'text' })).toBe('[null,null,null,null]');
    expect(json(['{data.__proto__.a}'], JSON.parse('{"__proto__":{"a":7}}'))).toBe('[7]');
    expect(json('{data}', JSON.parse('{"__proto__":{"a":7}}'))).toBe('{"__proto__":{"a":7}}');
    expect(json(JSON.parse('{"__proto__":"{value}"}'), { value: 1 })).toBe('{"__proto__":1}');
  });

  it('takes dates beyond all calendars', () => {
    const timestamp: Timestamp = 2n ** 64n - 1n;
    expect(json(['{timestamp}', '{timestamp_iso}', 'at {timestamp}'], {}, { timestamp })).toBe(
      '[18446744073709551615,null,"at 18446744073709551615"]',
    );
  });

  const anyText = fc.string({ unit: 'binary' });
  const anyData = fc.dictionary(fc.oneof(anyText, fc.constantFrom('value', 'unit', '__proto__')), fc.jsonValue());

  it('is JSON with the right values, whatever the event holds', () => {
    const structure = {
      a: '{value}',
      b: ['"{var_name}"', '{data}'],
      '{var_type}': { '\\': '{unit}' },
      c: '<{channel}>',
    };
    fc.assert(
      fc.property(anyData, anyText, anyText, anyText, (data, varType, varName, channel) => {
        const own = (key: string) => (Object.hasOwn(data, key) ? JSON.parse(JSON.stringify(data[key])) : null);
        const payload = json(structure, data as EventData, { varType: `k${varType}`, varName, channel });
        expect(JSON.parse(payload as string)).toEqual({
          a: own('value'),
          b: [`"${varName}"`, JSON.parse(JSON.stringify(data))],
          [`k${varType}`]: { '\\': own('unit') },
          c: `<${channel}>`,
        });
      }),
    );
  });

  it('is JSON with the structure that was written, for any structure without parameters', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (structure) => {
        const doubled = JSON.parse(
          JSON.stringify(structure).replace(/[{}%]/g, (sign) => sign),
          (_, value) => (typeof value === 'string' ? value.replace(/[%{}]/g, '$&$&') : value),
        );
        fc.pre(!/[%{}]/.test(keysOf(structure).join('')));
        expect(JSON.parse(json(doubled, {}) as string)).toEqual(JSON.parse(JSON.stringify(structure)));
      }),
    );
  });

  function keysOf(value: unknown): string[] {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, item]) => [key, ...keysOf(item)]);
  }
});

describe('a template for text', () => {
  it('writes values as they are', () => {
    const event = { match: '(?P<room>\\w+)', text: 'kitchen' };
    const line = 'power,room={room},name={var_name} value={value},ok={data.ok} {timestamp}000000';
    expect(text(line, { value: 1.5, ok: true }, event)).toBe(
      `power,room=kitchen,name=heating value=1.5,ok=true ${AT}000000`,
    );
    expect(text('{value}|{data.o}|%(data.n)f', { value: 'a "b"', o: { a: [1] }, n: 2 })).toBe(
      'a "b"|{"a":[1]}|2.000000',
    );
    expect(text('ping', {})).toBe('ping');
    expect(text('', {})).toBe('');
  });

  it('has no holes: what is absent or null refuses the event', () => {
    expect(text('v={data.delta}', { delta: null })).toEqual({
      reason: 'no_value',
      detail: 'the event has no data.delta',
    });
    expect(text('v={data.delta}', {})).toMatchObject({ reason: 'no_value' });
    expect(text('{channel}', {}, { channel: undefined })).toMatchObject({ reason: 'no_value' });
  });
});
