import { describe, expect, it } from 'vitest';
import { cpuMs, problemsOf } from './inbound.fixtures.js';
import { compileValueSchema } from './inbound-rule-value-schema.js';
import { Problems } from './problems.js';

type Schema = Parameters<typeof compileValueSchema>[0];

const compile = (schema: Schema) => {
  const problems = new Problems();
  return problems.orThrow(compileValueSchema(schema, problems));
};
const fits = (schema: Schema, value: unknown) => compile(schema)(value) === undefined;

describe('a JSON Schema', () => {
  it('is one of 2020-12', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $ref: '#/$defs/pair',
      $defs: {
        pair: { type: 'array', prefixItems: [{ type: 'number' }, { $ref: '#/$defs/on' }], items: false, minItems: 2 },
        on: { const: 'on' },
      },
    };
    expect(fits(schema, [1, 'on'])).toBe(true);
    expect(fits(schema, [1, 'off'])).toBe(false);
    expect(fits(schema, [1, 'on', 2])).toBe(false);
  });

  it('may not refer to so much that it is to be checked for ever', () => {
    const fanOut = (levels: number) => ({
      $ref: '#/$defs/d0',
      $defs: Object.fromEntries(
        Array.from({ length: levels }, (_, level) => {
          const next = { $ref: `#/$defs/d${level + 1}` };
          return [`d${level}`, level + 1 < levels ? { allOf: [next, next] } : { type: 'number' }];
        }),
      ),
    });
    expect(fits(fanOut(8), 1)).toBe(true);
    const cost = cpuMs(() => {
      const [[, why] = []] = problemsOf(() => compile(fanOut(40)));
      expect(why).toMatch(/^invalid schema : with what it refers to, it has more than 10000 places/);
    });
    expect(cost).toBeLessThan(1_000);
  });

  it('keeps patterns apart, and looks for them anywhere in a text', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'string', pattern: 'a' }, b: { type: 'string', pattern: '^b$' } },
      patternProperties: { '^x_': { type: 'number' } },
    };
    expect(fits(schema, { a: 'bab', b: 'b', x_1: 1 })).toBe(true);
    expect(fits(schema, { a: 'b' })).toBe(false);
    expect(fits(schema, { b: 'ab' })).toBe(false);
    expect(fits(schema, { x_1: 'a' })).toBe(false);
  });

  it('runs patterns in a bounded time, and refuses what is too long for them', () => {
    const text = compile({ type: 'string', pattern: '^(a+)+$' });
    expect(text('a'.repeat(1_000))).toBeUndefined();
    expect(text(`${'a'.repeat(1_000)}!`)).toMatchObject({ detail: 'the value must match pattern "^(a+)+$"' });
    const keys = compile({ type: 'object', patternProperties: { '(?=(x|xx)+$)y': { type: 'null' } } });
    const hostile = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`${'x'.repeat(2_000)}${n}`, 1]));
    const looks = compile({ type: 'array', items: { type: 'string', pattern: '^(?:(?=a*b?)a)*$' } });
    expect(looks(['aaa', 'b'])).toMatchObject({ reason: 'schema' });
    const refused = { reason: 'schema', detail: expect.stringContaining('takes too long') };
    const cost = cpuMs(() => {
      for (const value of ['a'.repeat(1_000_000), `${'ab'.repeat(500_000)}!`]) {
        expect(text(value)).toMatchObject(refused);
      }
      expect(keys(hostile)).toMatchObject(refused);
      // Each of them alone could be looked at in time.
      expect(looks(Array.from({ length: 2_000 }, () => 'a'.repeat(500)))).toMatchObject(refused);
    });
    // Milliseconds each; V8 would take for ever.
    expect(cost).toBeLessThan(2_000);
  });

  it('takes items for doubles that JSON takes for the same', () => {
    const schema = { type: 'array', uniqueItems: true };
    expect(fits(schema, [1, '1', [1], ['1'], { a: 1, b: 2 }, { a: 2, b: 1 }, null, 'null'])).toBe(true);
    expect(fits(schema, [{ a: 1, b: [2] }, 0, { b: [2], a: 1 }])).toBe(false);
    expect(fits({ type: 'array', uniqueItems: false }, [1, 1])).toBe(true);
  });

  it.each([
    ['date', '2026-02-28', '2026-02-30'],
    ['date-time', '2026-02-28T10:00:00Z', '2026-02-28'],
    ['time', '10:00:00Z', '25:00:00Z'],
    ['duration', 'P1D', '1D'],
    ['uuid', '123e4567-e89b-12d3-a456-426614174000', '123'],
    ['uri', 'https://example.org/a', 'a b'],
    ['email', 'a@example.org', 'a'],
    ['hostname', 'example.org', 'a b'],
    ['ipv4', '10.0.0.1', '10.0.0.256'],
    ['ipv6', '::1', ':::1'],
  ])('checks the format %s, and in no time', (format, right, wrong) => {
    const limit = compile({ type: 'string', format });
    expect(limit(right)).toBeUndefined();
    expect(limit(wrong)).toMatchObject({ reason: 'schema', detail: expect.stringContaining(format) });
    for (const part of [right, 'a', 'a.', '1:', '%', 'a@', 'P1', '-', '0.', '::']) {
      expect(limit(part.repeat(1_000_000 / part.length))).toBeDefined();
      expect(() => limit(`${part.repeat(1_020 / part.length)}!`)).not.toThrow();
    }
  });

  it.each<[Schema, string]>([
    [{ typ: 'string' }, 'unknown keyword: "typ"'],
    [{ type: 'strin' }, 'schema is invalid'],
    [{ minimum: 3 }, 'missing type "number"'],
    [{ type: 'string', format: 'regex' }, 'unknown format "regex"'],
    [{ type: 'string', pattern: '(' }, 'nvalid regular expression'],
    [{ type: 'string', pattern: '(a)\\1' }, 'reference'],
    [{ $ref: 'https://example.org/schema' }, 'leads elsewhere'],
    [{ $ref: 'https://json-schema.org/draft/2020-12/schema' }, 'leads elsewhere'],
    [{ $ref: '#/$defs/a' }, 'leads nowhere'],
    [{ $ref: '#/%E0%A4%A' }, 'is no JSON Pointer'],
    [{ $ref: '#' }, '# refers to itself'],
    [{ $id: 'a' }, '$id is not supported'],
    [{ $dynamicRef: '#a' }, '$dynamicRef is not supported'],
    [
      { $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { items: { $ref: '#/$defs/a' } } }, $ref: '#/$defs/a' },
      'refers to itself',
    ],
    [{ properties: { a: { properties: { b: { $ref: '#/properties/a' } } } } }, '#/properties/a refers to itself'],
  ])('%j is refused', (schema, why) => {
    expect(problemsOf(() => compile(schema))).toEqual([[[], expect.stringMatching(/^invalid schema : /)]]);
    expect(problemsOf(() => compile(schema))[0]?.[1]).toContain(why);
  });

  it('may stand in several rules', () => {
    const schema = { type: 'number', maximum: 5 };
    expect([fits(schema, 4), fits(schema, 6), fits({ ...schema }, 6)]).toEqual([true, false, false]);
  });

  it('refuses what is nested too deeply to compare, and forgets it', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown[];
    const limit = compile({ type: 'array', uniqueItems: true });
    expect(limit([1, 1])).toMatchObject({ detail: 'the value must not hold an item twice' });
    expect(limit([deep, 1])).toEqual({
      reason: 'schema',
      detail: expect.stringContaining("can't be checked: Maximum call stack"),
    });
    expect(limit([1])).toBeUndefined();
  });
});
