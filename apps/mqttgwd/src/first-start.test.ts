import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DBusEventBus } from '@cstbox/dbus-bus';
import { MQTTConnector, makeBasicEvent } from '@cstbox/mqtt-core';
import {
  type BrokerOptions,
  type Bus,
  brokerKinds,
  createCertificates,
  dbusDaemonMissing,
  freePort,
  startBroker,
  startBus,
  waitFor,
} from '@cstbox/test-peers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { CLI, COMMON, Daemon, joinBus, workplace } from '../test/daemon.js';
import { wrap } from './terminal.js';

/** What goes wrong, in the words of the daemon. */
async function saidBy(daemon: Daemon, cause: RegExp): Promise<string> {
  await waitFor(`${cause}`, () => cause.test(daemon.printed) || undefined, 15_000).catch((error: Error) => {
    throw new Error(`${error.message}; it said:\n${daemon.printed}`);
  });
  const told = daemon.printed.split('\n').filter((line) => /^\S+ \S+ \[[WE]\]|^mqttgwd: /.test(line));
  // A person sees it at a glance: no stack, and each fault in a few lines of a terminal.
  expect(daemon.printed).not.toMatch(/^\s+at /m);
  expect(told.length).toBeLessThanOrEqual(3);
  for (const line of told) expect(wrap(line).split('\n').length, line).toBeLessThanOrEqual(4);
  return told.join('\n');
}

