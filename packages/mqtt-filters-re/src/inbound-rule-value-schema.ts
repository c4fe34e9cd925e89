import { createRequire } from 'node:module';
import type { Refusal } from '@cstbox/mqtt-core';
import type { ErrorObject } from 'ajv';
import type { Limit } from './inbound-rule-limits.js';
import { compilePointer } from './json-pointer.js';
import type { Problems } from './problems.js';
import { quote, show } from './quote.js';
import { schemaPattern, withBudget } from './schema-regex.js';

type Ajv2020 = import('ajv/dist/2020.js').Ajv2020;
type Check = RegExp | ((text: string) => boolean);
type Format = Check | { validate: Check };
type Schema = Readonly<Record<string, unknown>>;

/** Formats that are checked. */
const FORMATS = [
  ...['date', 'time', 'date-time', 'duration', 'uuid', 'uri', 'uri-reference', 'email', 'hostname', 'ipv4', 'ipv6'],
] as const;

/** No text of a format is longer: what is, is not searched by the formats' own expressions, which may backtrack. */
const MAX_FORMATTED = 1_024;

/** What would make a schema run over itself or over others, so that no payload's size bounds its time. */
const REFUSED_KEYWORDS = ['$id', '$anchor', '$dynamicRef', '$dynamicAnchor'];

/** Objects and lists of a schema, each reference counted as what it leads to: a value is checked against all of them. */
const MAX_PLACES = 10_000;

let created: Ajv2020 | undefined;

/**
 * Compiles a JSON Schema (2020-12) into a limit. The time that it takes grows with the value, whatever the value is: a
 * schema can't refer to itself, nor many times over; patterns have a budget, beyond which a text is refused; and lists are compared for doubles by their texts.
 *
 * Ajv is loaded with the first schema: who has none pays nothing for it.
 */
export function compileValueSchema(schema: Schema, problems: Problems): Limit | undefined {
  const fault = referenceFault(schema);
  if (fault) return problems.add(`invalid schema : ${fault}`);
  const ajv = onlyAjv();
  try {
    const validate = withBudget(() => ajv.compile(schema));
    return (value) => {
      try {
        return withBudget(() => validate(value)) ? undefined : refusal(validate.errors?.[0]);
      } catch (error) {
        // Nested too deeply, or too long for its patterns.
        if (!(error instanceof RangeError)) throw error;
        return { reason: 'schema', detail: `the value can't be checked: ${error.message}` };
      }
    };
  } catch (error) {
    return problems.add(`invalid schema : ${(error as Error).message}`);
  } finally {
    // Only what was compiled lives on, for as long as the filter does.
    ajv.removeSchema(schema);
  }
}

function refusal({ instancePath, keyword, message, params }: Partial<ErrorObject> = {}): Refusal {
  const place = instancePath ? ` at ${quote(instancePath)}` : '';
  const allowed = keyword === 'enum' || keyword === 'const' ? `: ${show(Object.values(params ?? {})[0])}` : '';
  return { reason: 'schema', detail: `the value${place} ${message ?? 'does not fit'}${allowed}` };
}

function onlyAjv(): Ajv2020 {
  created ??= createAjv();
  return created;
}

function createAjv(): Ajv2020 {
  const require = createRequire(import.meta.url);
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  const formats = require('ajv-formats') as { get(name: string): Format };
  const ajv = new Ajv2020({
    // What a schema says and does not mean is found when it is loaded: a limit that does not limit is dangerous.
    ...{
      strict: true,
      strictTypes: true,
      strictTuples: true,
      strictRequired: false,
      allowUnionTypes: true,
      logger: false,
    },
    code: { regExp: Object.assign(schemaPattern, { code: 'schemaPattern' }) },
  });
  for (const name of FORMATS) ajv.addFormat(name, { type: 'string', validate: bounded(formats.get(name)) });
  // Ajv's own compares each item with each other.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    ...{ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean' },
    error: { message: 'must not hold an item twice' },
    compile: (wanted: boolean) => (items: unknown[]) => !wanted || new Set(items.map(canonical)).size === items.length,
  });
  return ajv;
}

function bounded(format: Format): (text: string) => boolean {
  const check = 'validate' in format ? format.validate : format;
  return (text) => text.length <= MAX_FORMATTED && (check instanceof RegExp ? check.test(text) : check(text));
}

/** A text that two values have in common when JSON takes them for the same. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.sort().join()}}`;
}

/** Why a schema's references would not do, or `undefined`. */
function referenceFault(schema: Schema): string | undefined {
  const sizes = new Map<string, number>();
  /** How many places a part of the schema has when what it refers to is put in; a text: what is wrong. */
  const sizeOf = (node: unknown, under: readonly string[]): number | string => {
    if (typeof node !== 'object' || node === null) return 0;
    const refused = REFUSED_KEYWORDS.find((keyword) => typeof (node as Schema)[keyword] === 'string');
    if (refused) return `${refused} is not supported: refer by "$ref": "#/$defs/…"`;
    const { $ref } = node as Schema;
    let size = 1;
    if (typeof $ref === 'string') {
      const target = under.includes($ref) ? `${$ref} refers to itself` : follow($ref, [...under, $ref]);
      if (typeof target === 'string') return target;
      size += target;
    }
    for (const inner of Object.values(node)) {
      const part = sizeOf(inner, under);
      if (typeof part === 'string') return part;
      size += part;
    }
    return size;
  };
  const follow = (ref: string, under: readonly string[]): number | string => {
    if (ref === '#') return `${ref} refers to itself`;
    if (!ref.startsWith('#/')) return `$ref ${show(ref)} leads elsewhere: refer by "#/$defs/…"`;
    const known = sizes.get(ref);
    if (known !== undefined) return known;
    let target: unknown;
    try {
      target = compilePointer(decodeURIComponent(ref.slice(1)))(schema);
    } catch {
      return `$ref ${show(ref)} is no JSON Pointer`;
    }
    const size = target === undefined ? `$ref ${show(ref)} leads nowhere` : sizeOf(target, under);
    if (typeof size === 'number') sizes.set(ref, size);
    return size;
  };
  const size = sizeOf(schema, []);
  if (typeof size === 'string') return size;
  return size > MAX_PLACES
    ? `with what it refers to, it has more than ${MAX_PLACES} places: let it refer to less, or not again and again`
    : undefined;
}
