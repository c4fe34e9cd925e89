import { setTimeout as sleep } from 'node:timers/promises';
import { type BusState, makeBasicEvent, type TimedEvent } from '@cstbox/mqtt-core';
import { dbusDaemonMissing, startBus, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { HURRY, openHouse } from '../test/house.js';
import { collectGarbage, isWithin, resources } from '../test/leaks.js';
import { keepingLogger } from '../test/log.js';
import { DBusConnection } from './dbus-connection.js';
import { DBusEventBus } from './dbus-event-bus.js';
import { DBusLink } from './dbus-link.js';
import { createEventManager } from './event-manager.js';
import { EVENT_MANAGER } from './names.js';
import { ServiceContainer } from './service-container.js';

/** Hears a channel, and counts what is wrong. */
async function listen(bus: DBusEventBus, channels = ['sensor']) {
  const events: TimedEvent[] = [];
  const faults: string[] = [];
  const subscription = await bus.subscribe(channels, {
    event: (_channel, event) => void events.push(event),
    malformed: (reason, detail) => void faults.push(`${reason}: ${detail}`),
  });
  return { events, faults, subscription };
}

const attached = (bus: DBusEventBus, what = 'the bus') => waitFor(what, () => bus.state === 'attached', 10_000);

/** Holds up each attempt to join, from now on, until it is opened. */
function gate(link: DBusLink): { open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  link.onConnect(() => opened);
  return { open };
}

/** How many match rules the daemon has of a connection. */
async function matchRulesOf(address: string, link: DBusLink): Promise<number> {
  await using connection = await DBusConnection.open(address);
  const [stats] = await connection.call({
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus.Debug.Stats',
    member: 'GetConnectionStats',
    signature: 's',
    body: [(link.connection as DBusConnection).uniqueName],
  });
  return (stats as { MatchRules: { value: number } }).MatchRules.value;
}

describe.skipIf(dbusDaemonMissing())('bus, event manager and gateway', () => {
  const START = {
    bus: (parts: Parts) => parts.bus.restart(),
    manager: (parts: Parts) => parts.manager.start(),
    user: (parts: Parts) => parts.link.run(),
  };
  type Part = keyof typeof START;
  interface Parts {
    bus: Awaited<ReturnType<typeof startBus>>;
    manager: ServiceContainer;
    link: DBusLink;
  }

  const orders: Part[][] = [
    ['bus', 'manager', 'user'],
    ['bus', 'user', 'manager'],
    ['manager', 'bus', 'user'],
    ['manager', 'user', 'bus'],
    ['user', 'bus', 'manager'],
    ['user', 'manager', 'bus'],
  ];
  it.each(orders)('find each other when they start as %s, %s, %s', async (...order) => {
    await using bus = await startBus();
    await bus.kill();
    await using ofManager = new DBusLink({ address: bus.address, ...HURRY });
    await using manager = createEventManager(ofManager);
    await using link = new DBusLink({ address: bus.address, ...HURRY });
    const events = new DBusEventBus(link);
    const { events: heard, faults } = await listen(events);
    for (const part of order) await START[part]({ bus, manager, link });
    await attached(events);
    await events.emit('sensor', makeBasicEvent('motion', 'hall'));
    await waitFor('the event', () => heard.length === 1);
    expect(faults).toEqual([]);
  });
});

describe.skipIf(dbusDaemonMissing())('the event bus through outages', () => {
  it('rejects what is not answered when the bus is lost, and at once while it is away', async () => {
    await using house = await openHouse();
    const bus = new DBusEventBus(await house.link({ retryMs: { min: 60_000, max: 60_000 } }));
    await bus.settled();
    house.bus.daemon.kill('SIGSTOP');
    const outcomes = [1, 2, 3].map((n) =>
      bus.emit('sensor', makeBasicEvent('energy', 'meter', n)).catch((error) => [error.code, bus.state]),
    );
    await house.bus.kill();
    // Whoever hears of the fault finds the bus away, and does not try again at once.
    for (const outcome of outcomes) expect(await outcome).toEqual(['bus_unreachable', 'away']);
    const started = performance.now();
    await expect(bus.emit('sensor', makeBasicEvent('motion', 'hall'))).rejects.toMatchObject({
      code: 'bus_unreachable',
    });
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('refuses a name with NUL, for which the daemon would cut the connection', async () => {
    await using house = await openHouse();
    const bus = new DBusEventBus(await house.link());
    await bus.settled();
    await expect(bus.emit('sensor', makeBasicEvent('a\0b', 'hall'))).rejects.toMatchObject({ code: 'bus_refused' });
    await bus.emit('sensor', makeBasicEvent('motion', 'hall'));
    expect(bus.state).toBe('attached');
  });

  it('gives up on an event manager that has the name and does not answer, and stays attached', async () => {
    await using bus = await startBus();
    await using manager = await DBusConnection.open(bus.address);
    await manager.requestName(EVENT_MANAGER);
    await using link = new DBusLink({ address: bus.address });
    await link.run();
    const events = new DBusEventBus(link);
    const emitted = events.emit('sensor', makeBasicEvent('motion', 'hall'), { timeoutMs: 50 });
    await expect(emitted).rejects.toMatchObject({ code: 'bus_unreachable' });
    expect(events.state).toBe('attached');
  });

  it('has two lines in the log for an outage of the event manager, and two for one of the bus', async () => {
    await using house = await openHouse();
    const logger = keepingLogger();
    const bus = new DBusEventBus(await house.link({ logger }), { logger });
    await listen(bus);
    await attached(bus);
    await house.eventManager.stop();
    await waitFor('the loss', () => bus.state === 'away');
    await using again = createEventManager(await house.link());
    await again.start();
    await attached(bus);
    const states: string[] = [];
    bus.watch((state) => states.push(state));
    await house.bus.restart();
    // It may be back before anybody looks.
    await waitFor('the loss and the return', () => states.includes('away') && bus.state === 'attached');
    const lines = logger.loud().filter((line) => !line.includes('no bus answers'));
    expect(lines.slice(0, 5)).toEqual([
      expect.stringContaining('info joined the bus'),
      expect.stringContaining('warn there is no event manager'),
      expect.stringMatching(/^info the event manager is there, after \d.* m?s$/),
      expect.stringContaining('warn lost the bus'),
      expect.stringMatching(/^info joined the bus at \S+ again after \d.* m?s$/),
    ]);
  });

  it('hears an event manager that is restarted a hundred times, once each, and keeps nothing of that', {
    timeout: 60_000,
  }, async () => {
    await using house = await openHouse();
    await house.eventManager.stop();
    const link = await house.link();
    const bus = new DBusEventBus(link);
    const { events, faults } = await listen(bus);
    const ofManager = await house.link();
    const rules = await matchRulesOf(house.bus.address, link);
    const rulesOfManager = await matchRulesOf(house.bus.address, ofManager);
    const before = resources();
    for (let n = 0; n < 100; n++) {
      await using manager = createEventManager(ofManager);
      await manager.start();
      await attached(bus);
      await bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
      await waitFor('the event', () => events.length === n + 1);
    }
    expect(events.map(({ value }) => value)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(faults).toEqual([]);
    expect(await matchRulesOf(house.bus.address, link)).toBe(rules);
    expect(await matchRulesOf(house.bus.address, ofManager)).toBe(rulesOfManager);
    await waitFor('everything to be given back', () => isWithin(resources(), before));
  });

  it('hears a bus that is killed a hundred times, once each, and keeps nothing of that', {
    timeout: 120_000,
  }, async () => {
    await using house = await openHouse();
    const link = await house.link({ retryMs: { min: 2, max: 5 } });
    const connections: WeakRef<DBusConnection>[] = [];
    link.onConnect(async (connection) => void connections.push(new WeakRef(connection)));
    const bus = new DBusEventBus(link);
    const { events, faults } = await listen(bus, ['sensor', 'control']);
    await using service = new ServiceContainer('Test', await house.link(), []);
    await service.start();
    await attached(bus);
    const rules = await matchRulesOf(house.bus.address, link);
    const before = resources();
    for (let n = 0; n < 100; n++) {
      await house.bus.restart();
      await waitFor('the loss', () => connections.length > n);
      await attached(bus);
      await bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
      await waitFor('the event', () => events.length === n + 1);
    }
    expect(events.map(({ value }) => value)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(faults).toEqual([]);
    expect(await matchRulesOf(house.bus.address, link)).toBe(rules);
    await waitFor('everything to be given back', () => isWithin(resources(), before));
    await waitFor('what was lost to be collected', async () => {
      collectGarbage();
      await sleep(10);
      return connections.filter((each) => each.deref()).length <= 2;
    });
  });

  it('hears nothing malformed and nothing twice in a flood, whatever comes and goes meanwhile', {
    timeout: 60_000,
  }, async () => {
    await using house = await openHouse();
    const source = new DBusEventBus(await house.link());
    const link = await house.link();
    const bus = new DBusEventBus(link);
    const { events, faults } = await listen(bus);
    let accepted = 0;
    let isOver = false;
    const flood = (async () => {
      for (let n = 0; !isOver; n++) {
        const batch = Array.from({ length: 20 }, (_, index) =>
          source.emit('sensor', makeBasicEvent('energy', 'meter', n * 20 + index)),
        );
        for (const { status } of await Promise.allSettled(batch)) if (status === 'fulfilled') accepted++;
        if (source.state !== 'attached') await sleep(1);
      }
    })();
    for (let round = 0; round < 10; round++) {
      const wanted = events.length + 200;
      await waitFor('the flood', () => events.length > wanted);
      link.connection?.abort('cut by the test');
      await waitFor('the flood', () => events.length > wanted + 200);
      await house.bus.restart();
    }
    isOver = true;
    await flood;
    const numbers = events.map(({ value }) => value as number);
    expect(accepted).toBeGreaterThan(4_000);
    expect(faults).toEqual([]);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('loses nothing when the bus stands still and goes on', async () => {
    await using house = await openHouse();
    const source = new DBusEventBus(await house.link({ pingIntervalMs: 60_000 }));
    await source.settled();
    const link = await house.link({ timeoutMs: 100, pingIntervalMs: 20 });
    const bus = new DBusEventBus(link);
    const { events, faults } = await listen(bus);
    const states: BusState[] = [];
    bus.watch((state) => states.push(state));
    house.bus.daemon.kill('SIGSTOP');
    const emitted = Array.from({ length: 500 }, (_, n) => source.emit('sensor', makeBasicEvent('energy', 'meter', n)));
    await waitFor('the hang to be noticed', () => bus.state === 'away');
    await sleep(300);
    house.bus.daemon.kill('SIGCONT');
    await Promise.all(emitted);
    await waitFor('the events', () => events.length === 500);
    expect(events.map(({ value }) => value)).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(faults).toEqual([]);
    expect(states).toEqual(['away', 'attached']);
  });
});

describe.skipIf(dbusDaemonMissing())('a service through outages', () => {
  const NAME = 'fr.cstb.cstbox.Test';
  const ping = (connection: DBusConnection) =>
    connection.call({ destination: NAME, path: '/__system__', interface: 'org.freedesktop.DBus.Peer', member: 'Ping' });

  it('regains its name and its objects on a new bus, and announces itself again', async () => {
    await using house = await openHouse();
    const announcements: unknown[] = [];
    const observer = new DBusEventBus(await house.link());
    await observer.subscribe(['framework'], {
      event: (_channel, { data }) => void announcements.push(data.state_str),
      malformed() {},
    });
    const link = await house.link();
    const held = gate(link);
    await using service = new ServiceContainer('Test', link, []);
    await service.start();
    await waitFor('the announcements', () => announcements.length === 2);
    await house.bus.restart();
    await waitFor('the loss', () => link.state === 'away');
    await attached(observer);
    held.open();
    await waitFor('the announcement', () => announcements.length === 3);
    expect(announcements).toEqual(['starting', 'running', 'running']);
    await using connection = await DBusConnection.open(house.bus.address);
    expect(await ping(connection)).toEqual([]);
    await service.stop();
    await waitFor('the end', () => announcements.length === 5);
    expect(announcements.slice(3)).toEqual(['stopping', 'stopped']);
  });

  it('announces itself to an event manager that comes later', async () => {
    await using house = await openHouse();
    await house.eventManager.stop();
    await using service = new ServiceContainer('Test', await house.link(), []);
    await service.start();
    const announcements: unknown[] = [];
    const observer = await house.connect();
    observer.onSignal(({ member, body }) => {
      if (member === 'onCSTBoxEvent') announcements.push(body?.[3]);
    });
    await observer.addMatch(`type='signal',path='/framework'`);
    await using again = createEventManager(await house.link());
    await again.start();
    await waitFor('the announcement', () => announcements.length === 1);
    expect(announcements).toEqual(['{"state":3,"state_str":"running"}']);
  });

  it('starts its objects while the bus is away, and can be stopped at once', async () => {
    const diary: string[] = [];
    const object = {
      path: '/a',
      interface: { name: 'a.b', methods: {}, signals: {} },
      start: async () => void diary.push('start'),
      stop: async () => void diary.push('stop'),
    };
    const logger = keepingLogger();
    await using link = new DBusLink({ address: 'unix:path=/nowhere' });
    await using service = new ServiceContainer('Test', link, [object], { logger });
    await service.start();
    expect(diary).toEqual(['start']);
    const started = performance.now();
    await service.stop();
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(diary).toEqual(['start', 'stop']);
    expect(logger.loud()).toEqual(['info running', 'info stopped']);
    await expect(service.closed).resolves.toBeUndefined();
  });

  it('can be stopped at once while the first attempt to join waits for a bus that hangs', async () => {
    await using bus = await startBus();
    bus.daemon.kill('SIGSTOP');
    await using link = new DBusLink({ address: bus.address });
    const service = new ServiceContainer('Test', link, []);
    const starting = service.start();
    const started = performance.now();
    await sleep(50);
    await service.stop();
    await starting;
    await link.close();
    expect(performance.now() - started).toBeLessThan(2_000);
    bus.daemon.kill('SIGCONT');
  });

  it('ends when the first bus that it joins has another of its name', async () => {
    await using bus = await startBus();
    await bus.kill();
    await using link = new DBusLink({ address: bus.address, ...HURRY });
    const service = new ServiceContainer('Test', link, []);
    await link.run();
    const held = gate(link);
    await service.start();
    await bus.restart();
    await using first = await DBusConnection.open(bus.address);
    await first.requestName(NAME);
    held.open();
    await expect(service.closed).resolves.toMatchObject({ code: 'name_taken' });
  });

  it('waits for its name when another took it meanwhile: until then it neither hears nor says anything', async () => {
    await using house = await openHouse();
    const logger = keepingLogger();
    const link = await house.link({ logger });
    const bus = new DBusEventBus(link);
    const { events } = await listen(bus);
    const held = gate(link);
    await using service = new ServiceContainer('Test', link, []);
    await service.start();
    await house.bus.restart();
    const other = await DBusConnection.open(house.bus.address);
    await other.requestName(NAME);
    held.open();
    await waitFor('the refusal', () => logger.lines.some((line) => line.includes(`${NAME} is already owned`)));
    await using observed = await DBusConnection.open(house.bus.address);
    await waitFor('the event manager', async () => await observed.getNameOwner(EVENT_MANAGER));
    const source = new DBusEventBus(await house.link());
    await source.emit('sensor', makeBasicEvent('motion', 'hall', 'not for us'));
    await expect(bus.emit('sensor', makeBasicEvent('motion', 'hall'))).rejects.toMatchObject({
      code: 'bus_unreachable',
    });
    expect(bus.state).toBe('away');
    await waitFor('more attempts', () => logger.lines.filter((line) => line.includes('already owned')).length > 2);
    expect(logger.loud().filter((line) => line.includes('already owned'))).toHaveLength(1);
    await other.close();
    await attached(bus);
    await source.emit('sensor', makeBasicEvent('motion', 'hall', 'for us'));
    await waitFor('the event', () => events.length > 0);
    expect(events.map(({ value }) => value)).toEqual(['for us']);
    expect(await observed.getNameOwner(NAME)).toBe(link.connection?.uniqueName);
  });
});