describe.skipIf(dbusDaemonMissing())('the first start says what is wrong, where, and what to do', () => {
  let place: Awaited<ReturnType<typeof workplace>>;
  let bus: Bus;
  let manager: Daemon;
  let count = 0;
  beforeAll(async () => {
    place = await workplace();
    bus = await startBus();
    manager = Daemon.start(['event-manager'], { DBUS_SESSION_BUS_ADDRESS: bus.address });
    await manager.says('running');
  });
  afterAll(async () => {
    for (const each of [manager, bus, place]) await each[Symbol.asyncDispose]();
  });

  /** A gateway with this configuration, on the bus of all these tests or another. */
  async function start(changes: Record<string, unknown>, address = bus.address): Promise<Daemon> {
    const content = {
      broker: { host: '127.0.0.1', port: await freePort() },
      ...COMMON,
      outbox: { durability: 'memory' },
      ...changes,
    };
    const path = await place.file(`gateway-${count++}.json`, content);
    return Daemon.start(['-c', path], { DBUS_SESSION_BUS_ADDRESS: address });
  }

  /** A gateway to a broker that is like this. */
  async function startAt(
    options: BrokerOptions,
    changes: (broker: { url: string; port: number }) => Record<string, unknown>,
  ) {
    const broker = await startBroker(options);
    const daemon = await start(changes(broker));
    const end = daemon[Symbol.asyncDispose].bind(daemon);
    return Object.assign(daemon, {
      broker,
      async [Symbol.asyncDispose]() {
        await end();
        await broker[Symbol.asyncDispose]();
      },
    });
  }

  it('where there is no bus', async () => {
    await using daemon = await start({}, 'unix:path=/nowhere/bus');
    expect(await saidBy(daemon, /no bus answers at unix:path=\/nowhere\/bus/)).toMatch(
      /ENOENT.*\(the address comes from DBUS_SESSION_BUS_ADDRESS; is the bus running, and is it this user's\?\)/,
    );
  });

  it('where there is no event manager', async () => {
    await using lonely = await startBus();
    await using daemon = await start({}, lonely.address);
    expect(await saidBy(daemon, /no event manager/)).toMatch(
      /on the bus \(fr\.cstb\.cstbox\.EventManager\): no event comes .* \(mqttgwd event-manager runs ours\)/,
    );
  });

  it('where another one has the name', async () => {
    await using first = await start({});
    await first.says('joined the bus');
    await using second = await start({});
    const said = await saidBy(second, /already owned/);
    expect(said).toContain(`on this bus by process ${first.child.pid}: stop that one first`);
    expect(await second.exited).toBe(73);
  });

  it('where nothing listens at the address of the broker', async () => {
    const port = await freePort();
    await using daemon = await start({ broker: { host: '127.0.0.1', port } });
    const said = await saidBy(daemon, /ECONNREFUSED/);
    expect(said).toContain(`the broker at mqtt://127.0.0.1:${port}`);
    expect(said).toMatch(/is the broker running, is the port right\? see broker\.host, broker\.port/);
  });

  it('where the name of the broker does not resolve', async () => {
    await using daemon = await start({ broker: { host: 'broker.invalid' } });
    expect(await saidBy(daemon, /does not resolve/)).toMatch(
      /mqtt:\/\/broker\.invalid:61613.*'broker\.invalid' does not resolve: see broker\.host/,
    );
  });

  it('where the certificate of the broker is not trusted', async () => {
    const tls = await createCertificates();
    await using daemon = await startAt({ tls }, ({ url }) => ({ broker: { host: url } }));
    expect(await saidBy(daemon, /not trusted/)).toMatch(
      /mqtts:\/\/127\.0\.0\.1:\d+: .* name the authority that issued it, 'mqttgwd test authority': see tls\.ca_certs/,
    );
  });

  it('where the certificate of the broker is out of date', async () => {
    const tls = await createCertificates({ validDays: [-40, -10] });
    const ca_certs = await place.file('old-ca.pem', tls.ca);
    await using daemon = await startAt({ tls }, ({ url }) => ({ broker: { host: url }, tls: { ca_certs } }));
    const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    expect(await saidBy(daemon, /out of date/)).toContain(
      `the broker's certificate is out of date (valid from ${day(-40)} to ${day(-10)}), or this machine's clock is wrong`,
    );
  });

  it('where the certificate of the broker is for another name', async () => {
    const tls = await createCertificates({ serverName: 'other.example' });
    const ca_certs = await place.file('other-ca.pem', tls.ca);
    await using daemon = await startAt({ tls }, ({ url }) => ({ broker: { host: url }, tls: { ca_certs } }));
    expect(await saidBy(daemon, /altnames/)).toContain(
      "the broker's certificate is not for '127.0.0.1', but for other.example: see broker.host",
    );
  });

  it('where the password is wrong', async () => {
    const user = { name: 'box', password: 'right' };
    await using daemon = await startAt({ user }, ({ url }) => ({
      broker: { host: url },
      auth: { username: 'box', password: 'pl4nted' },
    }));
    const said = await saidBy(daemon, /refused/i);
    expect(said).toMatch(/mqtt:\/\/127\.0\.0\.1:\d+: .*see auth\.username, auth\.password, auth\.password_file/);
    expect(said).not.toContain('pl4nted');
  });

  it('where a topic may not be subscribed to', async () => {
    await using daemon = await startAt({ deniedTopic: 'site/+/set/#' }, ({ url }) => ({
      broker: { host: url },
      listened_topics: ['site/+/set/#'],
    }));
    expect(await saidBy(daemon, /refused the subscription/)).toMatch(
      /the broker refused .* site\/\+\/set\/#: its access list has to allow it/,
    );
  });

  it.runIf(brokerKinds.includes('mosquitto'))('where a topic may not be published on', async () => {
    const acl = ['topic read #'];
    await using daemon = await startAt({ kind: 'mosquitto', acl }, ({ url }) => ({ broker: { host: url } }));
    await daemon.says('connected to');
    await using link = await joinBus(bus);
    await new DBusEventBus(link).emit('sensor', makeBasicEvent('temperature', 'kitchen', 21));
    const said = await saidBy(daemon, /refused_by_broker/);
    expect(said).toMatch(/"site\/kitchen\/temperature": .*Not authorized \(the broker's access list has to allow it\)/);
  });

  it('where another client has the same identifier', async () => {
    await using daemon = await startAt({ kind: brokerKinds.at(-1) as 'mosquitto' }, ({ url }) => ({
      broker: { host: url, client_id: 'twin' },
    }));
    await daemon.says('connected to');
    await using _twin = await connectedTwin(daemon.broker.url);
    expect(await saidBy(daemon, /client id 'twin'/)).toMatch(
      /mqtt:\/\/127\.0\.0\.1:\d+: .*client id 'twin'.*see broker\.client_id/,
    );
  });

  it('where the package of a filter is not installed', async () => {
    await using daemon = await start({ filters: { outbound: { use: 'no-such-filter' } } });
    const said = await saidBy(daemon, /no-such-filter/);
    expect(said).toMatch(/gateway-\d+\.json:\d+:\d+: there is no module 'no-such-filter': install it beside this file/);
    expect(said).toContain('(at filters.outbound.use)');
    expect(await daemon.exited).toBe(78);
  });

  it('where the configuration can not be read', async () => {
    const missing = join(place.directory, 'missing.json');
    const directory = join(place.directory, 'directory');
    await mkdir(directory);
    const locked = await place.file('locked.json', '{}');
    await chmod(locked, 0);
    for (const [path, cause] of [
      [missing, `there is no configuration file at ${missing}: name one with -c PATH`],
      [directory, `${directory}: can't read the file: EISDIR: illegal operation on a directory: name a file in it`],
      [locked, `${locked}: can't read the file: EACCES: permission denied: let the user of this process read it`],
    ] as const) {
      await using daemon = powerless(['-c', path]);
      expect(await daemon.exited).toBe(78);
      expect(await saidBy(daemon, /mqttgwd: /)).toContain(cause);
    }
  });

  it('where the directory of the outbox can not be written', async () => {
    const directory = join(place.directory, 'locked');
    await mkdir(directory, { mode: 0o500 });
    const path = await place.file('outbox.json', {
      broker: { host: '127.0.0.1', port: await freePort() },
      ...COMMON,
      outbox: { directory: join(directory, 'outbox') },
    });
    await using daemon = powerless(['-c', path, '-L', 'ERROR']);
    expect(await saidBy(daemon, /\[E\]/)).toMatch(
      /can't keep messages in .*\/locked\/outbox: it may not be written: let the user of this process own it/,
    );
  });

  it('where Node.js is too old', async () => {
    const old = fileURLToPath(new URL('../test/old-node.cjs', import.meta.url));
    await using daemon = Daemon.spawn(process.execPath, ['--require', old, CLI, '--version']);
    expect(await daemon.exited).toBe(78);
    const said = await saidBy(daemon, /newer is needed/);
    expect(said).toContain(`this is Node.js 18.20.8 (${process.execPath}), and 20.19 or newer is needed`);
    expect(said).toContain('https://nodejs.org');
    expect(`>=${/and (\S+) or newer/.exec(said)?.[1]}`).toBe(packageJson.engines.node);
  });
});

/** A daemon that files keep out as they say, also where the tests run as root. */
function powerless(args: string[]): Daemon {
  const command = [process.execPath, CLI, '--log-format', 'human', ...args];
  if (process.getuid?.() !== 0) return Daemon.spawn(command[0] as string, command.slice(1));
  return Daemon.spawn('setpriv', ['--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all', ...command]);
}

/** Another client with the gateway's identifier, which insists on its connection. */
async function connectedTwin(url: string): Promise<MQTTConnector> {
  const twin = new MQTTConnector({ broker: url, clientId: 'twin', reconnect: { minMs: 20, maxMs: 50 } });
  await twin.run();
  return twin;
}
