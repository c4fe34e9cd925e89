import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DBusConnection, DBusEventBus, EVENT_MANAGER, MessageType } from '@cstbox/dbus-bus';
import { MQTTConnector, makeBasicEvent, type TimedEvent } from '@cstbox/mqtt-core';
import { HOSTILE_NAMES } from '@cstbox/mqtt-core/testing';
import {
  type Bus,
  brokerKinds,
  dbusDaemonMissing,
  freePort,
  startBroker,
  startBus,
  stopProcess,
  waitFor,
} from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { CLI, COMMON, Daemon, joinBus, openHouse, run, workplace } from '../test/daemon.js';

const call = (connection: DBusConnection, member: string) =>
  connection.call({
    destination: 'fr.cstb.cstbox.MQTTGateway',
    path: '/__system__',
    interface: 'fr.cstb.cstbox.__system__',
    member,
  });

describe.skipIf(dbusDaemonMissing()).each(brokerKinds)('mqttgwd between a bus and %s', (kind) => {
  it.each([0, 1, 2] as const)('carries events out and commands in, in order, at QoS %s', async (qos) => {
    await using house = await openHouse(kind, { qos });
    const commands: TimedEvent[] = [];
    await house.events.subscribe(['control'], {
      event: (_channel, event) => void commands.push(event),
      malformed() {},
    });
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    for (const n of numbers) await house.events.emit('sensor', makeBasicEvent('temperature', 'kitchen', n, 'degC'));
    for (const n of numbers)
      await house.user.publish('site/kitchen/set/light', JSON.stringify({ value: n, by: 'me' }), { qos });
    const arrived = () => house.messages.filter(({ topic }) => topic === 'site/kitchen/temperature');
    await waitFor('the events', () => arrived().length >= 200 && commands.length >= 200, 10_000);
    expect(arrived().map(({ text }) => JSON.parse(text).data)).toEqual(
      numbers.map((value) => ({ value, unit: 'degC' })),
    );
    expect(JSON.parse(arrived()[0]?.text as string)).toMatchObject({ var_type: 'temperature', var_name: 'kitchen' });
    expect(commands.map(({ varType, varName, data }) => [varType, varName, data])).toEqual(
      numbers.map((value) => ['switch', 'kitchen_light', { value, by: 'me' }]),
    );
  });

  it('lets nothing else cross', async () => {
    await using house = await openHouse(kind);
    const heard: string[] = [];
    await house.events.subscribe(['control', 'sensor', 'sysmon'], {
      event: (channel, { varName }) => void heard.push(`${channel} ${varName}`),
      malformed() {},
    });
    await house.events.emit('sensor', makeBasicEvent('motion', 'hall'));
    await house.events.emit('sysmon', makeBasicEvent('temperature', 'cpu', 50));
    await house.user.publish('site/kitchen/set/heating', '25', { qos: 1 });
    await house.user.publish('elsewhere', '25', { qos: 1 });
    await house.events.emit('sensor', makeBasicEvent('temperature', 'kitchen', 1));
    await house.user.publish('site/hall/set/light', 'on', { qos: 1 });
    await waitFor(
      'what may cross',
      () => heard.includes('control hall_light') && house.messages.some(({ topic }) => topic.endsWith('/temperature')),
    );
    expect(heard).toEqual(['sensor hall', 'sysmon cpu', 'sensor kitchen', 'control hall_light']);
    expect(
      house.messages
        .map(({ topic }) => topic)
        .filter((topic) => topic !== 'site/kitchen/temperature')
        .sort(),
    ).toEqual(['elsewhere', 'site/hall/set/light', 'site/kitchen/set/heating']);
  });

  it('does what rules as objects ask for, in a chain of filters, and subscribes to what they need', async () => {
    const use = '@cstbox/mqtt-filters-re';
    await using house = await openHouse(kind, {
      listened_topics: undefined,
      filters: {
        outbound: [
          {
            use,
            rules: [
              {
                match: 'energy:(?P<meter>[a-z]+)$',
                topic: 'site/energy/{meter}',
                retain: true,
                unit: 'kWh',
                round: 1,
                deadband: 0.5,
                payload: { json: { meter: '{meter}', kwh: '{value}' } },
                examples: { 'energy:main': 'site/energy/main', 'energy:main2': null },
              },
            ],
          },
          { use, rules: [['temperature:(?P<room>[a-z]+)$', 'site/{room}/temperature']] },
        ],
        inbound: {
          use,
          rules: [
            {
              match: 'site/(?P<room>[a-z]+)/set/heating$',
              emit: [['setpoint', '{room}']],
              read: 'number',
              value: { min: 5, max: 30 },
            },
          ],
        },
      },
    });
    expect(house.gateway.printed).toContain('site/+/set/heating');
    const commands: unknown[] = [];
    await house.events.subscribe(['control'], {
      event: (_channel, { varName, value }) => void commands.push([varName, value]),
      malformed() {},
    });
    for (const value of [1_000, 1_400, 1_600]) {
      await house.events.emit('sensor', makeBasicEvent('energy', 'main', value, 'Wh'));
    }
    await house.events.emit('sensor', makeBasicEvent('temperature', 'hall', 20));
    for (const text of ['99', 'warm', '21.5']) await house.user.publish('site/hall/set/heating', text, { qos: 1 });
    await waitFor(
      'both ways',
      () => commands.length > 0 && house.messages.some(({ topic }) => topic.endsWith('ature')),
    );
    expect(commands).toEqual([['hall', 21.5]]);
    const energy = house.messages.filter(({ topic }) => topic === 'site/energy/main').map(({ text }) => text);
    expect(energy).toEqual(['{"meter":"main","kwh":1}', '{"meter":"main","kwh":1.6}']);
    await stopProcess(house.gateway.child);
    expect(house.gateway.printed).toMatch(/bus to MQTT: .*forwarded 3, .*unchanged 1/);
    expect(house.gateway.printed).toMatch(/MQTT to bus: .*forwarded 1, .*out_of_range 1, not_a_number 1/);
  });

  it('survives what strangers send from both sides, counts it, and logs each kind once', async () => {
    await using house = await openHouse(kind);
    const forger = await DBusConnection.open(house.bus.address);
    const [owner] = await house.connection.call({
      destination: 'org.freedesktop.DBus',
      path: '/',
      interface: 'org.freedesktop.DBus',
      member: 'GetNameOwner',
      signature: 's',
      body: ['fr.cstb.cstbox.MQTTGateway'],
    });
    for (let index = 0; index < 3; index++) {
      forger.send({
        type: MessageType.SIGNAL,
        path: '/sensor',
        interface: EVENT_MANAGER,
        member: 'onCSTBoxEvent',
        signature: 'tsss',
        body: [1n, 'temperature', 'kitchen', '{"value": 666}'],
        destination: owner as string,
      });
      await house.emitRaw('emitEvent', 'sss', ['temperature', 'kitchen', '{"value": ']);
      await house.emitRaw('emitEvent', 'sss', ['temperature', 'kitchen', '[]']);
      await house.user.publish('site/kitchen/set/light', Buffer.from([0xff, 0xfe]), { qos: 1 });
    }
    await forger.close();
    for (const name of HOSTILE_NAMES) await house.emitRaw('emitEvent', 'sss', ['any', name, '{}']);
    await house.emitRaw('emitFullEvent', 'tsss', [2n ** 64n - 1n, 'temperature', 'exact', '{"value": 1}']);
    await waitFor('the last', () => house.messages.some(({ topic }) => topic === 'site/exact/temperature'));
    await stopProcess(house.gateway.child);

    expect(house.messages.find(({ topic }) => topic === 'site/exact/temperature')?.text).toContain(
      '"timestamp":18446744073709551615,',
    );
    expect(house.messages.map(({ text }) => text).join()).not.toContain('666');
    const any = house.messages.filter(({ topic }) => topic.startsWith('any/'));
    // All of them but the one of 64 KiB, which is no topic any more; each on one level.
    expect(any.map(({ text }) => JSON.parse(text).var_name)).toEqual(
      HOSTILE_NAMES.filter((name) => name.length < 65_536),
    );
    for (const { topic } of any) expect(topic.split('/')).toHaveLength(2);
    expect(new Set(any.map(({ topic }) => topic)).size).toBe(any.length);

    const { printed } = house.gateway;
    for (const reason of ['forged_signal', 'malformed_data', 'not_utf8', 'illegal_topic']) {
      expect(printed.match(new RegExp(`\\[W\\].*${reason}`, 'g')), reason).toHaveLength(1);
    }
    expect(printed).toMatch(/bus to MQTT: received \d+, .*forged_signal 3/);
    expect(printed).toMatch(/malformed_data 6/);
    expect(printed).toMatch(/MQTT to bus: received 3, forwarded 0, filtered 0, dropped 3 \(not_utf8 3\), waiting 0/);
  });

  it('waits for a broker that is away at the start, and loses nothing meanwhile', async () => {
    await using place = await workplace();
    await using bus = await startBus();
    const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
    await using manager = Daemon.start(['event-manager'], environment);
    await manager.says('running');
    const port = await freePort();
    const configuration = await place.file(
      'c.yaml',
      `broker: {host: 127.0.0.1, port: ${port}}\noutbox: {directory: outbox}\nfilters: ${JSON.stringify(COMMON.filters)}\n`,
    );
    await using gateway = Daemon.start(['-c', configuration], environment);
    await gateway.says('ECONNREFUSED');
    await using link = await joinBus(bus);
    const events = new DBusEventBus(link);
    for (let n = 0; n < 20; n++) await events.emit('sensor', makeBasicEvent('temperature', 'kitchen', n));
    await using broker = await startBroker({ kind, port });
    await gateway.says('connected to');
    gateway.child.kill('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(gateway.printed).toContain('bus to MQTT: received 20, forwarded 20');
    expect(broker.port).toBe(port);
  });
});

describe.skipIf(dbusDaemonMissing())('mqttgwd as a service', () => {
  it('announces its life, exports its objects, and stops when terminate() is called', async () => {
    await using place = await workplace();
    await using bus = await startBus();
    const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
    await using manager = Daemon.start(['event-manager'], environment);
    await manager.says('running');
    await using connection = await DBusConnection.open(bus.address);
    const states: unknown[] = [];
    await using link = await joinBus(bus);
    await new DBusEventBus(link).subscribe(['framework'], {
      event: (_channel, { varType, varName, data }) => void states.push([varType, varName, data]),
      malformed() {},
    });
    await using broker = await startBroker();
    const configuration = await place.file('c.json', { broker: { host: broker.url }, ...COMMON });
    await using gateway = Daemon.start(['--config', configuration, '--loglevel', 'ERROR'], environment);
    await waitFor('the announcements', () => states.length === 2);
    const introspect = (path: string) =>
      connection.call({
        destination: 'fr.cstb.cstbox.MQTTGateway',
        path,
        interface: 'org.freedesktop.DBus.Introspectable',
        member: 'Introspect',
      });
    expect((await introspect('/service'))[0]).toContain('<interface name="fr.cstb.cstbox.MQTTGateway">');
    expect(await call(connection, 'terminate')).toEqual([]);
    expect(await gateway.exited).toBe(0);
    await waitFor('the announcements', () => states.length === 4);
    expect(states).toEqual(
      [
        [2, 'starting'],
        [3, 'running'],
        [4, 'stopping'],
        [1, 'stopped'],
      ].map(([state, state_str]) => ['svcevt', 'MQTTGateway', { state, state_str }]),
    );
    expect(gateway.printed).toBe('');
    expect(await call(connection, 'terminate').catch((error) => error.code)).toBe('bus_unreachable');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stops in order on %s, whatever it is doing', async (signal) => {
    await using house = await openHouse('aedes');
    for (let n = 0; n < 500; n++)
      void house.events.emit('sensor', makeBasicEvent('temperature', 'kitchen', n)).catch(() => {});
    house.gateway.child.kill(signal);
    expect(await house.gateway.exited).toBe(0);
    expect(house.gateway.printed).toContain('stopped');
    expect(await house.connection.getNameOwner('fr.cstb.cstbox.MQTTGateway')).toBeUndefined();
  });

  it('stops on a signal while the broker is away, at once', async () => {
    await using place = await workplace();
    await using bus = await startBus();
    const configuration = await place.file('c.json', {
      broker: { host: '127.0.0.1', port: await freePort() },
      ...COMMON,
    });
    await using gateway = Daemon.start(['-c', configuration], { DBUS_SESSION_BUS_ADDRESS: bus.address });
    await gateway.says('ECONNREFUSED');
    const started = performance.now();
    gateway.child.kill('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('stops while something accepts its connection and says nothing', async () => {
    await using place = await workplace();
    await using bus = await startBus();
    const mute = createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    try {
      const { port } = mute.address() as { port: number };
      const configuration = await place.file('c.json', { broker: { host: '127.0.0.1', port }, ...COMMON });
      await using gateway = Daemon.start(['-c', configuration], { DBUS_SESSION_BUS_ADDRESS: bus.address });
      await gateway.says('running');
      await new Promise((resolve) => setTimeout(resolve, 500));
      const started = performance.now();
      gateway.child.kill('SIGTERM');
      expect(await gateway.exited).toBe(0);
      expect(performance.now() - started).toBeLessThan(2_500);
    } finally {
      mute.close();
    }
  });

  it('goes on when nobody reads its log any more', async () => {
    await using house = await openHouse('aedes');
    house.gateway.child.stderr?.destroy();
    house.gateway.child.stdout?.destroy();
    for (let round = 0; round < 3; round++) {
      // Each of these would be a line in the log.
      await house.emitRaw('emitEvent', 'sss', ['temperature', 'kitchen', '[]']);
      house.broker.cut();
      await waitFor('the connection of the user', () => house.user.connected);
    }
    await waitFor('an event that leaves', async () => {
      await house.events.emit('sensor', makeBasicEvent('temperature', 'kitchen', 1));
      return house.messages.some(({ topic }) => topic === 'site/kitchen/temperature');
    });
    expect(house.gateway.child.exitCode).toBeNull();
    house.gateway.child.kill('SIGTERM');
    expect(await house.gateway.exited).toBe(0);
  });

  it('does not start beside another one, and names it', async () => {
    await using house = await openHouse('aedes');
    const second = await run(['-c', house.configuration], house.environment);
    expect(second.code).toBe(73);
    expect(second.printed.trim()).toMatch(
      new RegExp(
        `^mqttgwd: fr\\.cstb\\.cstbox\\.MQTTGateway is already owned on this bus by process ${house.gateway.child.pid}: stop that one first$`,
        'm',
      ),
    );
    const manager = await run(['event-manager'], house.environment);
    expect(manager.code).toBe(73);
    expect(manager.printed).toContain('fr.cstb.cstbox.EventManager is already owned');
  });

  it('does not share an outbox with another one, on whatever bus that is', async () => {
    await using house = await openHouse('aedes');
    await using other = await startBus();
    const second = await run(['-c', house.configuration], { DBUS_SESSION_BUS_ADDRESS: other.address });
    expect(second.code).toBe(73);
    expect(second.printed).toMatch(
      /^mqttgwd: another process keeps messages in .*outbox: stop it, or choose another directory$/m,
    );
  });

  it('writes its counts to the log on SIGUSR1, and goes on', async () => {
    await using house = await openHouse('aedes');
    house.gateway.child.kill('SIGUSR1');
    await house.gateway.says('MQTT to bus: received 0, forwarded 0, filtered 0, dropped 0, waiting 0');
    house.gateway.child.kill('SIGTERM');
    expect(await house.gateway.exited).toBe(0);
  });

  it('waits for a bus that is away, says where it looks, and stops at once when it is told to', async () => {
    await using place = await workplace();
    const broker = { host: '127.0.0.1', port: await freePort() };
    const configuration = await place.file('c.json', { broker, ...COMMON });
    const inFile = await place.file('d.json', { broker, dbus: { address_file: 'bus.env' }, ...COMMON });
    for (const [path, environment, line] of [
      [
        configuration,
        {},
        /\[W\] DBus > no bus to join: can't read \/var\/run\/cstbox\/cstbox-dbus: ENOENT.*DBUS_SESSION_BUS_ADDRESS/,
      ],
      [inFile, {}, new RegExp(`can't read ${place.directory}/bus\\.env: ENOENT`)],
      [
        configuration,
        { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere/bus' },
        /\[W\] DBus > no bus answers at unix:path=\/nowhere\/bus: connect ENOENT \/nowhere\/bus \(the address comes from DBUS_SESSION_BUS_ADDRESS; /,
      ],
    ] as const) {
      await using gateway = Daemon.start(['-c', path], environment);
      await gateway.says('running');
      expect(gateway.printed).toMatch(line);
      await sleep(1_500);
      const started = performance.now();
      gateway.child.kill('SIGINT');
      expect(await gateway.exited).toBe(0);
      expect(performance.now() - started).toBeLessThan(5_000);
      expect(gateway.printed.match(/\[W\] DBus/g)).toHaveLength(1);
    }
  });

  it('refuses an address in the environment that can never work', async () => {
    await using place = await workplace();
    const configuration = await place.file('c.json', { broker: { host: 'localhost' }, ...COMMON });
    expect(await run(['-c', configuration], { DBUS_SESSION_BUS_ADDRESS: 'nonsense' })).toMatchObject({
      code: 78,
      printed: expect.stringContaining('it comes from DBUS_SESSION_BUS_ADDRESS'),
    });
  });

  it('takes the bus that its configuration names before that of the environment', async () => {
    await using place = await workplace();
    await using bus = await startBus();
    const configuration = await place.file('c.json', {
      broker: { host: '127.0.0.1', port: await freePort() },
      dbus: { address: bus.address },
      ...COMMON,
    });
    await using gateway = Daemon.start(['-c', configuration], { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' });
    await gateway.says('running');
  });

  it('attaches again when bus and event manager are killed and restarted, here or at another address', async () => {
    await using place = await workplace();
    await using broker = await startBroker();
    await using first = await startBus();
    await using second = await startBus();
    const configuration = await place.file('c.json', {
      broker: { host: broker.url },
      listened_topics: ['site/+/set/#'],
      dbus: { address_file: 'bus.env' },
      ...COMMON,
    });
    const say = (bus: Bus) =>
      place.file('bus.env', `DBUS_SESSION_BUS_ADDRESS='${bus.address}';\nDBUS_SESSION_BUS_PID=1;\n`);
    await using gateway = Daemon.start(['-c', configuration]);
    await gateway.says('subscribed to');
    await say(first);
    await using user = new MQTTConnector({ broker: broker.url });
    await user.run();
    /** The gateway's way from the broker to the bus works, and it is a service there. */
    const works = async (bus: Bus) => {
      await using link = await joinBus(bus);
      let heard = 0;
      await new DBusEventBus(link).subscribe(['control'], { event: () => void heard++, malformed() {} });
      await waitFor(
        'a command',
        async () => {
          await user.publish('site/attic/set/light', 'on', { qos: 1 });
          await sleep(50);
          return heard > 0;
        },
        15_000,
      );
      const connection = link.connection as DBusConnection;
      expect(await connection.getNameOwner('fr.cstb.cstbox.MQTTGateway')).toBeTruthy();
    };
    {
      await using manager = Daemon.start(['event-manager'], { DBUS_SESSION_BUS_ADDRESS: first.address });
      await manager.says('running');
      await works(first);
      await first.restart();
      await works(first);
      manager.child.kill('SIGKILL');
      await manager.exited;
    }
    {
      await using manager = Daemon.start(['event-manager'], { DBUS_SESSION_BUS_ADDRESS: first.address });
      await manager.says('running');
      await works(first);
    }
    await say(second);
    await first.kill();
    await using _manager = Daemon.start(['event-manager'], { DBUS_SESSION_BUS_ADDRESS: second.address });
    await works(second);
    await using link = await joinBus(second);
    await call(link.connection as DBusConnection, 'terminate');
    expect(await gateway.exited).toBe(0);
  });
});

describe('the command line of mqttgwd', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };

  it.each([
    [['--version'], 0, version],
    [['--help'], 0, 'Usage: mqttgwd [options] [command]'],
    [['-h'], 0, '78 wrong configuration'],
    [['event-manager', '--help'], 0, 'Usage: mqttgwd event-manager'],
    [['--colour'], 64, "unknown option '--colour'"],
    [['-L', 'LOUD'], 64, 'Allowed are DEBUG, INFO, WARN, ERROR, CRITICAL'],
    [['event-manager', '-c', 'x'], 64, 'event-manager takes no configuration'],
    [['-c'], 64, 'argument missing'],
    [['event-manger'], 64, "unknown command 'event-manger'"],
    [['gateway.json'], 64, 'as in -c gateway.json'],
    [['-c', '/nowhere.cfg'], 78, 'mqttgwd: there is no configuration file at /nowhere.cfg: name one with -c PATH'],
    [['-c', 'nowhere.cfg'], 78, 'nowhere.cfg nor at /etc/cstbox/nowhere.cfg: name one with -c PATH'],
    [['-L', 'debug', '-c', '/nowhere.cfg'], 78, 'no configuration file'],
  ])('%j ends with %s', async (args, code, text) => {
    const result = await run(args);
    expect(result.printed).toContain(text);
    expect(result.code).toBe(code);
  });

  it('takes the hyphens along that a package manager hands on', async () => {
    await using daemon = Daemon.spawn(process.execPath, [CLI, '--', '-c', '/nowhere.cfg']);
    expect(await daemon.exited).toBe(78);
    expect(daemon.printed).toContain('there is no configuration file at /nowhere.cfg');
  });

  it('is not ended by a SIGHUP or SIGUSR1 that comes while it is still being loaded', () => {
    const script = (name: string) => `await import('${CLI}'); process.kill(process.pid, '${name}')`;
    for (const name of ['SIGHUP', 'SIGUSR1']) {
      const args = ['--input-type=module', '-e', script(name), 'mqttgwd', '-c', '/nowhere.cfg'];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 78, stderr: expect.stringMatching(/^mqttgwd: there is no/) });
    }
  });

  it('reports everything that is wrong in a configuration at once: keys, files, rules of both directions', async () => {
    await using place = await workplace();
    const path = await place.file(
      'bad.yaml',
      `broker: { host: h, prot: 1 }
qos: 9
filters:
  outbound:
    use: "@cstbox/mqtt-filters-re"
    rules:
      - ["temperature:(", "site"]
      - ["a:b$", "site/{room}"]
  inbound:
    use: "@cstbox/mqtt-filters-re"
    rules:
      - ["x$", [["switch"]]]
      - ["(?P<a>x)(?>y)$", []]
`,
    );
    const { code, printed } = await run(['-c', path]);
    expect(code).toBe(78);
    const lines = printed
      .trim()
      .split('\n')
      .map((line) => line.replace(`mqttgwd: ${path}:`, ''));
    expect(lines.map((line) => line.split(' ')[0])).toEqual(
      ['1:20:', '2:1:', '7:10:', '8:18:', '12:16:', '13:10:'].map((place) =>
        expect.stringMatching(new RegExp(`^${place.split(':')[0]}:`)),
      ),
    );
    expect(printed).toContain("did you mean 'port'?");
    expect(printed).toContain('invalid regex (temperature:()');
    expect(printed).toContain('parameters not found in rule regex (room)');
    expect(printed).toContain('invalid event specification (');
  });

  it('does not start with rules that make a loop, and shows the way it goes', async () => {
    await using place = await workplace();
    const path = await place.file(
      'loop.yaml',
      `broker: { host: h }
filters:
  outbound:
    - use: "@cstbox/mqtt-filters-re"
      rules:
        - ["temperature:[a-z]+$", x]
    - use: "@cstbox/mqtt-filters-re"
      rules:
        - { match: "switch:(?P<room>[a-z]+)$", topic: "site/{room}/light" }
  inbound:
    use: "@cstbox/mqtt-filters-re"
    rules:
      - ["site/(?P<room>[a-z]+)/light$", [[switch, "{room}"]]]
`,
    );
    const { code, printed } = await run(['-c', path]);
    expect(code).toBe(78);
    expect(printed).toContain(`mqttgwd: ${path}:9:11: an event that goes out comes back in`);
    expect(printed).toContain('"switch:a" → "site/a/light" → "switch:a"');
    expect(printed).toContain('(at filters.outbound[1].rules[0])');
  });

  it('names every certificate and key that is missing, beside whatever else is wrong', async () => {
    await using place = await workplace();
    const path = await place.file(
      'c.yaml',
      `broker: {host: h}\nqos: 7\ntls:\n  ca_certs: ca.pem\n  certfile: cert.pem\n  keyfile: key.pem\nfilters: ${JSON.stringify(COMMON.filters)}\n`,
    );
    const { code, printed } = await run(['-c', path]);
    expect(code).toBe(78);
    const places = printed
      .trim()
      .split('\n')
      .map((line) => line.replace(`mqttgwd: ${path}:`, '').split(' ')[0]);
    expect(places).toEqual(['2:1:', '4:3:', '5:3:', '6:3:']);
  });

  it('names the file that is no certificate', async () => {
    await using place = await workplace();
    await place.file('ca.pem', '{}');
    const path = await place.file(
      'c.yaml',
      `broker: {host: h}\ntls: {ca_certs: ca.pem}\nfilters: ${JSON.stringify(COMMON.filters)}\n`,
    );
    const { printed } = await run(['-c', path]);
    expect(printed).toMatch(
      new RegExp(
        `^mqttgwd: ${path}:2:7: ${place.directory}/ca.pem: can't be read as certificates \\(PEM\\): .*\\(at tls.ca_certs\\)\\n$`,
      ),
    );
  });

  it('names the certificate that is missing, and its line', async () => {
    await using place = await workplace();
    const path = await place.file(
      'c.yaml',
      `broker: {host: h}\ntls:\n  ca_certs: ca.pem\nfilters: ${JSON.stringify(COMMON.filters)}\n`,
    );
    const { code, printed } = await run(['-c', path]);
    expect(code).toBe(78);
    expect(printed).toBe(
      `mqttgwd: ${path}:3:3: can't read ${place.directory}/ca.pem: ENOENT: no such file or directory (at tls.ca_certs)\n`,
    );
  });
});

describe('a filter of somebody else', () => {
  const filters = (use: string, options = {}) => ({
    broker: { host: '127.0.0.1' },
    outbox: COMMON.outbox,
    filters: { outbound: { use, ...options } },
  });
  const good = `export const createOutboundFilter = ({ topic }) => ({ channels: ['sensor'], getMqttTopic: () => topic, makePayload: () => 'mine' });`;

  it.skipIf(dbusDaemonMissing()).each([
    ['a path relative to the configuration file', './filters/mine.mjs', 'filters/mine.mjs'],
    ['a package beside the configuration file', 'mqttgwd-filter-mine', 'node_modules/mqttgwd-filter-mine/index.mjs'],
  ])('is loaded from %s, and works', async (_what, use, path) => {
    await using place = await workplace();
    await using bus = await startBus();
    await using broker = await startBroker();
    await place.file(path, good);
    await place.file('node_modules/mqttgwd-filter-mine/package.json', {
      name: 'mqttgwd-filter-mine',
      exports: { import: './index.mjs' },
    });
    const configuration = await place.file('c.json', {
      ...filters(use, { topic: 'from/mine' }),
      broker: { host: broker.url },
    });
    const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
    await using manager = Daemon.start(['event-manager'], environment);
    await using gateway = Daemon.start(['-c', configuration], environment, '/');
    await Promise.all([manager.says('running'), gateway.says('connected to')]);
    await using user = new MQTTConnector({ broker: broker.url, topics: ['from/mine'] });
    const texts: string[] = [];
    user.onMessage = (_client, _userData, { payload }) => void texts.push(Buffer.from(payload).toString());
    await user.run();
    await using link = await joinBus(bus);
    await new DBusEventBus(link).emit('sensor', makeBasicEvent('motion', 'hall'));
    await waitFor('the message', () => texts.length > 0);
    expect(texts).toEqual(['mine']);
  });

  it.skipIf(dbusDaemonMissing()).each([
    ['gives back what it holds when it is told', '[Symbol.asyncDispose]: async () => clearInterval(timer),', false],
    ['does not keep the process when it holds on to something', '', true],
  ])('%s', async (_what, dispose, isWarned) => {
    await using place = await workplace();
    await using bus = await startBus();
    await place.file(
      'mine.mjs',
      `const timer = setInterval(() => {}, 1000);
       export const createOutboundFilter = () => ({ ${dispose} channels: ['sensor'], getMqttTopic: () => null, makePayload: () => '' });`,
    );
    const configuration = await place.file('c.json', {
      ...filters('./mine.mjs'),
      broker: { host: '127.0.0.1', port: await freePort() },
    });
    await using gateway = Daemon.start(['-c', configuration], { DBUS_SESSION_BUS_ADDRESS: bus.address });
    await gateway.says('running');
    gateway.child.kill('SIGTERM');
    expect(await gateway.exited).toBe(0);
    expect(gateway.printed.includes('still running after the stop')).toBe(isWarned);
  });

  it.each([
    [
      'hears nothing',
      './mine.mjs',
      'export const createOutboundFilter = () => ({ getMqttTopic() {}, makePayload() {} })',
      'it has no channels',
    ],
    [
      'makes no payload',
      './mine.mjs',
      'export const createOutboundFilter = () => ({ channels: ["sensor"], getMqttTopic() {} })',
      'it has no makePayload()',
    ],
    ['is not there', './none.mjs', '', "there is no module './none.mjs': paths are relative to this file"],
    [
      'is not installed',
      'no-such-filter',
      '',
      "there is no module 'no-such-filter': install it beside this file, or write './no-such-filter' if you mean a file",
    ],
    ['is no JavaScript', './mine.mjs', 'export const = 1', "can't load './mine.mjs'"],
    ['throws when loaded', './mine.mjs', 'throw new Error("at load")', 'at load'],
    [
      'is for the other direction',
      './mine.mjs',
      'export const createInboundFilter = () => ({})',
      'exports no createOutboundFilter',
    ],
    [
      'makes nothing',
      './mine.mjs',
      'export const createOutboundFilter = () => {}',
      'returned no filter: it has no getMqttTopic()',
    ],
    [
      'refuses its options',
      './mine.mjs',
      'export const createOutboundFilter = () => { throw new RangeError("too many") }',
      "'./mine.mjs' refuses its section: too many",
    ],
  ])('that %s is a clear error with its place', async (_what, use, source, message) => {
    await using place = await workplace();
    if (source) await place.file('mine.mjs', source);
    const path = await place.file('c.json', filters(use));
    const { code, printed } = await run(['-c', path]);
    expect(printed).toContain(message);
    expect(printed).toMatch(new RegExp(`^mqttgwd: ${path}:\\d+:\\d+: .*\\(at filters\\.outbound(\\.use)?\\)$`, 'm'));
    expect(code).toBe(78);
  });

  it.skipIf(dbusDaemonMissing())(
    'may stand before another: the first that answers decides, and each has its books',
    async () => {
      await using place = await workplace();
      await using bus = await startBus();
      await using broker = await startBroker();
      await place.file(
        'mine.mjs',
        `export const createOutboundFilter = ({ type }) => ({
         channels: ['sensor'],
         getMqttTopic: (timestamp, varType) => (varType === type ? 'from/' + type : null),
         makePayload: () => 'mine',
       });`,
      );
      const configuration = await place.file('c.json', {
        ...filters(''),
        broker: { host: broker.url },
        filters: { outbound: ['motion', 'power', 'flow'].map((type) => ({ use: './mine.mjs', type })) },
      });
      const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
      await using manager = Daemon.start(['event-manager'], environment);
      await using gateway = Daemon.start(['-c', configuration], environment);
      await Promise.all([manager.says('running'), gateway.says('connected to')]);
      await using user = new MQTTConnector({ broker: broker.url, topics: ['from/#'] });
      const topics: string[] = [];
      user.onMessage = (_client, _userData, { topic }) => void topics.push(topic);
      await user.run();
      await using link = await joinBus(bus);
      const eventBus = new DBusEventBus(link);
      for (const type of ['power', 'other', 'motion']) await eventBus.emit('sensor', makeBasicEvent(type, 'hall'));
      await waitFor('the messages', () => topics.length === 2);
      expect(topics).toEqual(['from/power', 'from/motion']);
      gateway.child.kill('SIGTERM');
      expect(await gateway.exited).toBe(0);
      for (const counts of [
        'bus to MQTT: received 3, forwarded 2, filtered 1',
        'bus to MQTT, ./mine.mjs: received 3, forwarded 1, filtered 2',
        'bus to MQTT, ./mine.mjs#2: received 2, forwarded 1, filtered 1',
        'bus to MQTT, ./mine.mjs#3: received 1, forwarded 0, filtered 1',
      ]) {
        expect(gateway.printed).toContain(counts);
      }
    },
  );

  it('among several is named by its place where it is wrong, and all that are wrong are', async () => {
    await using place = await workplace();
    await place.file('good.mjs', good);
    const rules = [['temperature:(', 'a']];
    const path = await place.file('c.json', {
      ...filters(''),
      filters: {
        outbound: [{ use: './good.mjs' }, { use: '@cstbox/mqtt-filters-re', rules }, { use: './none.mjs' }],
      },
    });
    const { code, printed } = await run(['-c', path]);
    expect(printed).toMatch(/\(at filters\.outbound\[1\]\.rules\[0\]\[0\]\)$/m);
    expect(printed).toMatch(/there is no module '\.\/none\.mjs'.*\(at filters\.outbound\[2\]\.use\)$/m);
    expect(code).toBe(78);
  });

  it('is needed: without any, nothing could cross', async () => {
    await using place = await workplace();
    for (const content of [{ broker: { host: 'h' } }, { broker: { host: 'h' }, filters: {} }]) {
      const { code, printed } = await run(['-c', await place.file('c.json', content)]);
      expect(code).toBe(78);
      expect(printed).toContain('expected a filter: inbound, outbound or both');
    }
  });
});
