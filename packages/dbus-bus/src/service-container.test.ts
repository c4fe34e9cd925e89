import type { TimedEvent } from '@cstbox/mqtt-core';
import { dbusDaemonMissing, startBus, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { type House, HURRY, openHouse } from '../test/house.js';
import { DBusConnection } from './dbus-connection.js';
import { DBusEventBus } from './dbus-event-bus.js';
import { DBusLink } from './dbus-link.js';
import { ServiceContainer, type ServiceObject } from './service-container.js';

function part(name: string, diary: string[], fault?: Error): ServiceObject {
  return {
    path: `/${name}`,
    interface: { name: `fr.cstb.cstbox.${name}`, methods: {}, signals: {} },
    async start() {
      diary.push(`start ${name}`);
      if (fault) throw fault;
    },
    async stop() {
      diary.push(`stop ${name}`);
    },
  };
}

async function hearAnnouncements(house: House): Promise<TimedEvent[]> {
  const events: TimedEvent[] = [];
  await new DBusEventBus(await house.link()).subscribe(['framework'], {
    event: (_channel, event) => void events.push(event),
    malformed() {},
  });
  return events;
}

const states = (events: readonly TimedEvent[]) => events.map(({ data }) => data.state_str);

describe.skipIf(dbusDaemonMissing())('a service', () => {
  it('owns its name, starts its parts in order, stops them in reverse, and announces its life', async () => {
    await using house = await openHouse();
    const announcements = await hearAnnouncements(house);
    const diary: string[] = [];
    const container = new ServiceContainer('Test', await house.link(), [part('a', diary), part('b', diary)]);
    await container.start();
    expect(await house.connection.getNameOwner('fr.cstb.cstbox.Test')).toBeTruthy();
    await Promise.all([container.stop(), container.stop()]);
    await expect(container.closed).resolves.toBeUndefined();
    expect(await house.connection.getNameOwner('fr.cstb.cstbox.Test')).toBeUndefined();
    expect(diary).toEqual(['start a', 'start b', 'stop b', 'stop a']);
    await waitFor('the announcements', () => announcements.length === 4);
    expect(announcements.map(({ varType, varName, data }) => [varType, varName, data])).toEqual([
      ['svcevt', 'Test', { state: 2, state_str: 'starting' }],
      ['svcevt', 'Test', { state: 3, state_str: 'running' }],
      ['svcevt', 'Test', { state: 4, state_str: 'stopping' }],
      ['svcevt', 'Test', { state: 1, state_str: 'stopped' }],
    ]);
  });

  it('stops when terminate() is called, which gets its reply', async () => {
    await using house = await openHouse();
    const container = new ServiceContainer('Test', await house.link(), []);
    await container.start();
    const reply = await house.connection.call({
      destination: 'fr.cstb.cstbox.Test',
      path: '/__system__',
      interface: 'fr.cstb.cstbox.__system__',
      member: 'terminate',
    });
    expect(reply).toEqual([]);
    await expect(container.closed).resolves.toBeUndefined();
  });

  it('does not start when its name is taken', async () => {
    await using house = await openHouse();
    const diary: string[] = [];
    await using first = new ServiceContainer('Test', await house.link(), []);
    await first.start();
    const second = new ServiceContainer('fr.cstb.cstbox.Test', await house.link(), [part('a', diary)]);
    await expect(second.start()).rejects.toMatchObject({ code: 'name_taken' });
    expect(diary).toEqual([]);
  });

  it('gives everything back when a part does not start', async () => {
    await using house = await openHouse();
    const announcements = await hearAnnouncements(house);
    const diary: string[] = [];
    const fault = new Error('no');
    const container = new ServiceContainer('Test', await house.link(), [part('a', diary), part('b', diary, fault)]);
    await expect(container.start()).rejects.toBe(fault);
    expect(diary).toEqual(['start a', 'start b', 'stop b', 'stop a']);
    expect(await house.connection.getNameOwner('fr.cstb.cstbox.Test')).toBeUndefined();
    await waitFor('the announcements', () => announcements.length === 2);
    expect(states(announcements)).toEqual(['starting', 'aborting']);
  });

  it('runs without an event manager: an announcement that fails is logged', async () => {
    await using bus = await startBus();
    await using link = new DBusLink({ address: bus.address, ...HURRY });
    const warnings: string[] = [];
    const logger = { debug() {}, info() {}, warn: (line: string) => void warnings.push(line), error() {} };
    const container = new ServiceContainer('Test', link, [], { logger });
    await container.start();
    await container.stop();
    expect(warnings).toEqual([expect.stringContaining("could not announce 'starting' on the framework channel")]);
  });

  it('can be stopped while it starts', async () => {
    await using house = await openHouse();
    const diary: string[] = [];
    const container = new ServiceContainer('Test', await house.link(), [part('a', diary)]);
    const starting = container.start();
    await container.stop();
    await starting;
    expect(diary).toEqual(['start a', 'stop a']);
  });

  it('answers who looks around: introspection from the root, pings, and the machine', async () => {
    await using house = await openHouse();
    await using container = new ServiceContainer('Test', await house.link(), [part('a', [])]);
    await container.start();
    const ask = (path: string, iface: string, member: string) =>
      house.connection.call({ destination: 'fr.cstb.cstbox.Test', path, interface: iface, member });
    const [root] = await ask('/', 'org.freedesktop.DBus.Introspectable', 'Introspect');
    expect(root).toContain('<node name="__system__"/>');
    expect(root).toContain('<node name="a"/>');
    const [object] = await ask('/__system__', 'org.freedesktop.DBus.Introspectable', 'Introspect');
    expect(object).toContain('<method name="terminate">');
    await expect(ask('/a', 'org.freedesktop.DBus.Peer', 'Ping')).resolves.toEqual([]);
    await expect(ask('/a', 'org.freedesktop.DBus.Peer', 'Pong')).rejects.toMatchObject({ code: 'bus_refused' });
    await expect(ask('/a', 'fr.cstb.cstbox.a', 'constructor')).rejects.toMatchObject({ code: 'bus_refused' });
  });

  it('does not start after it was stopped', async () => {
    await using house = await openHouse();
    const container = new ServiceContainer('Test', await house.link(), []);
    await container.stop();
    await expect(container.start()).rejects.toMatchObject({ code: 'closed' });
    expect(await house.connection.getNameOwner('fr.cstb.cstbox.Test')).toBeUndefined();
    await expect(container.closed).resolves.toBeUndefined();
  });

  it('needs a link that serves nothing else, and gives it back', async () => {
    await using house = await openHouse();
    const link = await house.link();
    await using first = new ServiceContainer('First', link, []);
    await first.start();
    const second = new ServiceContainer('Second', link, []);
    await expect(second.start()).rejects.toThrow('make another link');
    await first.stop();
    await using third = new ServiceContainer('Third', link, []);
    await third.start();
    expect(await house.connection.getNameOwner('fr.cstb.cstbox.Third')).toBe(link.connection?.uniqueName);
  });

  it('is held up by an event manager that hangs for a moment only', async () => {
    await using bus = await startBus();
    await using manager = await DBusConnection.open(bus.address);
    await manager.requestName('fr.cstb.cstbox.EventManager');
    manager.onMethodCall = () => {};
    await using link = new DBusLink({ address: bus.address, ...HURRY });
    const container = new ServiceContainer('Test', link, []);
    const started = performance.now();
    await container.start();
    expect(performance.now() - started).toBeLessThan(3_000);
    await container.stop();
  });
});
