import * as z from 'zod';
import { shape } from './configuration-schema.js';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What the sections of a filter look like. */
export interface FilterSchemas {
  /** What stands in `use`. */
  readonly use: string;
  /** The JSON Schema of a section of `filters.inbound`, without `use`. Left out: anything. */
  readonly inbound?: JsonSchema;
  /** That of a section of `filters.outbound`. */
  readonly outbound?: JsonSchema;
}

/** A text may be written as what it stands for. */
const REFERENCE = {
  type: 'string',
  pattern: '\\$\\{(env|credential):[^{}]+\\}',
  description: 'A text with ${env:NAME} or ${credential:NAME} in it.',
};

/**
 * The JSON Schema (draft 2020-12) of a configuration file, with an explanation of each key, for editors. It refuses nothing that the
 * loader takes; what the loader checks beyond it are addresses, topics, files and rules.
 *
 * @param filters what is known of filters: a section whose `use` names one is checked by its schema
 */
export function configurationJsonSchema(filters: readonly FilterSchemas[] = []): JsonSchema {
  const { $schema, $defs, ...root } = withReferences(z.toJSONSchema(shape, { io: 'input' })) as Schema;
  const definitions = { ...($defs as Schema) };
  const { properties, required } = root as { properties: Schema; required: string[] };
  for (const direction of ['inbound', 'outbound'] as const) {
    const known = filters.flatMap(({ use, [direction]: section }) => (section ? [{ use, section }] : []));
    const name = `${direction}Filter`;
    const cases = known.map(({ use, section }, index) => {
      const key = `${name}${index + 1}`;
      definitions[key] = withReferences(hoist(withUse(section), `#/$defs/${key}`));
      return {
        if: { properties: { use: { const: use } }, required: ['use'] },
        // biome-ignore lint/suspicious/noThenProperty: it is what JSON Schema calls it
        then: { $ref: `#/$defs/${key}` },
      };
    });
    const { id: _id, ...section } = definitions[name] as Schema;
    definitions[name] = { ...section, ...(cases.length > 0 && { allOf: cases }) };
  }
  return {
    $schema,
    title: 'The configuration of mqttgwd, the gateway between a CSTBox bus and MQTT',
    ...root,
    properties: { ...properties, filters: { ...(properties.filters as Schema), minProperties: 1 } },
    required: [...required, 'filters'],
    $defs: { ...definitions, reference: REFERENCE },
  };
}

type Schema = Record<string, unknown>;

/** Where one of several words is expected, a reference may stand for it; so may it for a text of a certain form. */
function withReferences(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withReferences);
  if (typeof node !== 'object' || node === null) return node;
  // Of no meaning for a file.
  const { readOnly: _readOnly, ...schema } = node as Schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withReferences(value)]));
  const { description, ...restrictions } = inner;
  const words = Array.isArray(inner.enum) ? inner.enum : [inner.const];
  const isForm = inner.type === 'string' && inner.pattern !== undefined;
  if (!isForm && !words.some((word) => typeof word === 'string')) return inner;
  return { ...(description !== undefined && { description }), anyOf: [restrictions, { $ref: '#/$defs/reference' }] };
}

/** A filter says what stands beside `use`. */
function withUse(section: JsonSchema): Schema {
  return { ...section, properties: { use: {}, ...(section.properties as Schema | undefined) } };
}

/** Leads what refers to the root of a schema to its new place. */
function hoist(node: unknown, place: string): unknown {
  if (Array.isArray(node)) return node.map((item) => hoist(item, place));
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).filter(([key]) => key !== '$schema');
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const leadsToRoot = key === '$ref' && typeof value === 'string' && value.startsWith('#');
      return [key, leadsToRoot ? place + value.slice(1) : hoist(value, place)];
    }),
  );
}
