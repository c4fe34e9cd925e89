import { spawn } from 'node:child_process';
import { type Crossing, type Explanation, type MQTTMessage, silentLogger, TimedEvent } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import { CLI, Daemon, run, workplace } from '../../test/daemon.js';
import { loadGateway } from '../load-gateway.js';
import { rehearsalOf } from '../rehearsal-of.js';
import { paintFor } from '../terminal.js';
import { adviceFor } from './advice.js';
import { explainJson } from './explain-json.js';
import { explainText } from './explain-text.js';

const NOON = 1_800_000_000_000;
const RE = '@cstbox/mqtt-filters-re';
const RULES = [
  { match: 'temperature:(?P<room>\\w+)', channel: 'sysmon', topic: 'system/{room}' },
  { match: 'temperature:(?P<room>\\w+)', when: { value: { gt: 30 } }, topic: 'hot/{room}' },
  {
    match: 'temperature:(?P<room>\\w+)(?:/(?P<floor>\\d))?',
    topic: 'site/{room}/temperature',
    qos: 0,
    retain: true,
    expiry: 600,
    throttle: 10,
    on_backlog: 'latest',
    user_properties: { room: '{room}' },
  },
  ['any:(?P<name>.*)$', 'any/{name}'],
];
const INBOUND = [
  ['site/nursery/', []],
  ['site/(?P<room>\\w+)/set/light$', [['switch', '{room}_light']]],
];
const HOUSE = {
  broker: { host: 'localhost', client_id: 'box' },
  listened_topics: ['site/#'],
  filters: { outbound: { use: RE, rules: RULES }, inbound: { use: RE, rules: INBOUND } },
};

/** Loads a configuration, and explains by it. */
async function explainBy(configuration: object, files: Record<string, string> = {}) {
  await using place = await workplace();
  for (const [name, text] of Object.entries(files)) await place.file(name, text);
  const path = await place.file('gateway.json', configuration);
  const loaded = await loadGateway(path, { logger: () => silentLogger, environment: {} });
  const rehearsal = rehearsalOf(loaded, () => NOON);
  const show = (explanation: Explanation<Crossing>, all = false) => {
    const advice = adviceFor(explanation.crossing, rehearsal);
    const paint = paintFor({ write() {} }, {});
    const text = explainText(explanation, advice, { paint, all, now: NOON, redact: loaded.secrets.redact });
    return { lines: text.trimEnd().split('\n'), json: JSON.parse(explainJson(explanation, advice, NOON)) };
  };
  return {
    event: (variable: string, data = {}, { channel = 'sensor', all = false } = {}) => {
      const [type = '', ...name] = variable.split(':');
      return show(rehearsal.explainEvent(channel, new TimedEvent(NOON, type, name.join(':'), data)), all);
    },
    message: (topic: string, payload = 'on', more: Partial<MQTTMessage> = {}) =>
      show(rehearsal.explainMessage({ topic, payload: Buffer.from(payload), qos: 1, retain: false, ...more })),
  };
}

describe('an event, explained', () => {
  it('shows each rule in order, why it does not decide or what it captured, and what goes out', async () => {
    const { event } = await explainBy(HOUSE);
    const { lines, json } = event('temperature:kitchen', { value: 21 });
    expect(lines).toEqual([
      '@cstbox/mqtt-filters-re decides',
      '  0  channel     temperature:(?P<room>\\w+) on sysmon',
      '                 it is for sysmon, and the event came on sensor',
      '                 room = kitchen',
      '  1  condition   temperature:(?P<room>\\w+) when {"value":{"gt":30}}',
      '                 value is 21, and must be {"gt":30}',
      '                 room = kitchen',
      '  2  decides     temperature:(?P<room>\\w+)(?:/(?P<floor>\\d))?',
      '                 room = kitchen',
      '                 floor = (took no part)',
      '  3  not reached any:(?P<name>.*)$',
      '',
      'goes out',
      '     topic       site/kitchen/temperature',
      '     payload     {"timestamp":1800000000000,"var_type":"temperature","var_name":"kitchen","data":{"value":21}}',
      '     QoS         0, retained',
      '     expires     after 600 s',
      '     property    room = kitchen',
      '     property    mqttgw-hops = 1',
      '     property    mqttgw-origin = box',
      '     throttle    one per topic in 10 s',
      '     backlog     in an outage only the newest of its topic is kept',
    ]);
    expect(json).toMatchObject({
      direction: 'out',
      outcome: 'accepted',
      rule: 'temperature:(?P<room>\\w+)(?:/(?P<floor>\\d))?',
      message: { topic: 'site/kitchen/temperature', qos: 0, retain: true, expiry: 600, throttle: 10 },
      filters: [
        { filter: RE, outcome: 'decides', rules: [{ outcome: 'channel' }, {}, { groups: { room: 'kitchen' } }, {}] },
      ],
    });
  });

  it('says why nothing goes out, and what to do', async () => {
    const { event } = await explainBy(HOUSE);
    const why = (...asked: Parameters<typeof event>) => event(...asked).lines.slice(-3);
    expect(why('energy:meter')).toEqual([
      'stays in',
      '     why         no rule takes it',
      '     to do       add a rule whose regex matches <varType>:<varName>',
    ]);
    expect(why('temperature:x', {}, { channel: 'framework' }).join('')).toMatch(
      /sensor, control, sysmon {5}to do {7}name it in channels of the filter/,
    );
  });

  it('shows of many rules those that match, and how many do not', async () => {
    const many = Array.from({ length: 40 }, (_, n) => [`rule${n}:(?P<name>.*)`, `n${n}/{name}`]);
    const { event } = await explainBy({
      ...HOUSE,
      filters: { outbound: { use: RE, rules: [...many.slice(0, 30), ['rule30:boiler', 'boiler'], ...many.slice(30)] } },
    });
    expect(event('rule30:boiler').lines).toEqual([
      '@cstbox/mqtt-filters-re decides',
      ' 30  decides     rule30:boiler',
      '     no match    30 rules (--all shows them)',
      '     not reached 10 rules (--all shows them)',
      '',
      'goes out',
      '     topic       boiler',
      expect.stringContaining('payload'),
      '     QoS         1, not retained',
    ]);
    expect(event('rule30:boiler', {}, { all: true }).lines.length).toBeGreaterThan(41);
  });

  it('goes through several filters, and shows of a foreign one its answer', async () => {
    const foreign = `export const createOutboundFilter = () => ({
      channels: ['sensor'], getMqttTopic: (_t, type) => (type === 'alarm' ? 'alarms' : null), makePayload: () => '\\x1b[2J'
    });`;
    const configuration = {
      ...HOUSE,
      filters: { outbound: [{ use: RE, channels: ['control'], rules: RULES.slice(3) }, { use: './foreign.js' }] },
    };
    const { event } = await explainBy(configuration, { 'foreign.js': foreign, 'package.json': '{"type":"module"}' });
    expect(event('alarm:boiler').lines).toEqual([
      '@cstbox/mqtt-filters-re does not listen to this channel',
      '',
      './foreign.js decides',
      '                 it does not say why',
      '',
      'goes out',
      '     topic       alarms',
      '     payload     \\x1b[2J',
      '     QoS         1, not retained',
    ]);
    expect(event('any:x', {}, { channel: 'control' }).lines).toContain('./foreign.js is not asked');
  });
});

