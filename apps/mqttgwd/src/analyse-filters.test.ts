import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationFile } from '@cstbox/dbus-bus';
import { ConfigurationError, type Logger } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import { loadGateway } from './load-gateway.js';

const OUT = ['switch:(?P<room>\\w+)_light$', 'site/{room}/light'];
const BACK = ['site/(?P<room>\\w+)/light$', [['switch', '{room}_light']]];
const RE = '@cstbox/mqtt-filters-re';

/** A filter module that finds what its section says. */
const FINDER = `
export const createOutboundFilter = () => ({ channels: ['sensor'], getMqttTopic: () => null, makePayload: () => '' });
export const createInboundFilter = () => ({ acceptEvent: () => null });
export const analyseRules = ({ outbound, inbound }) =>
  [...outbound, ...inbound].flatMap(({ path, options }) => {
    if (options.run) new Function(options.run)();
    return (options.findings ?? []).map((finding) => ({ path: [...path, 'findings'], ...finding }));
  });
`;

interface Loaded {
  /** `undefined`: it loads. */
  refusal: string | undefined;
  /** What was logged, with the levels. */
  log: string[];
}

/** Loads a configuration with these filters, from a file of its own. */
async function load(filters: unknown, more: object = {}): Promise<Loaded> {
  const directory = await mkdtemp(join(tmpdir(), 'analyse-filters-'));
  try {
    await writeFile(join(directory, 'finder.mjs'), FINDER);
    const path = join(directory, 'c.json');
    await writeFile(path, JSON.stringify({ broker: { host: 'h' }, filters, ...more }, undefined, 1));
    const log: string[] = [];
    const write = (level: string) => (text: string) => void log.push(`${level} ${text.replaceAll(directory, '')}`);
    const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') } as Logger;
    try {
      const gateway = await loadGateway(path, { logger: () => logger, environment: {} });
      await gateway[Symbol.asyncDispose]();
      return { refusal: undefined, log };
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return { refusal: error.message.replaceAll(directory, ''), log };
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

const finder = (options: object) => ({ outbound: { use: './finder.mjs', ...options } });

describe('the filters of a configuration', () => {
  it('are refused for an error among their rules, with the place in the file', async () => {
    const message = 'this goes round';
    const { refusal, log } = await load(finder({ findings: [{ severity: 'error', code: 'possible_loop', message }] }));
    expect(refusal).toMatch(/^\/c\.json:8:4: this goes round \(at filters\.outbound\.findings\)$/);
    expect(log).toEqual([]);
  });

  it('run with a loop of tuples, as before, and the log says so with an example', async () => {
    const filters = { outbound: { use: RE, rules: [OUT] }, inbound: { use: RE, rules: [BACK] } };
    const { refusal, log } = await load(filters, { listened_topics: ['site/#'] });
    expect(refusal).toBeUndefined();
    expect(log).toEqual([
      expect.stringMatching(
        /^error \/c\.json:9:5: an event that goes out comes back in .*"switch:\w+_light" → "site\/\w+\/light"/,
      ),
    ]);
  });

  it('are logged with the place of what is worth a warning; what is worth knowing is for debugging', async () => {
    const findings = ['warning', 'info'].map((severity) => ({ severity, code: 'x', message: `a ${severity}` }));
    const { refusal, log } = await load(finder({ findings }));
    expect(refusal).toBeUndefined();
    expect(log).toEqual([
      'warn /c.json:8:4: a warning (at filters.outbound.findings)',
      'debug /c.json:8:4: a info (at filters.outbound.findings)',
    ]);
  });

  it('are logged as a warning where something was not looked at', async () => {
    const { log } = await load(finder({ findings: [{ severity: 'info', code: 'incomplete', message: 'no time' }] }));
    expect(log).toEqual(['warn /c.json:8:4: no time (at filters.outbound.findings)']);
  });

  it('fill the log with no more than ten warnings of a code; the rest is for debugging', async () => {
    const warnings = (count: number, code: string) =>
      Array.from({ length: count }, (_, index) => ({ severity: 'warning', code, message: `${code} ${index}` }));
    const { log } = await load(finder({ findings: [...warnings(12, 'many'), ...warnings(10, 'some')] }));
    const logged = log.map((line) => line.replace(/\/c.json:8:4: | \(at .*/g, ''));
    const lines = (code: string, from: number, to: number, level: string) =>
      Array.from({ length: to - from }, (_, index) => `${level} ${code} ${from + index}`);
    expect(logged).toEqual([
      ...lines('many', 0, 10, 'warn'),
      'warn and 2 more of this kind (many): -L DEBUG shows them',
      ...lines('many', 10, 12, 'debug'),
      ...lines('some', 0, 10, 'warn'),
    ]);
  });

  it('of the example of a box are worth no warning', async () => {
    const box = ConfigurationFile.read(join(import.meta.dirname, '../../../examples/box.yaml'));
    const { filters, listened_topics, qos } = box.content as Record<string, unknown>;
    const { refusal, log } = await load(filters, { listened_topics, qos });
    expect(refusal).toBeUndefined();
    expect(log).toContainEqual(expect.stringMatching(/^debug .*"site\/energy\/alarm"/));
    expect(log.filter((line) => !line.startsWith('debug '))).toEqual([]);
  });

  it('load all the same when their analysis throws, ends its thread, fills its memory or gives nonsense', async () => {
    for (const [run, why] of [
      ['throw new Error("no idea")', 'no idea'],
      ['process.exit()', 'it ended without an answer'],
      ['const all = []; for (;;) all.push(new Array(1e5).fill(all.length))', 'memory'],
    ]) {
      const { refusal, log } = await load(finder({ run }));
      expect(refusal).toBeUndefined();
      expect(log).toEqual([
        expect.stringMatching(/^warn \/c\.json:6:3: the rules of '\.\/finder\.mjs' could not be looked at together: /),
      ]);
      expect(log[0]).toContain(why);
    }
    const { log } = await load(finder({ findings: [{ message: 5 }] }));
    expect(log).toEqual([expect.stringContaining('it gave no list of findings')]);
  });

  it('of several modules are looked at by each; one says nothing about subscriptions that another may need', async () => {
    const rules = [['temperature:bed', 'x']];
    const inbound = { use: RE, rules: [['site/a$', [['a', 'b']]]] };
    const listened = { listened_topics: ['site/a', 'site/b'] };
    const alone = await load({ outbound: { use: RE, rules }, inbound }, listened);
    expect(alone.log).toEqual([
      expect.stringMatching(/^warn .*takes longer texts/),
      expect.stringMatching(/^warn .*no inbound rule can match/),
    ]);
    const other = await load({ outbound: { use: './finder.mjs' }, inbound: { use: './finder.mjs' } }, listened);
    expect(other.log).toEqual([]);
    const both = await load({ outbound: { use: './finder.mjs' }, inbound }, listened);
    expect(both.log).toEqual([
      `info /c.json:5:2: loops between filters of ./finder.mjs and ${RE} are not looked at (at filters)`,
      expect.stringMatching(/^warn .*no inbound rule can match/),
    ]);
  });
});
