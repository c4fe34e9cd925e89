import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dbusDaemonMissing, startBus, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { openHouse } from '../test/house.js';
import { DBusConnection, nextSerial } from './dbus-connection.js';
import { DBusCallError, MessageType } from './dbus-message.js';

const DAEMON = { destination: 'org.freedesktop.DBus', path: '/', interface: 'org.freedesktop.DBus' };

describe.skipIf(dbusDaemonMissing())('a connection to a bus', () => {
  it('has a unique name, and calls methods', async () => {
    await using bus = await startBus();
    await using connection = await DBusConnection.open(bus.address);
    expect(connection.uniqueName).toMatch(/^:\d+\.\d+$/);
    const [names] = await connection.call({ ...DAEMON, member: 'ListNames' });
    expect(names).toContain(connection.uniqueName);
  });

  it('tries the addresses in turn', async () => {
    await using bus = await startBus();
    await using connection = await DBusConnection.open(`unix:path=/nowhere;${bus.address}`);
    expect(connection.uniqueName).toBeTruthy();
  });

  it('says what is wrong when nothing answers', async () => {
    await expect(DBusConnection.open('unix:path=/nowhere/bus')).rejects.toMatchObject({
      code: 'bus_unreachable',
      message: expect.stringMatching(/unix:path=\/nowhere\/bus.*ENOENT/),
    });
  });

  it('gives up on a peer that is no bus, at once when it hangs up, and when it is told to', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-test-'));
    const path = join(directory, 'socket');
    let hangUp = true;
    const server = createServer((socket) => {
      socket.on('error', () => {});
      if (hangUp) socket.destroy();
    }).listen(path);
    await once(server, 'listening');
    await expect(DBusConnection.open(`unix:path=${path}`)).rejects.toMatchObject({ code: 'bus_unreachable' });
    hangUp = false;
    const signal = AbortSignal.timeout(50);
    await expect(DBusConnection.open(`unix:path=${path}`, { signal })).rejects.toMatchObject({
      code: 'bus_unreachable',
    });
    server.close();
    await rm(directory, { recursive: true });
  });

  it('tells a peer that is not there from one that refuses', async () => {
    await using house = await openHouse();
    const call = { path: '/x', interface: 'a.b', member: 'C' };
    const absent = house.connection.call({ ...call, destination: 'fr.cstb.cstbox.Nobody' });
    await expect(absent).rejects.toMatchObject({
      code: 'bus_unreachable',
      errorName: 'org.freedesktop.DBus.Error.ServiceUnknown',
    });
    const refused = house.connection.call({ ...call, destination: 'fr.cstb.cstbox.EventManager' });
    await expect(refused).rejects.toBeInstanceOf(DBusCallError);
    await expect(refused).rejects.toMatchObject({ code: 'bus_refused' });
  });

  it('owns names, and says which process has one that is taken', async () => {
    await using bus = await startBus();
    await using first = await DBusConnection.open(bus.address);
    await using second = await DBusConnection.open(bus.address);
    await first.requestName('fr.cstb.cstbox.X');
    await first.requestName('fr.cstb.cstbox.X');
    expect(await second.getNameOwner('fr.cstb.cstbox.X')).toBe(first.uniqueName);
    await expect(second.requestName('fr.cstb.cstbox.X')).rejects.toMatchObject({
      code: 'name_taken',
      message: expect.stringContaining(`by process ${process.pid}`),
    });
    await first.releaseName('fr.cstb.cstbox.X');
    expect(await second.getNameOwner('fr.cstb.cstbox.X')).toBeUndefined();
    await second.requestName('fr.cstb.cstbox.X');
  });

  it('does not wait for ever for a bus that hangs', async () => {
    await using bus = await startBus();
    await using connection = await DBusConnection.open(bus.address);
    bus.daemon.kill('SIGSTOP');
    const call = connection.call({ ...DAEMON, member: 'GetId', timeoutMs: 50 });
    await expect(call).rejects.toMatchObject({
      code: 'bus_unreachable',
      message: expect.stringContaining('within 50 ms'),
    });
    bus.daemon.kill('SIGCONT');
    await expect(connection.call({ ...DAEMON, member: 'GetId' })).resolves.toHaveLength(1);
  });

  it('notices that the bus is gone: what is pending fails, and it is closed for a reason', async () => {
    await using bus = await startBus();
    await using connection = await DBusConnection.open(bus.address);
    bus.daemon.kill('SIGSTOP');
    const pending = connection.call({ ...DAEMON, member: 'GetId' });
    bus.daemon.kill('SIGKILL');
    await expect(pending).rejects.toMatchObject({ code: 'bus_unreachable' });
    expect(await connection.closed).toBeTruthy();
    await expect(connection.call({ ...DAEMON, member: 'GetId' })).rejects.toMatchObject({ code: 'bus_unreachable' });
    expect(() => connection.send({ type: MessageType.SIGNAL, path: '/', interface: 'a.b', member: 'C' })).toThrow(
      'has ended',
    );
  });

  it('sends what was handed to it before it closes', async () => {
    await using bus = await startBus();
    await using listener = await DBusConnection.open(bus.address);
    let heard = 0;
    listener.onSignal(({ member }) => {
      if (member === 'C') heard++;
    });
    await listener.addMatch("type='signal',interface='a.b'");
    const sender = await DBusConnection.open(bus.address);
    for (let index = 0; index < 1_000; index++) {
      sender.send({ type: MessageType.SIGNAL, path: '/', interface: 'a.b', member: 'C' });
    }
    await sender.close();
    await sender.close();
    await waitFor('the signals', () => heard === 1_000);
  });

  it('closes once, however often it is told, and whatever the bus does meanwhile', async () => {
    await using bus = await startBus();
    await using listener = await DBusConnection.open(bus.address);
    let heard = 0;
    listener.onSignal(({ member }) => {
      if (member === 'C') heard++;
    });
    await listener.addMatch("type='signal',interface='a.b'");
    const sender = await DBusConnection.open(bus.address);
    for (let index = 0; index < 3_000; index++) {
      sender.send({ type: MessageType.SIGNAL, path: '/', interface: 'a.b', member: 'C' });
    }
    await Promise.all([sender.close(), sender.close()]);
    await waitFor('the signals', () => heard === 3_000);

    const broken = await DBusConnection.open(bus.address);
    for (let index = 0; index < 3_000; index++) {
      broken.send({ type: MessageType.SIGNAL, path: '/', interface: 'a.b', member: 'C' });
    }
    const closing = broken.close();
    bus.daemon.kill('SIGKILL');
    await expect(closing).resolves.toBeUndefined();
  });

  it('gives up when it is told to while the bus is silent', async () => {
    await using bus = await startBus();
    bus.daemon.kill('SIGSTOP');
    const started = performance.now();
    const opening = DBusConnection.open(bus.address, { signal: AbortSignal.timeout(100) });
    await expect(opening).rejects.toMatchObject({ code: 'bus_unreachable' });
    expect(performance.now() - started).toBeLessThan(2_000);
    bus.daemon.kill('SIGCONT');
  });

  it('carries strings of every kind, and integers of 64 bits', async () => {
    await using bus = await startBus();
    await using connection = await DBusConnection.open(bus.address);
    const bodies: unknown[] = [];
    connection.onSignal(({ member, body }) => {
      if (member === 'C') bodies.push(body);
    });
    await connection.addMatch("type='signal',interface='a.b'");
    const values = [0n, 2n ** 53n + 1n, 2n ** 64n - 1n];
    for (const value of values) {
      connection.send({
        type: MessageType.SIGNAL,
        path: '/',
        interface: 'a.b',
        member: 'C',
        signature: 'ts',
        body: [value, 'é👩‍🚀\n'],
      });
    }
    await waitFor('the signals', () => bodies.length === values.length);
    expect(bodies).toEqual(values.map((value) => [value, 'é👩‍🚀\n']));
  });

  it('survives a handler that throws', async () => {
    await using bus = await startBus();
    const errors: string[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (line: string) => void errors.push(line) };
    await using connection = await DBusConnection.open(bus.address, { logger });
    connection.onSignal(({ member }) => {
      if (member === 'C') throw new Error('mine');
    });
    await connection.addMatch("type='signal',interface='a.b'");
    connection.send({ type: MessageType.SIGNAL, path: '/', interface: 'a.b', member: 'C' });
    await waitFor('the log line', () => errors.some((line) => line.includes('mine')));
    await expect(connection.call({ ...DAEMON, member: 'GetId' })).resolves.toHaveLength(1);
  });
});

describe('serials', () => {
  it('start again before they run out of 32 bits, and are never 0', () => {
    expect([0, 1, 0xffff_fffe, 0xffff_ffff].map(nextSerial)).toEqual([1, 2, 0xffff_ffff, 1]);
  });
});
