import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type MQTTMessage, makeBasicEvent, silentLogger, TimedEvent } from '@cstbox/mqtt-core';
import { brokerKinds, dbusDaemonMissing, startBus, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { COMMON, Daemon, openHouse, run, workplace } from '../../test/daemon.js';
import { loadGateway } from '../load-gateway.js';
import { record } from './record.js';
import { parseLine, type RecordedLine, toJsonObject } from './recording-format.js';
import { redactedLine } from './redacted-line.js';

const SECRET = 'pl4nted-"secret"';
const OPTIONS = {
  auth: { username: 'box', password: SECRET },
  listened_topics: ['$share/group/site/+/set/#'],
};

describe.skipIf(dbusDaemonMissing())('mqttgwd record and replay', () => {
  it('try a change of rules on what crossed a real house, beside its running gateway', async () => {
    await using house = await openHouse(brokerKinds.at(-1) ?? 'aedes', OPTIONS);
    const { configuration, environment, place, user, broker } = house;
    const path = join(place.directory, 'r.ndjson');
    const args = ['-c', configuration, 'record', '-o', path, '--topic', 'other/#', '--leave-out', '^badge:'];
    await using recorder = Daemon.start(args, environment);
    const text = () => readFile(path, 'utf8').catch(() => '');
    const holds = (part: string) => waitFor(part, async () => (await text()).includes(part), 10_000);
    await holds('"side":"mqtt","up":true');
    await holds('"side":"bus","up":true');

    await house.emitRaw('emitFullEvent', 'tsss', [2n ** 64n - 1n, 'temperature', 'exact', '{"value": 1}']);
    await house.events.emit('sensor', makeBasicEvent('temperature', 'kitchen', 21.5));
    await house.events.emit('sensor', makeBasicEvent('badge', 'door', 'Ann'));
    await house.events.emit('sensor', makeBasicEvent('any', 'note', `it is ${SECRET}`));
    const options = { qos: 1, properties: { userProperties: { token: SECRET }, responseTopic: 'answers' } } as const;
    await user.publish('site/kitchen/set/light', 'on', options);
    await user.publish('other/raw', Buffer.from([0xff, 0, 0x80]), { qos: 0 });
    await waitFor('what the gateway lets out', () => house.messages.some(({ topic }) => topic === 'any/note'));
    await holds('switch');
    await holds('other/raw');
    if (broker.kind === 'mosquitto') {
      await broker.process.kill();
      await broker.process.start();
      await waitFor(
        'the gap',
        async () => ((await text()).match(/"mqtt","up":(false|true)/g)?.length ?? 0) >= 4,
        20_000,
      );
    }
    recorder.child.kill('SIGINT');
    expect(await recorder.exited).toBe(0);
    expect(recorder.printed).toMatch(/recorded: 4 events, 2 messages, \d+ bytes, in .*r\.ndjson\nleft out: 1\n/);
    expect(house.gateway.printed).not.toContain('taken over');

    const recorded = await text();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(recorded).not.toContain('pl4nted');
    const [header, ...lines] = recorded.trimEnd().split('\n');
    expect(JSON.parse(header ?? '')).toMatchObject({
      mqttgwd_recording: 1,
      part: 0,
      channels: ['sensor', 'control', 'sysmon', 'framework'],
      topics: ['site/+/set/#', 'other/#'],
    });
    const parsed = lines.map(parseLine).filter((line) => line !== undefined) as RecordedLine[];
    expect(parsed.length).toBe(lines.length);
    const events = parsed.flatMap((line) => (line.kind === 'bus' ? [line] : []));
    expect(events[0]?.event.timestamp).toBe(2n ** 64n - 1n);
    expect(events.map(({ channel, event }) => `${channel} ${event.varType}:${event.varName} ${event.value}`)).toEqual([
      'sensor temperature:exact 1',
      'sensor temperature:kitchen 21.5',
      'sensor any:note it is ***',
      'control switch:kitchen_light on',
    ]);
    const messages = parsed.flatMap((line) => (line.kind === 'mqtt' ? [line.message] : []));
    expect(messages[1]?.payload).toEqual(Buffer.from([0xff, 0, 0x80]));
    if (broker.kind === 'mosquitto') {
      expect(messages[0]?.properties).toEqual({ userProperties: { token: '***' }, responseTopic: 'answers' });
    }

    const [rule, ...others] = COMMON.filters.outbound.rules as [[string, string], [string, string]];
    const change = async (name: string, rules: unknown[]) =>
      place.file(name, {
        broker: { host: 'nowhere', client_id: 'box-17' },
        ...OPTIONS,
        ...COMMON,
        filters: { ...COMMON.filters, outbound: { ...COMMON.filters.outbound, rules } },
      });
    const moved = await change('moved.json', [[rule[0], 'house/{room}'], ...others]);
    const odd = await place.file('other.txt', 'hello\n');
    const [same, different, foreign, taken] = await Promise.all([
      run(['replay', path, '-c', configuration, '--against', configuration]),
      run(['replay', path, '-c', moved, '--against', configuration]),
      run(['replay', odd, '-c', moved]),
      run(args, environment),
    ]);
    expect(taken).toMatchObject({ code: 73, printed: expect.stringContaining('stays as it is: name another file') });
    expect(foreign).toMatchObject({ code: 74, printed: expect.stringContaining('its first line is no header') });
    expect(same).toMatchObject({ code: 0, printed: expect.stringContaining('bus to MQTT: 4 events, no difference') });
    expect(different.code).toBe(1);
    expect(different.printed).toContain('bus to MQTT: 4 events, 2 differ');
    expect(different.printed).toMatch(
      /2 {2}goes elsewhere {2}temperature:.*\n.*temperature:exact on sensor\n *- site\/exact\/temperature\n *\+ house\/exact\n/,
    );
    expect(different.printed).toContain('MQTT to bus: 2 messages, no difference');
    if (broker.kind === 'mosquitto') expect(different.printed).toContain('the broker was away once');
  }, 60_000);
});

describe.skipIf(dbusDaemonMissing())('a recording that the bus refuses', () => {
  it('leaves no file in the way of the next try', async () => {
    await using bus = await startBus();
    await using place = await workplace();
    const broker = { host: 'localhost', client_id: 'b' };
    const path = await place.file('gateway.json', { broker, ...COMMON });
    const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
    await using loaded = await loadGateway(path, { logger: () => silentLogger, environment });
    // No configuration has such a channel: it stands for whatever a bus refuses.
    const outbound = loaded.outbound.map((filter) => Object.create(filter, { channels: { value: ["x'y"] } }));
    const recording = record(
      { ...loaded, outbound },
      {
        path: join(place.directory, 'r'),
        maxBytes: 10_000,
        files: 1,
        topics: [],
        leaveOut: [],
        clientId: 'recorder',
        environment,
        logger: () => silentLogger,
        signal: AbortSignal.timeout(20_000),
      },
    );
    await expect(recording).rejects.toMatchObject({ code: 'bus_refused' });
    await expect(stat(join(place.directory, 'r'))).rejects.toThrow('ENOENT');
  });
});

describe('a line of a recording', () => {
  const message: MQTTMessage = {
    topic: 'a',
    payload: Buffer.from('x'),
    qos: 2,
    retain: true,
    duplicate: true,
    properties: { userProperties: { a: ['1', '2'] }, correlationData: Buffer.from([1, 2]), messageExpiryInterval: 9 },
  };
  const LINES: RecordedLine[] = [
    { kind: 'bus', at: 1, channel: 'sensor', event: new TimedEvent(5, 'a', 'b:c', { value: null }) },
    { kind: 'bus', at: 1, channel: 'sensor', event: new TimedEvent(2n ** 63n, 'a', 'b', {}) },
    { kind: 'mqtt', at: 1, message },
    { kind: 'mqtt', at: 1, message: { topic: 'a', payload: Buffer.from([0xc0]), qos: 0, retain: false } },
    { kind: 'link', at: 1, side: 'bus', isUp: false },
    { kind: 'missed', at: 1, count: 7 },
  ];

  it.each(LINES)('says what was written: $kind', (line) => {
    expect(parseLine(JSON.stringify(toJsonObject(line)))).toEqual(line);
  });

  it.each([
    '',
    '{"at":1,"bus":{"chan',
    '{}',
    '{"at":1}',
    '{"at":1,"bus":{"channel":"a"}}',
    '{"at":1,"mqtt":{"topic":"a"}}',
    '{"at":1,"mqtt":{"topic":"a","payload":"","qos":0,"retain":false,"properties":{"user_properties":{"mqttgw-hops":5}}}}',
    '{"at":1,"mqtt":{"topic":"a","payload":"","qos":0,"retain":false,"properties":{"user_properties":[]}}}',
    '5',
    '{"at":1,"mqttgwd_recording":1,"part":0,"recording":5}',
  ])('is none: %s', (text) => {
    expect(parseLine(text)).toBeUndefined();
  });

  it('holds no secret, and stays a line, wherever a secret stands', () => {
    const redact = (text: string) => text.replaceAll('4711', '***');
    const event = new TimedEvent(47_110, 'a', 'pin4711', { value: 4711, list: [{ '4711': '4711' }] });
    const line = redactedLine({ kind: 'bus', at: 4711, channel: 'sensor', event }, redact);
    expect(JSON.parse(line).bus).toEqual({
      channel: 'sensor',
      timestamp: 47_110,
      var_type: 'a',
      var_name: 'pin***',
      data: { value: '***', list: [{ '***': '***' }] },
    });
    expect(redactedLine({ kind: 'missed', at: 1, count: 4711 }, redact)).toBe('{"at":1,"missed":4711}\n');
    const raw = Buffer.concat([Buffer.from([0xff]), Buffer.from('4711')]);
    const binary = redactedLine({ kind: 'mqtt', at: 1, message: { ...message, payload: raw } }, redact);
    expect(Buffer.from(JSON.parse(binary).mqtt.payload_base64, 'base64').toString('latin1')).toBe('\xff***');
  });

  it('holds no secret in Base64: of correlation data, of bytes around one that is not ASCII', () => {
    const secret = 'gr\u00fcn-4711';
    const redact = (text: string) => text.replaceAll(secret, '***');
    const payload = Buffer.concat([Buffer.from([0xff]), Buffer.from(secret)]);
    const properties = { correlationData: Buffer.from(`q-${secret}`) };
    const line = redactedLine({ kind: 'mqtt', at: 1, message: { ...message, payload, properties } }, redact);
    const read = parseLine(line) as Extract<RecordedLine, { kind: 'mqtt' }>;
    expect(Buffer.from(read.message.payload).toString()).toBe('\ufffd***');
    expect(Buffer.from(read.message.properties?.correlationData ?? []).toString()).toBe('q-***');
  });

  it.each(['sensor', 'channel', 'data', 'timestamp'])('keeps what replay goes by, where a secret is %s', (secret) => {
    const redact = (text: string) => text.replaceAll(secret, '***');
    const event = new TimedEvent(5, 'a', secret, { value: 1 });
    const line = redactedLine({ kind: 'bus', at: 1, channel: 'sensor', event }, redact);
    expect(parseLine(line)).toMatchObject({
      channel: 'sensor',
      event: { timestamp: 5, varName: '***', data: { value: 1 } },
    });
  });
});
