import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BusState } from '@cstbox/mqtt-core';
import { type Bus, dbusDaemonMissing, startBus, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { HURRY } from '../test/house.js';
import { collectGarbage, isWithin, resources } from '../test/leaks.js';
import { keepingLogger } from '../test/log.js';
import { startSocketProxy } from '../test/socket-proxy.js';
import { addressFile } from './bus-address.js';
import { DBusConnection } from './dbus-connection.js';
import { DBusLink } from './dbus-link.js';
import { MessageType } from './dbus-message.js';

/** Notices in a moment that a bus hangs. */
const ALERT = { ...HURRY, timeoutMs: 100, pingIntervalMs: 20 } as const;

const pathOf = (bus: Bus) => bus.address.replace('unix:path=', '');

function statesOf(link: DBusLink): BusState[] {
  const states: BusState[] = [];
  link.watch((state) => states.push(state));
  return states;
}

const attached = (link: DBusLink) => waitFor('the link', () => link.state === 'attached');

describe.skipIf(dbusDaemonMissing())('a link to a bus', () => {
  it('is attached when the bus is there, and has prepared its connection by then', async () => {
    await using bus = await startBus();
    await using link = new DBusLink({ address: bus.address });
    const seen: unknown[] = [];
    link.onConnect(async (connection) => void seen.push(connection.uniqueName, link.state, link.connection));
    expect(link.state).toBe('away');
    await link.run();
    expect(link.state).toBe('attached');
    expect(seen).toEqual([link.connection?.uniqueName, 'away', undefined]);
  });

  it('waits for a bus that is away, with one line that says where it looks, and joins it', async () => {
    await using bus = await startBus();
    await bus.kill();
    const logger = keepingLogger();
    await using link = new DBusLink({ address: bus.address, ...HURRY, logger });
    await link.run();
    expect(link.state).toBe('away');
    expect(() => link.send({ type: MessageType.SIGNAL, path: '/', interface: 'a.b', member: 'C' })).toThrow(
      'no connection',
    );
    await waitFor('more attempts', () => logger.lines.length > 3);
    await bus.restart();
    await attached(link);
    expect(logger.loud()).toEqual([
      expect.stringMatching(
        /^warn no bus answers at unix:path=.*: connect E.* \(the address comes from the program; is the bus running, and is it this user's\?\); trying again until it works$/,
      ),
      expect.stringMatching(/^info joined the bus at unix:path=\S+ after \d.* m?s$/),
    ]);
  });

  it('survives that the bus is killed, and that its own connection is cut', async () => {
    await using bus = await startBus();
    await using proxy = await startSocketProxy(pathOf(bus));
    const logger = keepingLogger();
    await using link = new DBusLink({ address: proxy.address, ...HURRY, logger });
    await link.run();
    const states = statesOf(link);
    await bus.kill();
    await waitFor('the loss', () => link.state === 'away');
    await bus.restart();
    await attached(link);
    const before = link.connection;
    proxy.cut();
    await waitFor('the loss', () => link.state === 'away');
    await attached(link);
    expect(link.connection).not.toBe(before);
    expect(states).toEqual(['away', 'attached', 'away', 'attached']);
    expect(logger.loud().filter((line) => line.startsWith('warn lost the bus at'))).toHaveLength(2);
  });

  it('finds the bus at its new address when the file says so, after a loss', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-test-'));
    try {
      await using first = await startBus();
      await using second = await startBus();
      const file = join(directory, 'cstbox-dbus');
      await using link = new DBusLink({ address: addressFile(file), ...HURRY });
      await link.run();
      expect(link.state).toBe('away');
      await writeFile(file, `DBUS_SESSION_BUS_ADDRESS='${first.address}';\nDBUS_SESSION_BUS_PID=1;\n`);
      await attached(link);
      await writeFile(file, `DBUS_SESSION_BUS_ADDRESS='${second.address}';\n`);
      await first.kill();
      await waitFor('the loss', () => link.state === 'away');
      await attached(link);
      const [id] = await (link.connection as DBusConnection).call(GET_ID);
      await using there = await DBusConnection.open(second.address);
      expect(await there.call(GET_ID)).toEqual([id]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('follows the file while the old bus is still there, and stays while the file says nothing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-test-'));
    try {
      await using first = await startBus();
      await using second = await startBus();
      const file = join(directory, 'bus');
      await writeFile(file, first.address);
      const logger = keepingLogger();
      await using link = new DBusLink({ address: addressFile(file), ...HURRY, pingIntervalMs: 20, logger });
      await link.run();
      await rm(file);
      await sleep(100);
      expect(link.state).toBe('attached');
      await writeFile(`${file}.new`, second.address);
      await rename(`${file}.new`, file);
      await waitFor('the move', () =>
        logger.lines.some((line) => line.startsWith(`info joined the bus at ${second.address} again after `)),
      );
      expect(logger.loud()[1]).toContain(`the bus is at ${second.address} now`);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('notices that the bus hangs; when it goes on, nothing is lost', async () => {
    await using bus = await startBus();
    await using sender = await DBusConnection.open(bus.address);
    const logger = keepingLogger();
    await using link = new DBusLink({ address: bus.address, ...ALERT, logger });
    await link.run();
    const connection = link.connection as DBusConnection;
    await connection.addMatch("type='signal',interface='a.b'");
    const heard: unknown[] = [];
    connection.onSignal(({ member, body }) => {
      if (member === 'C') heard.push([body?.[0], link.state]);
    });
    const states = statesOf(link);
    bus.daemon.kill('SIGSTOP');
    await waitFor('the link to notice', () => link.state === 'away');
    for (let n = 0; n < 100; n++) {
      sender.send({ type: MessageType.SIGNAL, path: '/', interface: 'a.b', member: 'C', signature: 'u', body: [n] });
    }
    await sleep(300);
    bus.daemon.kill('SIGCONT');
    await waitFor('the signals', () => heard.length === 100);
    expect(heard).toEqual(Array.from({ length: 100 }, (_, n) => [n, 'attached']));
    expect(link.connection).toBe(connection);
    expect(states).toEqual(['away', 'attached']);
    expect(logger.loud().slice(1)).toEqual([
      `warn the bus at ${bus.address} does not answer: waiting for it`,
      expect.stringMatching(/^info the bus answers again after \d.* m?s$/),
    ]);
  });

  it('gives up a connection that is dead while the bus answers to others', async () => {
    await using bus = await startBus();
    await using proxy = await startSocketProxy(pathOf(bus));
    await using link = new DBusLink({ address: proxy.address, ...ALERT });
    await link.run();
    const dead = link.connection as DBusConnection;
    const pending = dead.call({ ...GET_ID, timeoutMs: 60_000 });
    await pending;
    proxy.freeze();
    const lost = dead.call({ ...GET_ID, timeoutMs: 60_000 });
    await expect(lost).rejects.toMatchObject({
      code: 'bus_unreachable',
      message: expect.stringContaining('does not answer'),
    });
    await attached(link);
    expect(link.connection).not.toBe(dead);
    expect(dead.isOpen).toBe(false);
  });

  it('recovers from a bus that hangs and is killed then', async () => {
    await using bus = await startBus();
    await using link = new DBusLink({ address: bus.address, ...ALERT });
    await link.run();
    bus.daemon.kill('SIGSTOP');
    await waitFor('the link to notice', () => link.state === 'away');
    await bus.restart();
    await attached(link);
  });

  it('does not take it for a hanging bus when the process itself stood still', async () => {
    await using bus = await startBus();
    await using link = new DBusLink({ address: bus.address, ...HURRY, timeoutMs: 50, pingIntervalMs: 1 });
    await link.run();
    const states = statesOf(link);
    for (let n = 0; n < 10; n++) {
      await sleep(n);
      standStill(120);
      await sleep(5);
    }
    expect(states).toEqual([]);
  });

  it('tries a hook that fails again, and says so once', async () => {
    await using bus = await startBus();
    const logger = keepingLogger();
    await using link = new DBusLink({ address: bus.address, ...HURRY, logger });
    let attempts = 0;
    link.onConnect(async () => {
      if (++attempts < 4) throw new Error('not yet');
    });
    await link.run();
    expect(link.state).toBe('away');
    await attached(link);
    expect(logger.loud()).toEqual(['warn not yet; trying again until it works', expect.stringContaining('joined')]);
    expect(attempts).toBe(4);
  });

  it('is not stopped by a watcher that throws', async () => {
    await using bus = await startBus();
    const logger = keepingLogger();
    await using link = new DBusLink({ address: bus.address, ...HURRY, logger });
    link.watch(() => {
      throw new Error('mine');
    });
    const states = statesOf(link);
    await link.run();
    await bus.restart();
    await waitFor('the return', () => states.length === 3);
    expect(logger.lines.filter((line) => line.startsWith('error'))[0]).toContain('mine');
  });

  it('closes at once, whatever it waits for, and for good', async () => {
    await using bus = await startBus();
    await using proxy = await startSocketProxy(pathOf(bus));
    const closes = async (link: DBusLink) => {
      const states = statesOf(link);
      const started = performance.now();
      await Promise.all([link.close(), link.close()]);
      expect(performance.now() - started).toBeLessThan(2_000);
      expect(states).toEqual(['closed']);
      expect(link.connection).toBeUndefined();
      await expect(link.run()).rejects.toMatchObject({ code: 'closed' });
    };
    await closes(new DBusLink({ address: bus.address }));
    const away = new DBusLink({ address: 'unix:path=/nowhere', retryMs: { min: 60_000, max: 60_000 } });
    await away.run();
    await closes(away);
    const there = new DBusLink({ address: bus.address });
    await there.run();
    await closes(there);
    bus.daemon.kill('SIGSTOP');
    const silent = new DBusLink({ address: bus.address });
    const running = silent.run();
    await sleep(50);
    await closes(silent);
    await running;
    const hanging = new DBusLink({ address: proxy.address, ...ALERT, timeoutMs: 50 });
    bus.daemon.kill('SIGCONT');
    await hanging.run();
    bus.daemon.kill('SIGSTOP');
    await waitFor('the link to notice', () => hanging.state === 'away');
    await closes(hanging);
    bus.daemon.kill('SIGCONT');
  });

  it('keeps nothing of a hundred connections that were lost', { timeout: 60_000 }, async () => {
    await using bus = await startBus();
    await using proxy = await startSocketProxy(pathOf(bus));
    await using link = new DBusLink({ address: proxy.address, retryMs: { min: 1, max: 1 }, pingIntervalMs: 5 });
    const connections: WeakRef<DBusConnection>[] = [];
    let hooked = 0;
    link.onConnect(async (connection) => {
      hooked++;
      connections.push(new WeakRef(connection));
    });
    await link.run();
    const before = resources();
    for (let n = 1; n <= 100; n++) {
      proxy.cut();
      await waitFor('the next', () => connections.length > n && link.state === 'attached');
    }
    expect(hooked).toBe(101);
    expect(proxy.accepted).toBe(101);
    await waitFor('what is closing to be closed', () => isWithin(resources(), before));
    await waitFor('what was lost to be collected', async () => {
      collectGarbage();
      await sleep(10);
      return connections.filter((each) => each.deref()).length <= 2;
    });
  });
});

const GET_ID = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'GetId',
};

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