describe('a secret', () => {
  it('is not shown, where a line ends within it, or a long text is cut', async () => {
    const password = 'not for the eyes of anybody';
    const { event } = await explainBy({ ...HOUSE, auth: { username: 'box', password } });
    const shown = (data: string) => event('any:x', { value: data }).lines.join('\n');
    for (let n = 0; n < 70; n++) expect(shown(`${'x '.repeat(n)}${password}`)).not.toMatch(/not for|anybody/);
    for (let n = 1_880; n < 1_930; n += 10) expect(shown(`${'x'.repeat(n)}${password}`)).not.toContain('not for');
  });
});

describe('a message, explained', () => {
  it('shows the rule that decides, and the events that it becomes', async () => {
    const { message } = await explainBy(HOUSE);
    expect(message('site/kitchen/set/light').lines).toEqual([
      '@cstbox/mqtt-filters-re decides',
      '  0  no match    site/nursery/',
      '  1  decides     site/(?P<room>\\w+)/set/light$',
      '                 room = kitchen',
      '',
      'comes in',
      '     control     switch:kitchen_light {"value":"on"}',
    ]);
  });

  it('says why it stays out, and what to do', async () => {
    const { message } = await explainBy(HOUSE);
    const why = (...asked: Parameters<typeof message>) => {
      const { json } = message(...asked);
      return `${json.why} | ${json.remedy}`;
    };
    expect(why('site/nursery/x')).toBe('the rule blocks it | put a rule that takes it before this one');
    expect(why('site/x')).toBe('no rule takes it | add a rule whose regex matches the topic');
    expect(why('other')).toBe(
      'no subscription brings this topic; there are site/# | add it to listened_topics, or an inbound rule for it',
    );
    expect(why('site/a/set/light', 'on', { retain: true })).toMatch(/^retained: .* \| .*commands\.retained/);
  });
});

describe('mqttgwd explain', () => {
  it('takes variables with colons, payloads from standard input, and says what it does not understand', async () => {
    await using place = await workplace();
    const path = await place.file('gateway.json', HOUSE);
    const explain = (...args: string[]) => run(['-c', path, 'explain', ...args]);
    const [colons, odd, wild, json] = await Promise.all([
      explain('event', 'any:a:b', '--json'),
      explain('event', 'temperature'),
      explain('message', 'site/+'),
      explain('event', 'any:x', '--data', '{value: 1}'),
    ]);
    expect(JSON.parse(colons.printed)).toMatchObject({ message: { topic: 'any/a:b' } });
    expect(colons.code).toBe(0);
    expect([odd.code, wild.code, json.code]).toEqual([64, 64, 64]);
    expect(odd.printed).toContain('A variable is written as <varType>:<varName>, as in temperature:kitchen.');
    expect(wild.printed).toContain('No message has this topic');
    expect(json.printed).toContain('It is no JSON');

    const args = [CLI, '-c', path, 'explain', 'message', 'site/a/set/light', '-', '--json'];
    await using asked = new Daemon(spawn(process.execPath, args));
    asked.child.stdin?.end('{"value": "dimmed"}');
    expect(await asked.exited).toBe(0);
    expect(JSON.parse(asked.printed)).toMatchObject({ events: [{ data: { value: 'dimmed' } }] });
  });
});
