import { rm, utimes } from 'node:fs/promises';
import { GATEWAY, type ReloadReport, type StatusReport } from '@cstbox/dbus-bus';
import { type Counts, makeBasicEvent } from '@cstbox/mqtt-core';
import { brokerKinds, dbusDaemonMissing, startBroker, stopProcess, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { COMMON, Daemon, openHouse, run } from '../test/daemon.js';

type House = Awaited<ReturnType<typeof openHouse>>;
const KIND = brokerKinds.includes('mosquitto') ? 'mosquitto' : 'aedes';
const use = '@cstbox/mqtt-filters-re';

/** What the gateway answers to a call without arguments. */
async function ask<T>(house: Pick<House, 'connection'>, member: 'getStatus' | 'reload'): Promise<T> {
  const call = { destination: GATEWAY, path: '/service', interface: GATEWAY, member, timeoutMs: 30_000 };
  const [text] = await house.connection.call(call);
  return JSON.parse(text as string) as T;
}

/** The house's configuration with some keys in place of its own. */
function configure(house: House, changes: object): Promise<string> {
  const broker = { host: house.broker.host, port: house.broker.port, client_id: 'box-17' };
  return house.place.file('gateway.json', { broker, listened_topics: ['site/+/set/#'], ...COMMON, ...changes });
}

/** Rules under a name that shows in what they make. */
function rules(name: string) {
  return {
    listened_topics: ['site/+/set/#', `only/${name}`],
    filters: {
      outbound: { use, rules: [['temperature:(?P<room>[a-z0-9]+)$', `site/{room}/${name}`]] },
      inbound: { use, rules: [['site/(?P<room>[a-z0-9]+)/set/light$', [['switch', `{room}_${name}`]]]] },
    },
  };
}

function isBalanced({ received, forwarded, filtered, dropped, waiting }: Counts): boolean {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return received === forwarded + filtered + lost + waiting && waiting >= 0;
}

function unbalanced({ counts: { out, in: into } }: StatusReport): readonly Counts[] {
  return [out, into].flatMap((each) => [each, ...each.filters, ...each.rules]).filter((each) => !isBalanced(each));
}

describe.skipIf(dbusDaemonMissing())('a reload', () => {
  it('loses, doubles and reorders nothing under load, and the counts add up all the while', async () => {
    await using house = await openHouse(KIND, rules('r0'));
    const values: number[] = [];
    const commands: number[] = [];
    const seen = new Set<string>();
    await house.events.subscribe(['control'], {
      event: (_channel, { varName, value }) => {
        commands.push(value as number);
        seen.add(varName);
      },
      malformed() {},
    });
    let isOver = false;
    let [sent, commanded] = [0, 0];
    const emit = async () => {
      while (!isOver) await house.events.emit('sensor', makeBasicEvent('temperature', 'hall', sent++));
    };
    const command = async () => {
      while (!isOver) await house.user.publish('site/hall/set/light', `${commanded++}`, { qos: 1 });
    };
    const load = Promise.all([emit(), emit(), emit(), command(), command()]);
    const goOn = async () => {
      const [from, commandsFrom] = [sent, commanded];
      await waitFor('more of both', () => sent > from + 100 && commanded > commandsFrom + 50, 15_000);
    };
    for (let time = 1; time <= 11; time++) {
      await goOn();
      expect(unbalanced(await ask<StatusReport>(house, 'getStatus'))).toEqual([]);
      if (time === 6) {
        await configure(house, { ...rules('r5'), qos: 7, filters: { outbound: { use, rules: [['(', 'x']] } } });
        const refused = await ask(house, 'reload').catch((error: Error) => error);
        expect(refused).toMatchObject({ errorName: `${GATEWAY}.Error.Configuration` });
        expect(String(refused)).toMatch(/gateway\.json:\d+:\d+: .*\n.*gateway\.json:\d+:\d+: /);
        expect(house.gateway.printed).toContain('[E] Configuration > the configuration is not taken');
        const { code, printed } = await run(['reload', '--json'], house.environment);
        expect(code).toBe(78);
        const { error } = JSON.parse(printed.match(/^\{"error".*$/m)?.[0] ?? '{}');
        expect(error).toMatchObject({ code: 'configuration', message: expect.stringContaining('qos') });
        expect(error.problems.length).toBe(error.message.split('\n').length);
        expect(error.problems.length).toBeGreaterThan(1);
      } else {
        await configure(house, rules(`r${time}`));
        expect(await ask<ReloadReport>(house, 'reload')).toEqual({
          changed: expect.arrayContaining(['listened_topics', 'filters.outbound', 'filters.inbound']),
          restartNeeded: [],
          warnings: [expect.stringMatching(/gateway\.json:\d+:\d+: no inbound rule can match/)],
        });
      }
    }
    await goOn();
    isOver = true;
    await load;
    const temperatures = () => house.messages.filter(({ topic }) => /^site\/hall\/r\d+$/.test(topic));
    await waitFor('all', () => temperatures().length >= sent && commands.length >= commanded, 15_000);
    values.push(...temperatures().map(({ text }) => JSON.parse(text).data.value));
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
    expect(values).toEqual(numbers(sent));
    expect(commands).toEqual(numbers(commanded));
    expect(seen.size).toBe(11);
    expect(new Set(temperatures().map(({ topic }) => topic)).size).toBe(11);
    const status = await ask<StatusReport>(house, 'getStatus');
    expect(unbalanced(status)).toEqual([]);
    expect(status.counts).toMatchObject({
      out: { received: sent + commanded, forwarded: sent, filtered: commanded, dropped: {} },
      in: { received: commanded, forwarded: commanded },
    });
    expect(sent).toBeGreaterThan(1_200);
    expect(house.gateway.printed.match(/connected to mqtt/g)).toHaveLength(1);
  }, 60_000);

  it('takes effect in an outage as well: what waits goes where the old rules sent it', async () => {
    await using house = await openHouse(KIND, { outbox: { durability: 'memory' } });
    await using proxy = await TcpProxy.start(house.broker.port);
    const emit = (value: number) => house.events.emit('sensor', makeBasicEvent('temperature', 'hall', value));
    const broker = { host: '127.0.0.1', port: proxy.port, client_id: 'box-17', retry: { min: 0.05, max: 0.1 } };
    await configure(house, { broker, outbox: { durability: 'memory' } });
    expect(await ask<ReloadReport>(house, 'reload')).toEqual({
      changed: expect.arrayContaining(['broker.port']),
      restartNeeded: [],
      warnings: [],
    });
    await emit(0);
    await waitFor('the first', () => house.messages.length === 1);
    proxy.refuse();
    proxy.cut();
    await house.gateway.says('lost the connection');
    await emit(1);
    await configure(house, { ...rules('later'), broker, outbox: { durability: 'spill', directory: 'elsewhere' } });
    const { code, printed } = await run(['reload', '--json'], house.environment);
    expect([code, JSON.parse(printed)]).toEqual([
      0,
      expect.objectContaining({ restartNeeded: ['outbox.durability', 'outbox.directory'] }),
    ]);
    await emit(2);
    proxy.accept();
    await waitFor('all', () => house.messages.length === 3, 15_000);
    expect(house.messages.map(({ topic }) => topic)).toEqual([
      'site/hall/temperature',
      'site/hall/temperature',
      'site/hall/later',
    ]);
  });

  it('is refused to who asks by command when the file is wrong or gone, and SIGHUP may come twice at once', async () => {
    await using house = await openHouse(KIND);
    await house.place.file('gateway.json', '{ "broker": ');
    const wrong = await run(['reload'], house.environment);
    expect(wrong).toEqual({ code: 78, printed: expect.stringMatching(/^mqttgwd: .*gateway\.json:1:\d+: /) });
    await rm(house.configuration);
    expect((await run(['reload'], house.environment)).printed).toMatch(/gateway\.json.*no such file/);
    expect((await ask<StatusReport>(house, 'getStatus')).faults.map(({ component }) => component)).toContain(
      'Configuration',
    );
    await configure(house, rules('again'));
    house.gateway.child.kill('SIGHUP');
    house.gateway.child.kill('SIGHUP');
    await house.gateway.says('reloaded; changed: listened_topics');
    await house.events.emit('sensor', makeBasicEvent('temperature', 'hall', 1));
    await waitFor('the event', () => house.messages.some(({ topic }) => topic === 'site/hall/again'));
    await configure(house, rules('stop'));
    const late = ask(house, 'reload').catch((error: Error) => error);
    house.gateway.child.kill('SIGHUP');
    house.gateway.child.kill('SIGTERM');
    expect(await house.gateway.exited).toBe(0);
    await late;
  });

  it('lets a new password take effect, and ends the filters of before', async () => {
    await using broker = await startBroker({ user: { name: 'box', password: 'the new one' } });
    await using house = await openHouse(KIND);
    await house.place.file('filter.js', FILTER);
    await house.place.file('password', 'the old one\n');
    const filters = { outbound: { use: './filter.js', name: 'first' } };
    const changes = {
      broker: { host: broker.host, port: broker.port },
      auth: { username: 'box', password_file: 'password' },
    };
    await configure(house, { ...changes, filters });
    expect(await ask<ReloadReport>(house, 'reload')).toMatchObject({
      changed: expect.arrayContaining(['broker.port', 'filters.inbound', 'filters.outbound']),
    });
    await waitFor('the refusal', async () => {
      const { broker: link } = (await ask<StatusReport>(house, 'getStatus')).links;
      return link.fault !== undefined;
    });
    await house.place.file('password', 'the new one\n');
    expect(await ask<ReloadReport>(house, 'reload')).toMatchObject({ changed: ['auth.password'], restartNeeded: [] });
    await waitFor('the connection', async () => {
      const { broker: link } = (await ask<StatusReport>(house, 'getStatus')).links;
      return link.state === 'connected' && link.broker.endsWith(`:${broker.port}`);
    });
    await house.gateway.says('first ends');
    await configure(house, { ...changes, filters: { outbound: { use: './filter.js', name: 'second' } } });
    await utimes(`${house.place.directory}/filter.js`, 1, 1);
    expect(await ask<ReloadReport>(house, 'reload')).toMatchObject({
      changed: ['filters.outbound'],
      restartNeeded: [expect.stringContaining("the filter module './filter.js', whose file has changed")],
    });
    expect(house.gateway.printed).not.toContain('the new one');
  });

  it('does not end a simulation, in which nothing is published and all else is real', async () => {
    await using house = await openHouse(KIND);
    await stopProcess(house.gateway.child);
    await using gateway = Daemon.start(['run', '--simulate', '-c', house.configuration], house.environment);
    await gateway.says('subscribed to');
    expect(gateway.printed).toContain('simulated: nothing is published');
    const emit = (room: string) => house.events.emit('sensor', makeBasicEvent('temperature', room, 1));
    await emit('hall');
    await gateway.says('would publish site/hall/temperature, QoS 1: "{');
    await configure(house, { max_hops: 3 });
    expect((await ask<ReloadReport>(house, 'reload')).restartNeeded).toEqual([]);
    await emit('attic');
    await gateway.says('would publish site/attic/temperature');
    expect((await run(['status'], house.environment)).printed).toContain('simulated: nothing is published');
    expect(house.messages).toEqual([]);
  });
});

/** A filter that says when it ends. */
const FILTER = `
export function createOutboundFilter({ name }, { logger }) {
  return {
    channels: ['sensor'],
    getMqttTopic: () => null,
    makePayload: () => '',
    takeRefusal: () => undefined,
    async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
      logger.info(name + ' ends');
    },
  };
}
`;
