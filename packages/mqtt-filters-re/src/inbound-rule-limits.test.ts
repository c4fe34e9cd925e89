import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrive, filterWith, problemsOf } from './inbound.fixtures.js';
import type { ValueLimits } from './inbound-rule-limits.js';

const outcome = (value: ValueLimits, payload: string) => {
  const answer = arrive(filterWith({ value }), 'a', payload);
  return Array.isArray(answer) ? 'accepted' : (answer as { reason: string }).reason;
};
const detail = (value: ValueLimits, payload: string) =>
  (arrive(filterWith({ value }), 'a', payload) as { detail?: string }).detail;

describe('limits of a value', () => {
  it.each<[ValueLimits, string, string]>([
    [{ min: 5, max: 30 }, '5', 'accepted'],
    [{ min: 5, max: 30 }, '{"value":30}', 'accepted'],
    [{ min: 5, max: 30 }, '4.999', 'out_of_range'],
    [{ min: 5, max: 30 }, '31', 'out_of_range'],
    [{ min: 5 }, '1e300', 'accepted'],
    [{ max: 5 }, '-1e300', 'accepted'],
    [{ max: 5 }, '"4"', 'not_a_number'],
    [{ max: 5 }, 'on', 'not_a_number'],
    [{ max: 5 }, 'null', 'not_a_number'],
    [{ max: 5 }, '1e999', 'not_a_number'],
    [{ min: 5, step: 0.5 }, '21.5', 'accepted'],
    [{ min: 5, step: 0.5 }, '21.25', 'out_of_range'],
    [{ min: 5.25, step: 0.5 }, '21.25', 'accepted'],
    [{ step: 0.1 }, '-0.3', 'accepted'],
    [{ step: 5 }, '7', 'out_of_range'],
    [{ in: ['on', 'off', 2, true] }, 'on', 'accepted'],
    [{ in: ['on', 'off', 2, true] }, '2', 'accepted'],
    [{ in: ['on', 'off', 2, true] }, 'true', 'accepted'],
    [{ in: ['on', 'off', 2, true] }, '"2"', 'not_allowed'],
    [{ in: ['on', 'off', 2, true] }, 'ON', 'not_allowed'],
    [{ in: ['on', 'off', 2, true] }, '["on"]', 'not_allowed'],
    [{ in: [1, 2, 3], max: 2 }, '3', 'out_of_range'],
    [{ schema: { type: 'object', required: ['r'] } }, '{"r":1}', 'accepted'],
    [{ schema: { type: 'object', required: ['r'] } }, '{"g":1}', 'schema'],
    [{ schema: { type: 'object', required: ['r'] } }, '{"value":{"r":1},"by":"Ann"}', 'accepted'],
  ])('%j: %j is %s', (limits, payload, expected) => {
    expect(outcome(limits, payload)).toBe(expected);
  });

  it.each<[ValueLimits, string, string]>([
    [{ max: 30 }, '31', '31 is above 30'],
    [{ min: 5 }, '4', '4 is below 5'],
    [{ step: 0.5 }, '4.2', '4.2 is no multiple of 0.5'],
    [{ min: 5, step: 2 }, '8', '8 is no multiple of 2, counted from 5'],
    [{ in: ['on', 'off'] }, 'up', '"up" is none of ["on","off"]'],
    [{ schema: { type: 'number' } }, 'up', 'the value must be number'],
    [
      { schema: { type: 'object', properties: { a: { enum: ['x', 'y'] } } } },
      '{"a":1}',
      'the value at "/a" must be equal to one of the allowed values: ["x","y"]',
    ],
  ])('a refusal says which: %j, %j', (limits, payload, expected) => {
    expect(detail(limits, payload)).toBe(expected);
  });

  it('a refusal does not repeat megabytes', () => {
    const long = 'x'.repeat(1_000_000);
    const limits: ValueLimits[] = [
      { in: ['on'] },
      { max: 1 },
      { schema: { type: 'object', additionalProperties: { type: 'null' } } },
      { schema: { type: 'object', propertyNames: { maxLength: 5 } } },
    ];
    for (const limit of limits) {
      const payload = limit.schema ? `{"${long}":1}` : long;
      expect(detail(limit, payload)?.length).toBeLessThan(300);
    }
  });

  it('every decimal step counts as one, and nothing between', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.constantFrom(1, 2, 3), (n, digits) => {
        const step = Number(`1e-${digits}`);
        expect(outcome({ step }, (n * step).toFixed(digits))).toBe('accepted');
        expect(outcome({ step }, `${n}.${'0'.repeat(digits)}5`)).toBe('out_of_range');
      }),
    );
  });

  it.each<[unknown, (string | number)[], string]>([
    [{}, [], 'at least one of min, max, step, in, schema'],
    [{ mini: 1 }, ['mini'], "did you mean 'min'?"],
    [{ min: 3, max: 1 }, ['min'], 'min is above max'],
    [{ min: '3' }, ['min'], 'min is a number'],
    [{ min: Number.NaN }, ['min'], 'min is a number'],
    [{ step: 0 }, ['step'], 'step is a number above 0'],
    [{ in: [] }, ['in'], 'at least one'],
    [{ in: [null] }, ['in', 0], 'at least one'],
    [{ schema: true }, ['schema'], 'an object'],
  ])('%j are refused when they are loaded', (value, path, why) => {
    expect(problemsOf(() => filterWith({ value: value as ValueLimits }))).toEqual([
      [[0, 'value', ...path], expect.stringContaining(why)],
    ]);
  });

  it('must be such that a value which is read so can keep them', () => {
    const problems = (rule: Parameters<typeof filterWith>[0]) =>
      problemsOf(() => filterWith(rule)).map(([path, why]) => [path.slice(1).join('.'), why.replace(/^.*\) : /, '')]);
    expect(problems({ read: 'text', value: { min: 1 } })).toEqual([['value', 'what is read as "text" is no number']]);
    expect(problems({ read: 'boolean', value: { in: [true, 'on'] } })).toEqual([
      ['value', 'what is read as "boolean" is a boolean, never "on"'],
    ]);
    const event = { type: 't', name: 'n', read: 'number' } as const;
    expect(problems({ emit: [event], value: { in: ['on'] } })).toEqual([
      ['emit.0.read', 'what is read as "number" is a number, never "on"'],
    ]);
    expect(problems({ read: 'number', value: { min: 1, in: [1, 2] } })).toEqual([]);
    expect(problems({ read: { pointer: '/a' }, value: { min: 1, in: ['on'] } })).toEqual([]);
  });
});
