import { makeBasicEvent, type TimedEvent } from '@cstbox/mqtt-core';
import { eventBusContract } from '@cstbox/mqtt-core/testing';
import { type Bus, dbusDaemonMissing, startBus, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { HURRY, openHouse } from '../test/house.js';
import { DBusConnection } from './dbus-connection.js';
import { DBusEventBus } from './dbus-event-bus.js';
import { DBusLink, type DBusLinkOptions } from './dbus-link.js';
import { MessageType } from './dbus-message.js';
import { createEventManager } from './event-manager.js';
import { EVENT_MANAGER } from './names.js';

async function listen(bus: DBusEventBus, channels = ['sensor']) {
  const events: [string, TimedEvent][] = [];
  const faults: [string, string][] = [];
  const subscription = await bus.subscribe(channels, {
    event: (channel, event) => void events.push([channel, event]),
    malformed: (reason, detail) => void faults.push([reason, detail]),
  });
  return { events, faults, subscription };
}

/** A link that has joined a bus. */
async function join(bus: Bus, options: DBusLinkOptions = {}): Promise<DBusLink> {
  const link = new DBusLink({ address: bus.address, ...HURRY, ...options });
  await link.run();
  return link;
}

const signal = (body: unknown[], signature = 'tsss') => ({
  type: MessageType.SIGNAL,
  path: '/sensor',
  interface: EVENT_MANAGER,
  member: 'onCSTBoxEvent',
  signature,
  body,
});

describe.skipIf(dbusDaemonMissing())('the event bus over D-Bus', () => {
  const open = async () => {
    const house = await openHouse();
    const bus = new DBusEventBus(await house.link());
    await bus.settled();
    return {
      bus,
      outage: { begin: () => house.bus.kill(), end: () => house.bus.restart() },
      close: () => bus.close(),
      emitFull: async (channel: string, { timestamp, varType, varName, data }: TimedEvent) => {
        await house.connection.call({
          destination: EVENT_MANAGER,
          path: `/${channel}`,
          interface: EVENT_MANAGER,
          member: 'emitFullEvent',
          signature: 'tsss',
          body: [BigInt(timestamp), varType, varName, JSON.stringify(data)],
        });
      },
      [Symbol.asyncDispose]: () => house[Symbol.asyncDispose](),
    };
  };
  for (const { name, run } of eventBusContract(open)) it(name, run);

  it('takes no signal from anybody but the event manager', async () => {
    await using house = await openHouse();
    const link = await house.link();
    const bus = new DBusEventBus(link);
    const { events, faults } = await listen(bus);
    const forger = await house.connect();
    const body = [1n, 'temperature', 'kitchen', '{"value": 99}'];
    forger.send(signal(body));
    forger.send({ ...signal(body), destination: (link.connection as DBusConnection).uniqueName });
    await bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', 20));
    await waitFor('the genuine one', () => events.length > 0);
    expect(events.map(([, event]) => event.value)).toEqual([20]);
    // What is broadcast does not even reach us; what is sent to us alone does.
    expect(faults).toEqual([['forged_signal', expect.stringContaining(forger.uniqueName)]]);
  });

  it.each(['', '{', '[]', '21.5', 'null', '"text"', '{"value": NaN}', "{'value': 1}", '{"value": 1} x'])(
    'leaves out an event whose data is no JSON object: %j',
    async (data) => {
      await using house = await openHouse();
      const { events, faults } = await listen(new DBusEventBus(await house.link()));
      const emit = async (json: string) => {
        const call = { destination: EVENT_MANAGER, path: '/sensor', interface: EVENT_MANAGER, member: 'emitEvent' };
        await house.connection.call({ ...call, signature: 'sss', body: ['temperature', 'kitchen', json] });
      };
      await emit(data);
      await emit('{"value": "25.7"}');
      await waitFor('the good one', () => events.length > 0);
      expect(events.map(([, event]) => event.value)).toEqual(['25.7']);
      expect(faults).toEqual([['malformed_data', expect.stringContaining('"temperature:kitchen"')]]);
    },
  );

  it('leaves out an event signal of another shape', async () => {
    await using bus = await startBus();
    await using manager = await DBusConnection.open(bus.address);
    await manager.requestName(EVENT_MANAGER);
    await using link = await join(bus);
    const { events, faults } = await listen(new DBusEventBus(link));
    manager.send(signal(['temperature', 'kitchen', '{}'], 'sss'));
    manager.send(signal([1n, 'temperature', 'kitchen', '{}']));
    await waitFor('the good one', () => events.length > 0);
    expect(events).toHaveLength(1);
    expect(faults).toEqual([['malformed_signal', expect.stringContaining("'sss'")]]);
  });

  it('hears an event manager that comes later, and its successor', async () => {
    await using bus = await startBus();
    await using link = await join(bus);
    const eventBus = new DBusEventBus(link);
    const { events, faults } = await listen(eventBus);
    await expect(eventBus.emit('sensor', makeBasicEvent('motion', 'hall'))).rejects.toMatchObject({
      code: 'bus_unreachable',
    });
    for (const round of [1, 2, 3]) {
      await using served = await join(bus);
      await using manager = createEventManager(served);
      await manager.start();
      await waitFor('it', () => eventBus.state === 'attached');
      await eventBus.emit('sensor', makeBasicEvent('energy', 'meter', round));
      await waitFor('the event', () => events.length === round);
    }
    expect(events.map(([, event]) => event.value)).toEqual([1, 2, 3]);
    expect(faults).toEqual([]);
  });

  it('takes back its match rules when it is unsubscribed', async () => {
    await using house = await openHouse();
    const link = await house.link();
    const rules = async () => {
      const monitor = await house.connect();
      const [stats] = await monitor.call({
        destination: 'org.freedesktop.DBus',
        path: '/org/freedesktop/DBus',
        interface: 'org.freedesktop.DBus.Debug.Stats',
        member: 'GetConnectionStats',
        signature: 's',
        body: [link.connection?.uniqueName],
      });
      return (stats as { MatchRules: { value: number } }).MatchRules.value;
    };
    const before = await rules();
    const bus = new DBusEventBus(link);
    const { subscription } = await listen(bus, ['sensor']);
    expect(await rules()).toBe(before + 2);
    for (let index = 0; index < 100; index++)
      await (await listen(bus, ['sensor', 'control'])).subscription.unsubscribe();
    expect(await rules()).toBe(before + 2);
    await subscription.unsubscribe();
    expect(await rules()).toBe(before + 1);
    await bus.close();
    expect(await rules()).toBe(before);
  });

  it('reports an event manager that says no', async () => {
    await using bus = await startBus();
    await using manager = await DBusConnection.open(bus.address);
    await manager.requestName(EVENT_MANAGER);
    manager.onMethodCall = (call) =>
      manager.send({
        type: MessageType.METHOD_RETURN,
        destination: call.sender as string,
        replySerial: call.serial as number,
        signature: 'b',
        body: [false],
      });
    await using link = await join(bus);
    const refused = new DBusEventBus(link).emit('control', makeBasicEvent('switch', 'lamp', true));
    await expect(refused).rejects.toMatchObject({
      code: 'bus_refused',
      message: expect.stringContaining('switch:lamp'),
    });
  });

  it('leaves nothing behind when it can not subscribe', async () => {
    await using house = await openHouse();
    const bus = new DBusEventBus(await house.link());
    const heard: unknown[] = [];
    const listener = { event: (...event: unknown[]) => void heard.push(event), malformed() {} };
    await expect(bus.subscribe(['sensor', "x'y"], listener)).rejects.toMatchObject({ code: 'bus_refused' });
    const { events } = await listen(bus);
    await bus.emit('sensor', makeBasicEvent('motion', 'hall'));
    await waitFor('the event', () => events.length === 1);
    expect(heard).toEqual([]);
  });

  it('keeps a subscription that is made while the bus does not answer', async () => {
    await using house = await openHouse();
    const link = await house.link({ timeoutMs: 50, pingIntervalMs: 50 });
    const bus = new DBusEventBus(link);
    await bus.settled();
    house.bus.daemon.kill('SIGSTOP');
    await waitFor('the link to notice', () => link.state === 'away');
    const { events } = await listen(bus);
    house.bus.daemon.kill('SIGCONT');
    await waitFor('the bus', () => bus.state === 'attached');
    await listen(bus, ['sensor']);
    await bus.emit('sensor', makeBasicEvent('motion', 'hall'));
    await waitFor('the event', () => events.length === 1);
  });

  it('loses nothing of a bus that hangs while a subscription is made: what it holds comes when it goes on', async () => {
    await using house = await openHouse();
    const link = await house.link({ timeoutMs: 100, pingIntervalMs: 60_000 });
    const bus = new DBusEventBus(link);
    const { events } = await listen(bus);
    const { connection } = link;
    house.bus.daemon.kill('SIGSTOP');
    // It lies in the bus' own socket, and the answer to the subscription does not come.
    const emitted = bus.emit('sensor', makeBasicEvent('motion', 'hall'));
    let isPlaced = false;
    const late = listen(bus, ['sysmon']).then((heard) => {
      isPlaced = true;
      return heard;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([isPlaced, link.connection === connection]).toEqual([false, true]);
    house.bus.daemon.kill('SIGCONT');
    await emitted;
    await waitFor('the event', () => events.length === 1);
    const { events: other } = await late;
    await bus.emit('sysmon', makeBasicEvent('load', 'cpu'));
    await waitFor('the other', () => other.length === 1);
    expect(link.connection).toBe(connection);
  });

  it('knows the event manager that came between the question for it and the answer', async () => {
    await using bus = await startBus();
    await using link = await join(bus);
    const connection = link.connection as DBusConnection;
    await using first = await DBusConnection.open(bus.address);
    await using second = await DBusConnection.open(bus.address);
    await first.requestName(EVENT_MANAGER);
    const getNameOwner = connection.getNameOwner.bind(connection);
    connection.getNameOwner = async (name) => {
      const owner = await getNameOwner(name);
      // The change is read before whoever asked gets to run.
      await first.releaseName(EVENT_MANAGER);
      await second.requestName(EVENT_MANAGER);
      await connection.call({
        destination: 'org.freedesktop.DBus',
        path: '/',
        interface: 'org.freedesktop.DBus',
        member: 'GetId',
      });
      return owner;
    };
    const { events, faults } = await listen(new DBusEventBus(link));
    second.send(signal([1n, 'temperature', 'kitchen', '{}']));
    await waitFor('the event', () => events.length + faults.length > 0);
    expect(faults).toEqual([]);
  });

  it('says when there is no event manager, when one comes, and when it goes', async () => {
    await using bus = await startBus();
    await using link = await join(bus);
    const lines: string[] = [];
    const at = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
    const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    await new DBusEventBus(link, { logger }).subscribe(['sensor'], { event() {}, malformed() {} });
    {
      await using manager = await DBusConnection.open(bus.address);
      await manager.requestName(EVENT_MANAGER);
      await waitFor('the news', () => lines.length === 2);
    }
    await waitFor('the news', () => lines.length === 3);
    expect(lines).toEqual([
      expect.stringMatching(/^warn there is no event manager on the bus \(fr\.\S+\): no event comes/),
      expect.stringMatching(/^info the event manager is there/),
      expect.stringMatching(/^warn there is no event manager on the bus/),
    ]);
  });
});
