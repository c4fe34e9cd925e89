import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outboundObject, outboundRuleSchema } from './outbound-rule-object.js';

const SOURCE = readFileSync(join(import.meta.dirname, 'outbound-rule-object.ts'), 'utf8');
const README = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

/** The keys of the interface, each with its docstring. */
function documentedKeys(): Map<string, string> {
  const [, body = ''] = /interface OutboundRuleObject \{\n(.*?)\n\}/s.exec(SOURCE) ?? [];
  const keys = [...body.matchAll(/\/\*\*(.*?)\*\/\s*readonly (\w+)\??:/gs)];
  return new Map(keys.map(([, text = '', key = '']) => [key, text.replace(/\s*\*\s+/g, ' ').trim()]));
}

describe('the shape of an outbound rule', () => {
  const { properties, required, additionalProperties } = outboundRuleSchema() as {
    properties: Record<string, { description?: string }>;
    required: string[];
    additionalProperties: boolean;
  };

  it('has the same keys where it is typed and in its JSON Schema, each explained', () => {
    const documented = documentedKeys();
    expect(documented.size).toBeGreaterThan(10);
    expect(Object.keys(properties)).toEqual([...documented.keys()]);
    for (const [key, text] of documented) expect(text.length, key).toBeGreaterThan(20);
    for (const [key, { description }] of Object.entries(properties)) {
      expect(description?.length ?? 0, key).toBeGreaterThan(20);
    }
    expect(required).toEqual(['match', 'topic']);
    expect(additionalProperties).toBe(false);
  });

  it('explains each comparison, too', () => {
    const text = JSON.stringify(outboundRuleSchema());
    for (const operator of ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'exists']) {
      expect(text).toMatch(new RegExp(`"${operator}":\\{[^}]*"description"`));
    }
  });

  it('is in the README, key by key', () => {
    for (const key of Object.keys(outboundObject.shape)) expect(README.includes(`| \`${key}\``), key).toBe(true);
  });
});
