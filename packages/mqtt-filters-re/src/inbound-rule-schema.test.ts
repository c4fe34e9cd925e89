import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { inboundRuleSchema } from './inbound-rule-schema.js';

interface JsonSchema {
  description?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: unknown;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  required?: string[];
}

const schema = inboundRuleSchema() as JsonSchema;

/** Each key anywhere in the schema, with what explains it. */
function keysOf(node: JsonSchema, path = ''): [string, string | undefined][] {
  const inner = [...(node.anyOf ?? []), ...(node.items ? [node.items] : [])].flatMap((each) => keysOf(each, path));
  const own = Object.entries(node.properties ?? {}).flatMap(([key, value]): [string, string | undefined][] => [
    [`${path}${key}`, value.description],
    ...keysOf(value, `${path}${key}.`),
  ]);
  return [...own, ...inner];
}

describe('the JSON Schema of an inbound rule', () => {
  it('has every key, and explains it', () => {
    const keys = keysOf(schema);
    expect(Object.keys(schema.properties ?? {})).toEqual([
      ...['match', 'emit', 'read', 'value', 'retained', 'max_age', 'timestamp_field', 'id_field', 'rate_limit'],
      ...['examples', 'allow_loop'],
    ]);
    for (const key of [
      'emit.type',
      'emit.data',
      'emit.read.pointer',
      'read.jmespath',
      'value.schema',
      'rate_limit.per',
    ]) {
      expect(keys.map(([path]) => path)).toContain(key);
    }
    const isMeaning = /\.boolean\.(true|false)$/;
    expect(keys.filter(([path, text]) => !isMeaning.test(path) && (text?.length ?? 0) < 10)).toEqual([]);
    expect(schema.required).toEqual(['match', 'emit']);
    expect(schema.additionalProperties).toBe(false);
  });

  it('takes rules, and refuses what is none', () => {
    const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
    const validate = new Ajv2020({ strict: false }).compile(schema);
    const rule = {
      match: 'site/(?P<room>[a-z]+)/set$',
      emit: [
        ['dim', '{room}'],
        ['dim', '{room}', 'sensor'],
        { type: 'switch', name: '{room}', data: { unit: '%' }, read: 'text' },
      ],
      read: { boolean: { true: ['open'], false: ['closed', 0] } },
      value: { min: 1, max: 2, step: 0.1, in: [1, 2], schema: { type: 'number' } },
      retained: 'accept',
      max_age: 5,
      timestamp_field: 'at',
      id_field: 'id',
      rate_limit: { messages: 10, per: 60 },
      examples: { a: 'x:y', b: null, c: [['x', 'y'], 'x:z'], d: [] },
      allow_loop: 'it is meant',
    };
    expect(validate(rule), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...rule, red: 1 })).toBe(false);
    expect(validate({ ...rule, read: 'xml' })).toBe(false);
    expect(validate({ ...rule, emit: [['dim']] })).toBe(false);
    expect(validate({ emit: [] })).toBe(false);
  });
});
