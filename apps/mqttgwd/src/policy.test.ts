import { spawnSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { DBusConnection, DBusEventBus, EVENT_MANAGER } from '@cstbox/dbus-bus';
import { MQTTConnector, makeBasicEvent, silentLogger } from '@cstbox/mqtt-core';
import { type Bus, brokerKinds, dbusDaemonMissing, startBroker, startBus, waitFor } from '@cstbox/test-peers';
import { describe, expect, it, vi } from 'vitest';
import { Daemon, joinBus, run, workplace } from '../test/daemon.js';
import { loadGateway } from './load-gateway.js';
import {
  type BusPolicyOptions,
  busPolicy,
  type MosquittoPolicyOptions,
  mosquittoPolicy,
} from './policy/make-policy.js';

const GATEWAY = 'fr.cstb.cstbox.MQTTGateway';

// Each test starts a dozen processes.
vi.setConfig({ testTimeout: 60_000 });

/** Everything that rules of both directions may ask for. */
const CONFIGURATION = {
  auth: { username: 'gate way', password: 'gateway-secret' },
  qos: 2,
  outbox: { durability: 'memory' },
  filters: {
    outbound: {
      use: '@cstbox/mqtt-filters-re',
      rules: [
        ['temperature:(?P<room>[a-z]+)$', 'site/{room}/temperature'],
        { match: 'power:(?<what>[a-z]+)$', topic: '%u n 1/{what}', qos: 1, retain: true },
        { match: 'motion:(?<room>[a-z]+)$', topic: 'site/{room}/motion', qos: 0, channel: 'sensor' },
      ],
    },
    inbound: {
      use: '@cstbox/mqtt-filters-re',
      rules: [
        ['site/(?P<room>[a-z]+)/set/light$', [['switch', '{room}_light']]],
        ['site/log/#?', [['log', 'all', 'sysmon']]],
      ],
    },
  },
};

async function policy(kind: string, path: string, ...options: string[]): Promise<string> {
  const { code, printed } = await run(['policy', kind, '-c', path, ...options]);
  expect(code, printed).toBe(0);
  return printed;
}

/** A client of the broker, and what it was told. */
async function connect(broker: string, topics: string[], account?: { name: string; password: string }) {
  const heard: string[] = [];
  const login = account && { login: account.name, password: account.password };
  const connector = new MQTTConnector({ broker, topics, ...login });
  connector.onMessage = (_client, _data, { topic, payload, retain }) =>
    void heard.push(`${topic}${retain ? ' retained' : ''} ${Buffer.from(payload)}`);
  await connector.run();
  return Object.assign(connector, { heard, hears: (text: string) => waitFor(text, () => said(heard, text)) });
}

function said(lines: readonly string[], text: string): boolean {
  return lines.some((line) => line.includes(text));
}

/** Both policies for a configuration, made within this process. */
async function policies(content: object, { mosquitto = {}, bus = { user: 'mqttgwd' } }: PolicyOptions = {}) {
  await using place = await workplace();
  await place.file(
    'mute.mjs',
    `export const createOutboundFilter = () => ({ channels: ['sensor'], getMqttTopic: () => 'x', makePayload: () => '' });
export const createInboundFilter = () => ({ topicFilters: ['in'], acceptEvent: () => [] });`,
  );
  const path = await place.file('gateway.json', { broker: { host: 'h', client_id: 'a/b' }, ...content });
  await using loaded = await loadGateway(path, { logger: () => silentLogger, environment: {} });
  const warnings: string[] = [];
  const said = (make: () => string) => {
    try {
      return make();
    } catch (error) {
      return (error as Error).message;
    }
  };
  const acl = said(() => mosquittoPolicy(loaded, mosquitto, (message) => warnings.push(message)));
  return { acl, xml: said(() => busPolicy(loaded, bus)), warnings };
}

interface PolicyOptions {
  mosquitto?: MosquittoPolicyOptions;
  bus?: BusPolicyOptions;
}

describe('policy', () => {
  it('says for each line which rule needs it, and what it can not know', async () => {
    const bus = { user: 'box', operator: ['ann', 'bob'] };
    const { acl, xml, warnings } = await policies(CONFIGURATION, { bus });
    expect(warnings).toEqual([]);
    expect(acl).toContain('user gate way\n');
    expect(acl).toMatch(/# filters\.outbound\.rules\[1\] \(line \d+\): power:.*\ntopic write %u n 1\/\+\n/);
    expect(acl).toMatch(/# filters\.inbound\.rules\[0\] \(line \d+\): site.*\ntopic read site\/\+\/set\/light\n/);
    expect(acl).toContain('# topic write FILTER\n');
    expect(acl).toContain('# topic readwrite mqttgwd/a%2Fb/probe\n');
    const lines = acl.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toEqual([
      'user gate way',
      'topic read site/+/set/light',
      'topic read site/log/+/#',
      'topic write site/+/temperature',
      'topic write %u n 1/+',
      'topic write site/+/motion',
    ]);

    expect(xml.replace(/\s+/g, ' ')).toMatch(
      /Events to the channel sysmon: filters\.inbound\.rules\[1\] \(line \d+\): site\/log/,
    );
    expect(xml.match(/^ {2}<policy [^>]*>/gm)?.map((line) => line.trim())).toEqual([
      '<policy context="default">',
      ...['box', 'root', 'ann', 'bob'].map((user) => `<policy user="${user}">`),
    ]);
    expect(`${acl}${xml}`.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('names a filter that does not say what it needs, and takes it by hand', async () => {
    const filters = { outbound: { use: './mute.mjs' }, inbound: { use: './mute.mjs' } };
    const unknown = await policies({ filters });
    expect(unknown.acl).toMatch(
      /gateway\.json:\d+:5: the outbound filter \.\/mute\.mjs does not say which topics it needs: name them all with --topic FILTER/,
    );
    expect(unknown.xml).toContain('name them all with --channel NAME');
    const { acl, xml } = await policies(
      { filters },
      {
        mosquitto: { topic: ['x'], replyTopic: ['answers/#'], user: 'box' },
        bus: { user: 'box', channel: ['control'] },
      },
    );
    expect(acl).toMatch(/^user box$[\s\S]*^topic read in$[\s\S]*^topic write x$[\s\S]*^topic write answers\/#$/m);
    expect(xml).toContain('send_path="/control"');
    expect((await policies(CONFIGURATION, { bus: { user: 'root' } })).xml).toContain('a user of its own');
  });

  it('explains lines for nobody, and what an access list can not hold', async () => {
    const content = { ...CONFIGURATION, auth: undefined, listened_topics: ['$share/a/b', ' x/\n/y', 'site/#'] };
    const { acl, warnings } = await policies(content);
    expect(acl).toMatch(/hold for every client without a user name/);
    expect(acl).not.toMatch(/^user/m);
    expect(acl).toMatch(/^topic read b$[\s\S]*^# Wider than needed: .* {2}x\/\\x0a\/y\.$\n^topic read \+\/\+\/y$/m);
    expect(warnings).toEqual([expect.stringContaining("an acl_file can't hold ' x/\\x0a/y' as it is")]);
    const odd = await policies(content, { mosquitto: { user: 'two\nlines' } });
    expect(odd.acl).toContain("can't hold the user name 'two\\x0alines'");
  });
});

describe.skipIf(!brokerKinds.includes('mosquitto') || dbusDaemonMissing())('the access list for Mosquitto', () => {
  it('lets the gateway do all its work, and refuses one topic more', async () => {
    await using place = await workplace();
    await using bus = await startBus();
    const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
    await using manager = Daemon.start(['event-manager'], environment);
    const draft = await place.file('draft.json', { broker: { host: 'h', client_id: 'box-17' }, ...CONFIGURATION });
    const acl = await policy('mosquitto', draft, '--reply-topic', 'answers/#');
    const own = { name: CONFIGURATION.auth.username, password: CONFIGURATION.auth.password };
    const asker = { name: 'asker', password: 'asker-secret' };
    const probe = '# topic readwrite mqttgwd/box-17/probe';
    expect(acl).toContain(probe);
    await using broker = await startBroker({
      kind: 'mosquitto',
      acl: [acl.replace(probe, probe.slice(2)), 'user asker', 'topic readwrite #'],
      user: [own, asker],
    });
    const path = await place.file('gateway.json', {
      broker: { host: broker.url, client_id: 'box-17' },
      ...CONFIGURATION,
    });
    await manager.says('running');
    await using gateway = Daemon.start(['-c', path, '-L', 'DEBUG'], environment);
    await gateway.says('subscribed to');
    await using link = await joinBus(bus);
    await using events = new DBusEventBus(link);
    const controls: string[] = [];
    const keep = {
      event: (channel: string, { varName }: { varName: string }) => void controls.push(`${channel} ${varName}`),
      malformed() {},
    };
    await using _subscription = await events.subscribe(['control', 'sysmon'], keep);
    await using user = await connect(broker.url, ['#'], asker);

    for (const [type, name] of [
      ['temperature', 'hall'],
      ['power', 'pump'],
      ['motion', 'hall'],
    ] as const) {
      await events.emit('sensor', makeBasicEvent(type, name, 1));
    }
    await user.hears('site/hall/temperature ');
    await user.hears('%u n 1/pump ');
    await user.hears('site/hall/motion ');
    await using late = await connect(broker.url, ['%u n 1/+'], asker);
    await late.hears('%u n 1/pump retained');

    const reply = { properties: { responseTopic: 'answers/asker' } };
    for (const qos of [1, 2] as const) await user.publish('site/hall/set/light', 'on', { qos, ...reply });
    await user.publish('site/log/x', 'text', { qos: 1 });
    await user.hears('answers/asker {"outcome":"accepted"');
    await waitFor('the commands', () => controls.length === 3);
    expect(controls).toEqual(['control hall_light', 'control hall_light', 'sysmon all']);
    const checked = await run(['check', '--connect', '-c', path], environment);
    expect(checked.printed).toMatch(/a gateway runs already.*none failed/s);
    expect(checked.code).toBe(0);
    expect(gateway.printed).not.toMatch(/not authorized|refused/i);
    gateway.child.kill('SIGTERM');
    expect(await gateway.exited).toBe(0);

    // The same login, and one topic more: out, in, and where answers of others go.
    for (const topic of ['site/hall/temperature/x', 'site/hall/other', 'other', 'mqttgwd/box-17']) {
      // Mosquitto ends the connection after it has said no.
      await using once = await connect(broker.url, [], own);
      await once.publish('site/hall/temperature', 'x', { qos: 2 });
      await expect(once.publish(topic, 'x', { qos: 1 }), topic).rejects.toMatchObject({ code: 'broker_refused' });
    }
    await using thief = await connect(broker.url, ['site/+/set/light', 'site/+/set/other'], own);
    await user.publish('site/hall/set/other', 'secret', { qos: 1 });
    await user.publish('site/hall/set/light', 'last', { qos: 1 });
    await thief.hears('last');
    expect(thief.heard).toEqual(['site/hall/set/light last']);
  });
});

/** Gateway, event manager, an operator and a stranger are users of their own; the test is root. */
const USERS = { gateway: 'nobody', manager: 'daemon', operator: 'games', stranger: 'bin' };

const canBeOthers = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).error === undefined;

/** What the rest of the house may do: the event manager all of its work, root talk to it, and the stranger join the bus. */
const HOUSE = `
<policy user="${USERS.manager}">
  <allow own="${EVENT_MANAGER}"/>
  <allow send_destination="*"/> <allow receive_sender="*"/> <allow receive_type="method_call"/>
  <allow send_type="signal"/> <allow send_requested_reply="true"/> <allow receive_requested_reply="true"/>
</policy>
<policy user="root">
  <allow send_destination="${EVENT_MANAGER}"/> <allow receive_sender="${EVENT_MANAGER}"/>
  <allow send_destination="org.freedesktop.DBus"/> <allow receive_sender="org.freedesktop.DBus"/>
  <allow own="org.example.Other"/>
</policy>
<policy user="${USERS.stranger}">
  <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/> <allow receive_requested_reply="true"/>
</policy>`;

const DEFAULTS = {
  'forbids everything': '<deny own="*"/> <deny send_destination="*"/> <deny receive_sender="*"/>',
  'allows everything': '<allow own="*"/> <allow send_destination="*" eavesdrop="true"/> <allow receive_sender="*"/>',
} as const;

async function runAs(user: string, args: string[], environment: Record<string, string>) {
  await using daemon = Daemon.startAs(user, args, environment);
  const code = await daemon.exited;
  return { code, printed: daemon.printed };
}

/** Operators see the gateway, strangers do not, and the gateway's own user may try its connections. */
async function tryCommands(configuration: string, environment: Record<string, string>, broker: string) {
  const [status, refused, check] = await Promise.all([
    runAs(USERS.operator, ['status', '-c', configuration], environment),
    runAs(USERS.stranger, ['status', '-c', configuration], environment),
    runAs(USERS.gateway, ['check', '--connect', '-c', configuration], environment),
  ]);
  expect(status.printed).toContain(broker);
  expect(refused).toEqual({ code: 69, printed: expect.stringContaining('does not let this user speak') });
  expect(check, check.printed).toMatchObject({ code: 0, printed: expect.stringContaining('none failed') });
}

/** Calls a method as another user; returns what went wrong. */
function callAs(user: string, bus: Bus, destination: string, path: string, member: string, ...args: string[]): string {
  const call = [`--bus=${bus.address}`, '--print-reply', `--dest=${destination}`, path, member, ...args];
  const { stderr } = spawnSync(
    'setpriv',
    [`--reuid=${user}`, '--regid=nogroup', '--clear-groups', 'dbus-send', ...call],
    {
      encoding: 'utf8',
    },
  );
  return stderr;
}

describe.skipIf(!canBeOthers || dbusDaemonMissing())('the policy for a bus', () => {
  it.each(Object.entries(DEFAULTS))(
    'that %s lets the gateway do its work, and nothing more',
    async (kind, defaults) => {
      await using place = await workplace();
      await chmod(place.directory, 0o755);
      await using broker = await startBroker();
      const base = { ...CONFIGURATION, broker: { host: broker.url, client_id: 'box-17' } };
      const narrow = await place.file('gateway.json', base);
      const file = await place.file(
        'policy.conf',
        await policy('dbus', narrow, '--user', USERS.gateway, '--operator', USERS.operator),
      );
      await using bus = await startBus({
        configuration: `<policy context="default"><allow user="*"/>${defaults}</policy>${HOUSE}<include>${file}</include>`,
      });
      const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
      await using manager = Daemon.startAs(USERS.manager, ['event-manager'], environment);
      await manager.says('running');
      await using link = await joinBus(bus);
      await using events = new DBusEventBus(link);
      const heard: string[] = [];
      const keep = {
        event: (channel: string, { varName, data }: { varName: string; data: { state_str?: unknown } }) =>
          void heard.push(`${channel} ${varName} ${data.state_str ?? ''}`.trim()),
        malformed() {},
      };
      await using _subscription = await events.subscribe(['control', 'sysmon', 'framework'], keep);
      await using user = await connect(broker.url, ['#']);
      const emit = (channel: string, name: string) => events.emit(channel, makeBasicEvent('temperature', name, 20));

      {
        await using gateway = Daemon.startAs(USERS.gateway, ['-c', narrow, '-L', 'DEBUG'], environment);
        await gateway.says('subscribed to');
        await waitFor('its announcement', () => said(heard, 'framework MQTTGateway running'));
        await emit('sensor', 'hall');
        await user.hears('site/hall/temperature ');
        await user.publish('site/hall/set/light', 'on', { qos: 1 });
        await user.publish('site/log/x', 'text', { qos: 1 });
        await waitFor('the commands', () => said(heard, 'sysmon all'));
        expect(heard).toContain('control hall_light');

        const introspect = 'org.freedesktop.DBus.Introspectable.Introspect';
        const terminate = 'fr.cstb.cstbox.__system__.terminate';
        expect(callAs('root', bus, GATEWAY, '/service', introspect)).toBe('');
        expect(callAs(USERS.stranger, bus, GATEWAY, '/service', introspect)).toContain('AccessDenied');
        // Once is enough: as little is allowed on both.
        if (kind === 'forbids everything') await tryCommands(narrow, environment, broker.url);
        expect(callAs(USERS.stranger, bus, GATEWAY, '/__system__', terminate)).toContain('AccessDenied');
        expect(gateway.printed).not.toMatch(/AccessDenied|could not|can't/);
        expect(callAs(USERS.operator, bus, GATEWAY, '/__system__', terminate)).toBe('');
        expect(await gateway.exited, gateway.printed).toBe(0);
        await waitFor('its announcement', () => said(heard, 'framework MQTTGateway stopped'));
      }

      const [outbound, inbound] = [structuredClone(base.filters.outbound), structuredClone(base.filters.inbound)];
      inbound.rules.push(['site/more$', [['switch', 'more', 'sensor']]]);
      const filters = { outbound: { ...outbound, channels: ['sensor', 'control', 'sysmon'] }, inbound };
      const wide = await place.file('wide.json', { ...base, filters });
      await using wider = Daemon.startAs(USERS.gateway, ['-c', wide, '-L', 'DEBUG'], environment);
      await wider.says('subscribed to');
      await waitFor(
        'its announcement',
        () => heard.filter((line) => line.endsWith('MQTTGateway running')).length === 2,
      );
      await emit('sysmon', 'secret');
      await emit('sensor', 'last');
      await user.hears('site/last/temperature ');
      expect(said(user.heard, 'site/secret/')).toBe(false);
      await user.publish('site/more', 'on', { qos: 1 });
      await wider.says('org.freedesktop.DBus.Error.AccessDenied');
      wider.child.kill('SIGTERM');
      expect(await wider.exited).toBe(0);
      expect(wider.printed).toContain('refused_by_bus');

      await using other = await DBusConnection.open(bus.address);
      await other.requestName('org.example.Other');
      const ping = 'org.freedesktop.DBus.Peer.Ping';
      const own = ['org.freedesktop.DBus', '/', 'org.freedesktop.DBus.RequestName'] as const;
      for (const fault of [
        callAs(USERS.gateway, bus, ...own, 'string:fr.cstb.cstbox.Other', 'uint32:4'),
        callAs(
          USERS.gateway,
          bus,
          EVENT_MANAGER,
          '/sensor',
          `${EVENT_MANAGER}.emitEvent`,
          ...Array(3).fill('string:{}'),
        ),
        callAs(USERS.gateway, bus, EVENT_MANAGER, '/__system__', 'fr.cstb.cstbox.__system__.terminate'),
        callAs(USERS.gateway, bus, 'org.example.Other', '/', ping),
        callAs(USERS.stranger, bus, ...own, `string:${GATEWAY}`, 'uint32:4'),
      ]) {
        expect(fault).toContain('AccessDenied');
      }
    },
  );
});
