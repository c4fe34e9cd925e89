import { join, resolve } from 'node:path';
import { ConfigurationFile, checkConfiguration, configurationJsonSchema, type JsonSchema } from '@cstbox/dbus-bus';
import type { ConfigurationError } from '@cstbox/mqtt-core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { run, workplace } from '../test/daemon.js';
import { gatewaySchema } from './gateway-schema.js';

const EXAMPLES = resolve(import.meta.dirname, '../../../examples');
const RE = '@cstbox/mqtt-filters-re';

/** Where a configuration does not fit a schema: paths, the deepest first. */
function misfits(schema: JsonSchema, content: unknown): string[] {
  const validate = new Ajv2020({
    allErrors: true,
    strict: true,
    allowUnionTypes: true,
    strictRequired: false,
    strictTypes: false,
    strictTuples: false,
  }).compile(schema);
  if (validate(content)) return [];
  const places = new Set((validate.errors ?? []).map(({ instancePath }) => instancePath));
  return [...places].sort((a, b) => b.length - a.length);
}

const good = (more: object = {}) => ({
  broker: { host: 'h' },
  filters: { outbound: { use: RE, rules: [['a', 'b']] } },
  ...more,
});
const outbound = (...rules: unknown[]) => good({ filters: { outbound: { use: RE, rules } } });

describe('the schema of a configuration', () => {
  let schema: JsonSchema;
  beforeAll(async () => {
    schema = await gatewaySchema();
  });

  it.each(['box.yaml', 'commands.yaml', 'alarms.json', 'demo/gateway.json'])('takes the example %s', (name) => {
    const { written } = ConfigurationFile.read(join(EXAMPLES, name), { environment: {} });
    expect(misfits(schema, written)).toEqual([]);
  });

  it.each([
    ['the least there can be', good()],
    ['a version of MQTT as a number', good({ broker: { host: ['a', 'b'], protocol: 5 } })],
    ['what an editor needs', good({ $schema: './schema.json', simulate: true })],
    [
      'references in texts and in place of words',
      good({ outbox: { durability: '${env:KEEP}', directory: '${env:DIR}/x' } }),
    ],
    ['references in rules', outbound({ match: 'a', topic: '${env:SITE}/a', payload: '${env:FORM}' })],
    [
      'several filters, some of them unknown',
      good({
        filters: {
          outbound: [
            { use: RE, rules: [] },
            { use: './x.js', any: 1 },
          ],
        },
      }),
    ],
  ])('takes %s', (_what, content) => {
    expect(misfits(schema, content)).toEqual([]);
  });

  it.each([
    ['an unknown key', good({ brokre: {} }), ''],
    ['a key in the wrong place', good({ broker: { host: 'h', username: 'u' } }), '/broker'],
    ['no broker', { filters: {} }, '/filters'],
    ['a port as a text', good({ broker: { host: 'h', port: '1883' } }), '/broker/port'],
    ['a port that there is not', good({ broker: { host: 'h', port: 70_000 } }), '/broker/port'],
    ['a duration of nothing', good({ shutdown_timeout: 0 }), '/shutdown_timeout'],
    ['another QoS', good({ qos: 3 }), '/qos'],
    ['another word', good({ outbox: { durability: 'disk' } }), '/outbox/durability'],
    ['a password that stands twice', good({ auth: { username: 'u', password: 'p', password_file: 'f' } }), '/auth'],
    ['a certificate without its key', good({ tls: { certfile: 'c' } }), '/tls'],
    ['one topic instead of a list', good({ listened_topics: 'a/#' }), '/listened_topics'],
    ['a filter without a name', good({ filters: { inbound: { rules: [] } } }), '/filters/inbound'],
    ['a rule that lacks its topic', outbound(['a']), '/filters/outbound/rules/0'],
    ['a rule with a slip of the pen', outbound({ match: 'a', topic: 'b', retian: true }), '/filters/outbound/rules/0'],
    [
      'a rule with a wrong value',
      outbound({ match: 'a', topic: 'b', round: 'two' }),
      '/filters/outbound/rules/0/round',
    ],
    [
      'a key that the filter does not know',
      good({ filters: { inbound: { use: RE, rules: [], channels: [] } } }),
      '/filters/inbound',
    ],
  ])('does not take %s', (_what, content, place) => {
    expect(misfits(schema, content)).toContain(place);
  });

  it('describes every key that the loader knows', () => {
    const described = new Set(describedKeys(schema));
    const known = knownKeys();
    expect(known).toEqual(
      expect.arrayContaining(['broker.retry.max', 'auth.password_file', 'simulate', 'filters.inbound']),
    );
    expect(known.filter((key) => !described.has(key))).toEqual([]);
  });

  it('holds what any filter package says of its sections, references within it included', () => {
    const section = {
      $defs: { level: { type: 'number' } },
      type: 'object',
      properties: { level: { $ref: '#/$defs/level' } },
      additionalProperties: false,
    };
    const theirs = configurationJsonSchema([{ use: './mine.js', outbound: section }]);
    const at = (level: unknown) => misfits(theirs, good({ filters: { outbound: { use: './mine.js', level } } }));
    expect(at(3)).toEqual([]);
    expect(at('3')).toContain('/filters/outbound/level');
  });
});

describe('mqttgwd schema', () => {
  it('prints the schema with the filters that a configuration uses, wherever they are', async () => {
    await using place = await workplace();
    await place.file(
      'mine.mjs',
      'export const configurationSchema = { outbound: { properties: { level: { type: "number" } } } };',
    );
    const content = good({
      filters: {
        outbound: [
          { use: './mine.mjs', level: 'high' },
          { use: './none.mjs', level: 'high' },
        ],
      },
    });
    const { code, printed } = await run(['schema', '-c', await place.file('c.json', content)]);
    expect(code).toBe(0);
    expect(misfits(JSON.parse(printed), content)).toContain('/filters/outbound/0/level');
    expect(misfits(JSON.parse(printed), content)).not.toContain('/filters/outbound/1/level');
  });
});

/** Every key that a schema explains. */
function describedKeys({ properties = {} }: { properties?: Record<string, JsonSchema> }, path = ''): string[] {
  return Object.entries(properties).flatMap(([key, inner]) => [
    ...(typeof inner.description === 'string' ? [path + key] : []),
    ...describedKeys(inner, `${path}${key}.`),
  ]);
}

/** Every key of a configuration, as the loader's complaints about unknown ones name them. */
function knownKeys(): string[] {
  const unknown = { '?': true };
  const sections = { auth: unknown, tls: unknown, dbus: unknown, outbox: unknown, commands: unknown, filters: unknown };
  try {
    checkConfiguration({ ...unknown, ...sections, broker: { ...unknown, retry: unknown } } as never);
  } catch (error) {
    return (error as ConfigurationError).problems.flatMap(({ path, message }) => {
      const [, keys] = /known here: (.*)$/.exec(message) ?? [];
      return (keys?.split(', ') ?? []).map((key) => [...path.slice(0, -1), key].join('.'));
    });
  }
  return [];
}
