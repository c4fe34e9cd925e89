import { silentLogger } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import { workplace } from '../../test/daemon.js';
import { loadGateway } from '../load-gateway.js';
import { rehearsalOf } from '../rehearsal-of.js';
import { paintFor } from '../terminal.js';
import { Replay } from './replay.js';
import { replayJson } from './replay-json.js';
import { replayText } from './replay-text.js';

const RE = '@cstbox/mqtt-filters-re';
const HEADER = { mqttgwd_recording: 1, at: 0, part: 0, version: '0', channels: [], topics: [] };
const event = (at: number, variable: string, data: object = { value: 1 }, channel = 'sensor') => {
  const [type, name] = variable.split(':');
  return { at, bus: { channel, timestamp: at, var_type: type, var_name: name, data } };
};
const message = (at: number, topic: string, payload = 'on') => ({
  at,
  mqtt: { topic, payload, qos: 1, retain: false },
});

/** Plays files to a configuration with these rules, and compares with one that has others. */
async function play(
  files: Record<string, readonly (object | string)[]>,
  rules: { outbound?: unknown[]; inbound?: unknown[] },
  against?: { outbound?: unknown[]; inbound?: unknown[] },
  { maxExamples = 1, redact = (text: string) => text } = {},
) {
  await using place = await workplace();
  const clock = { now: 0 };
  const load = async (name: string, { outbound = [], inbound = [] }: typeof rules) => {
    const path = await place.file(name, {
      broker: { host: 'localhost', client_id: 'box' },
      listened_topics: ['in/#'],
      filters: { outbound: { use: RE, rules: outbound }, inbound: { use: RE, rules: inbound } },
    });
    const loaded = await loadGateway(path, { logger: () => silentLogger, environment: {} });
    return rehearsalOf(loaded, () => clock.now);
  };
  const rehearsal = await load('new.json', rules);
  const options = { rehearsal, against: against && (await load('old.json', against)), clock, maxExamples, redact };
  const paths: string[] = [];
  for (const [name, lines] of Object.entries(files)) {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
    paths.push(await place.file(name, `${text}\n`));
  }
  const report = await new Replay(options).play(paths);
  const style = { paint: paintFor({ write() {} }, {}), compared: against !== undefined, redact };
  return {
    report,
    text: replayText(report, style).replaceAll(place.directory, ''),
    json: JSON.parse(replayJson(report)),
  };
}

const differencesOf = ({ report }: Awaited<ReturnType<typeof play>>, direction: 'in' | 'out' = 'out') =>
  report[direction].differences.map(({ key, count, examples: [first] }) =>
    [count, key[0], first?.what, first?.old, '→', first?.now].join(' '),
  );

