import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEventManager, DBusEventBus, DBusLink } from '@cstbox/dbus-bus';
import { MQTTConnector, makeBasicEvent } from '@cstbox/mqtt-core';
import { dbusDaemonMissing, freePort, startBroker, startBus, waitFor } from '@cstbox/test-peers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processesOf } from './testing/processes-of.js';
import { run } from './testing/run.js';

const TIMEOUT_MS = 30_000;

describe('core-only', { timeout: TIMEOUT_MS }, () => {
  it('brings its event to the broker, and ends by itself', async () => {
    await using broker = await startBroker();
    await using subscriber = new MQTTConnector({ broker: broker.url, topics: ['house/#'] });
    const messages: [topic: string, payload: unknown][] = [];
    subscriber.onMessage = (_client, _userData, { topic, payload }) => {
      messages.push([topic, JSON.parse(Buffer.from(payload).toString())]);
    };
    await subscriber.run();
    await using program = run('core-only', [broker.url]);
    expect(await program.exit).toBe(0);
    await waitFor('the message', () => messages.length > 0);
    const data = { value: 21.5, unit: 'degC' };
    const payload = { timestamp: expect.any(Number), var_type: 'temperature', var_name: 'kitchen', data };
    expect(messages).toEqual([['house/kitchen/temperature', payload]]);
  });
});

describe('several-filters', { timeout: TIMEOUT_MS }, () => {
  it('asks one after the other, and has counts of each', async () => {
    await using broker = await startBroker();
    await using program = run('several-filters', [broker.url]);
    expect(await program.exit).toBe(0);
    expect(program.output.stdout.trim().split('\n')).toEqual([
      'Alarms received 3, forwarded 1, filtered 2, dropped 0, waiting 0',
      'House received 2, forwarded 1, filtered 0, dropped 1 (private 1), waiting 0',
    ]);
  });
});

describe('live-change', { timeout: TIMEOUT_MS }, () => {
  it('goes on with another filter, and stays as it is when something is wrong', async () => {
    await using broker = await startBroker();
    await using subscriber = new MQTTConnector({ broker: broker.url, topics: ['#'] });
    const topics: string[] = [];
    subscriber.onMessage = (_client, _userData, { topic }) => void topics.push(topic);
    await subscriber.run();
    await using program = run('live-change', [broker.url]);
    expect(await program.exit).toBe(0);
    await waitFor('both messages', () => topics.length >= 2);
    expect(topics).toEqual(['house/kitchen', 'flat/kitchen']);
    expect(program.output.stdout.trim().split('\n')).toEqual([
      'keepAlive is a number of seconds from 0 to 65535, not -1',
      'received 2, forwarded 2, filtered 0, dropped 0, waiting 0',
    ]);
  });
});

describe('publish-rules', { timeout: TIMEOUT_MS }, () => {
  it('publishes as its rule says, and has counts of each rule', async () => {
    await using broker = await startBroker();
    await using subscriber = new MQTTConnector({ broker: broker.url, topics: ['house/#'] });
    const messages: [qos: number, value: unknown][] = [];
    subscriber.onMessage = (_client, _userData, { payload, qos }) => {
      messages.push([qos, JSON.parse(Buffer.from(payload).toString()).data.value]);
    };
    await subscriber.run();
    await using program = run('publish-rules', [broker.url]);
    expect(await program.exit).toBe(0);
    await waitFor('both messages', () => messages.length >= 2);
    expect(messages).toEqual([
      [2, 100],
      [2, 300],
    ]);
    expect(program.output.stdout.trim().split('\n')).toEqual([
      'badges stay in: received 1, forwarded 0, filtered 1, dropped 0, waiting 0',
      'power: received 3, forwarded 2, filtered 0, dropped 1 (throttled 1), waiting 0',
    ]);
  });
});