describe('a recording, played to two configurations', () => {
  it('shows what goes out differently: added, lost, elsewhere, with another payload, QoS, or terms', async () => {
    const old = [
      { match: 'a:', topic: 'a' },
      { match: 'b:', topic: 'b' },
      { match: 'd:', topic: 'd' },
      { match: 'e:', topic: 'e' },
      { match: 'f:', topic: 'f' },
      { match: 'same:', topic: 'same' },
    ];
    const now = [
      { match: 'b:', topic: 'b/new', payload: 'value' },
      { match: 'c:', topic: 'c' },
      { match: 'd:', topic: 'd', payload: 'value' },
      { match: 'e:', topic: 'e', retain: true },
      { match: 'f:', topic: 'f', expiry: 5, throttle: 1, on_backlog: 'latest' },
      { match: 'same:', topic: 'same' },
    ];
    const events = ['a', 'b', 'c', 'd', 'e', 'f', 'same', 'none'].map((type, at) => event(at, `${type}:x`));
    const played = await play({ r: [HEADER, ...events, event(9, 'a:y')] }, { outbound: now }, { outbound: old });
    expect(played.report.out).toMatchObject({ records: 9, different: 7 });
    expect(differencesOf(played)).toEqual([
      '2 lost a:x on sensor a → no rule takes it',
      '1 target b:x on sensor b → b/new',
      '1 payload b:x on sensor {"timestamp":1,"var_type":"b","var_name":"x","data":{"value":1}} → 1',
      '1 added c:x on sensor no rule takes it → c',
      '1 payload d:x on sensor {"timestamp":3,"var_type":"d","var_name":"x","data":{"value":1}} → 1',
      '1 delivery e:x on sensor QoS 1, not retained → QoS 1, retained',
      '1 terms f:x on sensor none → expiry, throttle 1 s, latest',
    ]);
    expect(played.text).toContain('not played, since it takes a broker and its absence: throttle (1 messages),');
    expect(played.text.split('\n').filter((line) => line.length > 80)).toEqual([
      expect.stringContaining('{"timestamp":1,'),
      expect.stringContaining('{"timestamp":3,'),
    ]);
    expect(played.json.out.differences[0]).toEqual({
      change: 'lost',
      old: { rule: 'a:', outcome: 'accepted' },
      new: { rule: '', outcome: 'filtered' },
      count: 2,
      examples: [{ at: 0, what: 'a:x on sensor', old: 'a', now: 'no rule takes it' }],
    });
  });

  it('shows what comes in differently', async () => {
    const rule = (match: string, name: string, more = {}) => ({ match, emit: [['switch', name]], ...more });
    const played = await play(
      { r: [HEADER, message(1, 'in/a'), message(2, 'in/b', '1'), message(3, 'in/c'), message(4, 'elsewhere')] },
      { inbound: [rule('in/a', 'lamp'), rule('in/b', 'b', { read: 'text' }), rule('in/c', 'c')] },
      { inbound: [rule('in/a', 'light'), rule('in/b', 'b')] },
    );
    expect(differencesOf(played, 'in')).toEqual([
      '1 target in/a switch:light on control → switch:lamp on control',
      '1 payload in/b {"value":1} → {"value":"1"}',
      '1 added in/c no rule takes it → switch:c on control',
    ]);
    expect(played.report.in.records).toBe(4);
  });

  it('goes by the time of the recording', async () => {
    const limited = (max_age: number) => [
      { match: 'in/', emit: [['switch', 'x']], max_age, rate_limit: { messages: 2, per: 10 } },
    ];
    const dated = (at: number, age: number) => message(at, 'in/x', JSON.stringify({ value: 1, timestamp: at - age }));
    const lines = [dated(1e12, 0), dated(1e12 + 1, 5_000), dated(1e12 + 2, 0), dated(1e12 + 20_000, 0)];
    const played = await play({ r: [HEADER, ...lines] }, { inbound: limited(1) }, { inbound: limited(60) });
    expect(played.json.in.outcomes).toEqual([
      { outcome: 'accepted', rule: 'in/', count: 3 },
      { outcome: 'too_old', rule: 'in/', count: 1 },
    ]);
    expect(differencesOf(played, 'in')).toHaveLength(2);
    const deadband = (width: number) => [{ match: 't:', topic: 't', deadband: width, max_interval: 60 }];
    const events = [20, 20.4, 22, 22].map((value, n) => event(n * 30_000, 't:x', { value }));
    const { report } = await play({ r: [HEADER, ...events] }, { outbound: deadband(1) }, { outbound: deadband(0.1) });
    expect(report.out).toMatchObject({ records: 4, different: 1 });
  });

  it('is read in the order of its files, over what is damaged, and says what is missing', async () => {
    const part = (number: number) => ({ ...HEADER, at: number * 100, part: number });
    const up = (at: number, isUp: boolean) => ({ at, link: { side: 'bus', up: isUp } });
    const played = await play(
      {
        'r.10': [part(10), event(1_001, 'c:x'), '{"at":1002,"bus":{"chan'],
        r: [part(0), up(0, false), up(1, true), event(2, 'a:x'), 'garbage', up(3, false), { at: 4, missed: 3 }],
        'r.2': [part(2), up(200, true), event(201, 'b:x')],
      },
      { outbound: [['b:', 'b']] },
    );
    expect(played.report.files.map((path) => path.split('/').at(-1))).toEqual(['r', 'r.2', 'r.10']);
    expect(played.report).toMatchObject({ from: 2, to: 1_001, missed: 3, gaps: { bus: 1, mqtt: 0 } });
    expect(played.text).toContain('damaged lines: 2 (/r:5, /r.10:3)');
    expect(played.text).toContain('the bus was away once while it was recorded');
    expect(played.text).toContain(
      'bus to MQTT: 3 events\n         2  filtered        no rule takes it\n         1  accepted        b:\n',
    );
  });

  it('is read by the numbers of its files, where the clock was set back', async () => {
    const part = (recording: string, number: number, at: number) => ({ ...HEADER, recording, at, part: number });
    const played = await play(
      {
        later: [part('b', 0, 2_000), event(2_000, 'a:x')],
        'r.10': [part('a', 10, 5_000), event(5_000, 'a:x')],
        'r.9': [part('a', 9, 10), event(10, 'a:x')],
        r: [part('a', 0, 1_000), event(1_000, 'a:x')],
        old: [{ ...HEADER, at: 1_500 }],
      },
      {},
    );
    const names = played.report.files.map((path) => path.split('/').at(-1));
    expect(names).toEqual(['r', 'r.9', 'r.10', 'old', 'later']);
  });

  it('is read however many topics its header names', async () => {
    const topics = Array.from({ length: 10_000 }, (_, n) => `site/room-${n}/set/#`);
    const { report } = await play({ r: [{ ...HEADER, topics }, event(1, 'a:x')] }, {});
    expect(report.out.records).toBe(1);
  });

  it('shows no secret, where a line ends within it, or a long text is cut', async () => {
    const secret = 'not for the eyes of anybody';
    const redact = (text: string) => text.replaceAll(secret, '***');
    const lengths = [...Array.from({ length: 40 }, (_, n) => n), 120, 125, 130, 135, 140];
    const events = lengths.map((n) => event(n, 'a:x', { value: `${'x '.repeat(n)}${secret}` }));
    const rule = { match: `a:|${secret}`, topic: 'a' };
    const { text, json } = await play(
      { r: [HEADER, ...events] },
      { outbound: [{ ...rule, payload: 'value' }] },
      { outbound: [rule] },
      { maxExamples: 100, redact },
    );
    expect(`${text}${JSON.stringify(json.out.differences[0].examples)}`).not.toMatch(/not for|anybody/);
  });

  it('keeps no more examples than it is told', async () => {
    const events = Array.from({ length: 50 }, (_, n) => event(n, 'a:x'));
    const { report } = await play({ r: [HEADER, ...events] }, {}, { outbound: [['a:', 'a']] }, { maxExamples: 3 });
    expect(report.out.differences).toMatchObject([{ count: 50, examples: [{ at: 0 }, { at: 1 }, { at: 2 }] }]);
  });

  it('keeps a bounded number of examples of all differences together', async () => {
    const events = Array.from({ length: 12_000 }, (_, n) => event(n, `${n % 2 ? 'a' : 'b'}:x`));
    const rules = [
      ['a:', 'a'],
      ['b:', 'b'],
    ];
    const { report } = await play({ r: [HEADER, ...events] }, {}, { outbound: rules }, { maxExamples: 10_000 });
    expect(report.out.differences.map(({ count }) => count)).toEqual([6_000, 6_000]);
    expect(report.out.differences.flatMap(({ examples }) => examples)).toHaveLength(10_000);
  });

  it.each([
    [['hello'], 'is no recording of mqttgwd record'],
    [[{ ...HEADER, mqttgwd_recording: 9 }], 'has version 9 of the format, and this mqttgwd knows 1'],
  ])('is refused where it is none: %j', async (lines, why) => {
    await expect(play({ r: lines }, {})).rejects.toThrow(why);
  });
});