describe('rule-schemas', { timeout: TIMEOUT_MS }, () => {
  it('writes the JSON Schema of the rules of each direction', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rule-schemas-'));
    try {
      await using program = run('rule-schemas', [], {}, directory);
      expect(await program.exit).toBe(0);
      const keysOf = async (direction: string) => {
        const text = await readFile(join(directory, `${direction}-rule.schema.json`), 'utf8');
        return Object.keys(JSON.parse(text).properties);
      };
      expect(await keysOf('outbound')).toContain('topic');
      expect(await keysOf('inbound')).toContain('emit');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('durable-outbox', { timeout: TIMEOUT_MS }, () => {
  it('sends in its second run, in order, what its first could not', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'durable-outbox-'));
    try {
      const port = await freePort();
      await using first = run('durable-outbox', [`mqtt://127.0.0.1:${port}`, directory]);
      expect(await first.exit).toBe(0);
      expect(first.output.stdout).toContain('kept for the next start');
      const between = Date.now();

      await using broker = await startBroker({ port });
      await using subscriber = new MQTTConnector({ broker: broker.url, topics: ['house/#'] });
      const dates: number[] = [];
      subscriber.onMessage = (_client, _userData, { payload }) =>
        void dates.push(JSON.parse(Buffer.from(payload).toString()).timestamp);
      await subscriber.run();
      await using second = run('durable-outbox', [broker.url, directory]);
      expect(await second.exit).toBe(0);
      await waitFor('both events', () => dates.length >= 2);
      expect(dates.map((date) => date < between)).toEqual([true, false]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('filters-re', { timeout: TIMEOUT_MS }, () => {
  it('prints what its comments say', async () => {
    await using program = run('filters-re');
    expect(await program.exit).toBe(0);
    expect(program.output.stdout.trim().split('\n')).toEqual([
      'house/kitchen/temperature',
      'null',
      'control {"varType":"switch","varName":"attic_light","data":{"value":"on","by":"Ann"}}',
      'null',
    ]);
  });
});

describe.skipIf(dbusDaemonMissing())('dbus-client', { timeout: TIMEOUT_MS }, () => {
  it('emits on the sensor channel, hears the control channel, and ends when it is told to', async () => {
    await using bus = await startBus();
    await using served = new DBusLink({ address: bus.address });
    await using manager = createEventManager(served);
    await manager.start();
    await using ours = new DBusLink({ address: bus.address });
    await ours.run();
    const events = new DBusEventBus(ours);
    const heard: string[] = [];
    await events.subscribe(['sensor'], { event: (_, { varName }) => heard.push(varName), malformed() {} });
    await using program = run('dbus-client', [], { DBUS_SESSION_BUS_ADDRESS: bus.address });
    await waitFor('its event', () => heard.length > 0, 15_000);
    expect(heard).toEqual(['kitchen']);
    await events.emit('control', makeBasicEvent('switch', 'kitchen_light', 'on'));
    await program.wrote(/^control switch kitchen_light \{ value: 'on' \}$/m);
    program.process.kill('SIGTERM');
    expect(await program.exit).toBe(0);
  });
});

describe('the demo', { timeout: TIMEOUT_MS }, () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'demo-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const leftovers = async () => [...(await readdir(directory)), ...(await processesOf(directory))];

  it('ends by itself when enough events have reached the broker', async () => {
    await using demo = run('demo', ['--events', '20'], { TMPDIR: directory });
    expect(await demo.exit).toBe(0);
    const { stdout, stderr } = demo.output;
    expect(stderr).toBe('');
    expect(stdout).not.toContain('\x1b');
    expect(stdout.includes('DBUS_SESSION_BUS_ADDRESS')).toBe(!dbusDaemonMissing());
    expectBalancedBooks(stdout, 20);
    expectCommandAndAnswer(stdout);
    expect(stdout).toMatch(/ – {3}sensor {2}energy:meter +[\d.]+ kWh: no rule for it, it stays in\n/);
    expect(await leftovers()).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('stops in order at %s', async (signal) => {
    await using demo = run('demo', [], { TMPDIR: directory });
    await demo.wrote(/ out sensor.* out sensor/s);
    expect((await leftovers()).length > 0).toBe(!dbusDaemonMissing());
    const before = performance.now();
    demo.process.kill(signal);
    expect(await demo.exit).toBe(0);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(demo.output.stderr).toBe('');
    expectBalancedBooks(demo.output.stdout, 1);
    expect(await leftovers()).toEqual([]);
  });

  it('says in one line that dbus-daemon is missing, and does the same without it', async () => {
    await using demo = run('demo', ['--events', '20'], { TMPDIR: directory, PATH: directory });
    expect(await demo.exit).toBe(0);
    const { stdout, stderr } = demo.output;
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^dbus-daemon is not installed: install the package .*\n/);
    expect(stdout.match(/not installed/g)).toHaveLength(1);
    expect(stdout).not.toContain('DBUS_SESSION_BUS_ADDRESS');
    expectBalancedBooks(stdout, 20);
    expectCommandAndAnswer(stdout);
  });

  it('explains itself, and refuses what it does not know', async () => {
    await using help = run('demo', ['--help']);
    expect(await help.exit).toBe(0);
    expect(help.output.stdout).toContain('--events N');
    await using wrong = run('demo', ['--events', 'many']);
    expect(await wrong.exit).toBe(64);
    expect(wrong.output.stderr).toMatch(/^demo: --events takes a number/);
  });
});

const COUNTS = /^(.+): received (\d+), forwarded (\d+), filtered (\d+), dropped (\d+)(?: \(.*\))?, waiting (\d+)$/gm;

function expectBalancedBooks(stdout: string, atLeast: number): void {
  const books = [...stdout.matchAll(COUNTS)];
  expect(books.map(([, direction]) => direction)).toEqual(['bus to MQTT', 'MQTT to bus']);
  for (const [line, , ...counts] of books) {
    const [received, forwarded, filtered, dropped, waiting] = counts.map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    expect({ line, received }).toEqual({ line, received: forwarded + filtered + dropped + waiting });
    expect({ line, dropped, waiting }).toEqual({ line, dropped: 0, waiting: 0 });
  }
  expect(Number(books[0]?.[3])).toBeGreaterThanOrEqual(atLeast);
}

/** A command came in, and afterwards the new state of the actuator left. */
function expectCommandAndAnswer(stdout: string): void {
  expect(stdout).toMatch(
    / in {2}site\/kitchen\/set\/light +on +→ control switch:kitchen_light +on\n.*? out sensor {2}switch:kitchen_light +on +→ site\/kitchen\/light /s,
  );
}
