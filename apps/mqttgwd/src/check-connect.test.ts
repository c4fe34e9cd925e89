import { writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { checkConfiguration, createEventManager, type GatewayConfigurationInput } from '@cstbox/dbus-bus';
import { InboundFilter, MQTTConnector, OutboundFilter } from '@cstbox/mqtt-core';
import {
  type Bus,
  brokerKinds,
  createCertificates,
  dbusDaemonMissing,
  freePort,
  startBroker,
  startBus,
  startMuteServer,
} from '@cstbox/test-peers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Daemon, joinBus, run, workplace } from '../test/daemon.js';
import { printTrial } from './connect/print-trial.js';
import type { Step, Trial } from './connect/trials.js';
import { tryConnections } from './connect/try-connections.js';
import { paintFor } from './terminal.js';

const PLAIN = paintFor({ write() {} }, {});
const NOWHERE = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus' };

class SensorFilter extends OutboundFilter {
  override readonly channels = ['sensor'];
}

interface TryOptions {
  environment?: Record<string, string>;
  signal?: AbortSignal;
  outbound?: OutboundFilter[];
}

/** Tries what a configuration connects; a name given once stands for what came of its steps. */
async function tryAll(configuration: GatewayConfigurationInput, options: TryOptions = {}) {
  const trials: Trial[] = [];
  const { environment = NOWHERE, signal = new AbortController().signal, outbound = [new SensorFilter()] } = options;
  await tryConnections({
    configuration: checkConfiguration(configuration),
    inbound: [new InboundFilter()],
    outbound,
    environment,
    signal,
    report: (trial) => trials.push(trial),
  });
  return {
    trials,
    of: (step: Step) => trials.filter((trial) => trial.step === step),
    /** Steps that were taken at brokers, with what came of them. */
    get broker() {
      return trials.filter(({ broker }) => broker).map(({ step, outcome }) => `${step} ${outcome}`);
    },
    printed: trials.map((trial) => printTrial(trial, PLAIN)).join(''),
  };
}

const ALL_WELL = ['mqtt ok', 'subscribe ok', 'probe ok', 'disconnect ok'];

describe.each(brokerKinds)('check --connect with %s', (kind) => {
  it.each([0, 1, 2] as const)('logs in, subscribes, and publishes a word that comes back, at QoS %s', async (qos) => {
    await using broker = await startBroker({ kind, user: { name: 'box', password: 'right' } });
    const { broker: steps, of } = await tryAll({
      broker: { host: broker.url, client_id: 'box-17' },
      auth: { username: 'box', password: 'right' },
      listened_topics: ['site/+/set/#', '$share/crowd/site/all'],
      qos,
    });
    expect(steps).toEqual(['tcp ok', ...ALL_WELL]);
    expect(of('mqtt')[0]?.details).toMatchObject({ clientId: 'box-17-check' });
    // As a member of the group it would take messages away from the gateway.
    expect(of('subscribe')[0]?.details).toEqual({ granted: ['site/+/set/#', 'site/all'], refused: [] });
    expect(of('probe')[0]?.details).toMatchObject({ topic: 'mqttgwd/box-17/probe', qos });
  });

  it('does not disturb the gateway that runs, and speaks 3.1.1 where it is told to', async () => {
    await using broker = await startBroker({ kind });
    await using gateway = new MQTTConnector({ broker: broker.url, clientId: 'box-17', sessionExpiry: 60 });
    await gateway.run();
    const states: string[] = [];
    gateway.watch((state) => states.push(state));
    const { broker: steps, of } = await tryAll({
      broker: { host: broker.url, client_id: 'box-17', protocol: '3.1.1' },
      listened_topics: ['a'],
    });
    expect(steps).toEqual(['tcp ok', ...ALL_WELL]);
    expect(of('mqtt')[0]?.message).toContain('MQTT 3.1.1, without a user name');
    expect(states).toEqual([]);
  });

  it('names a login that is refused, its place, and no secret', async () => {
    await using broker = await startBroker({ kind, user: { name: 'box', password: 'right' } });
    const login = { broker: { host: broker.url }, listened_topics: ['a'] };
    const wrong = await tryAll({ ...login, auth: { username: 'box', password: 'wr0ng-secret' } });
    expect(wrong.broker).toEqual(['tcp ok', 'mqtt failed']);
    expect(wrong.of('mqtt')[0]).toMatchObject({
      message: expect.stringMatching(/refused.*\(check user name and password: see auth/i),
      path: ['auth'],
    });
    expect(JSON.stringify(wrong.trials) + wrong.printed).not.toContain('wr0ng-secret');
    expect((await tryAll(login)).of('mqtt')[0]?.message).toContain('the configuration has no auth.username');
  });

  it('shows the certificate of a broker, and says when it soon ends', async () => {
    await using place = await workplace();
    const soon = await createCertificates({ validDays: [-1, 5.5] });
    await using broker = await startBroker({ kind, tls: soon });
    const {
      broker: steps,
      of,
      printed,
    } = await tryAll({
      broker: { host: `mqtts://localhost:${broker.port}` },
      tls: { ca_certs: await place.file('ca.pem', soon.ca) },
      listened_topics: ['a'],
    });
    expect(steps).toEqual(['resolve ok', 'tcp ok', 'tls warning', ...ALL_WELL]);
    expect(of('tls')[0]?.details).toMatchObject({
      names: ['localhost', '127.0.0.1'],
      issuer: 'mqttgwd test authority',
      protocol: 'TLSv1.3',
      daysLeft: 5,
    });
    expect(printed.replace(/\s+/g, ' ')).toMatch(
      /warn TLS \d+ ms certificate of localhost, 127.0.0.1, valid until \d{4}-\d\d-\d\d \(5 days\), issued by mqttgwd test authority; TLSv1.3: have it renewed soon/,
    );
    expect(printed.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('check --connect', () => {
  it.each([
    ['expired', { validDays: [-9, -2] }, /out of date since \d{4}-\d\d-\d\d \(this machine's clock says .*\)/, ['tls']],
    ['not yet valid', { validDays: [2, 9] }, /not valid before .*: set the clock/, ['tls']],
    [
      'for another name',
      { serverName: 'broker.example.org' },
      /is for broker.example.org, not for 'localhost'/,
      ['broker', 'host'],
    ],
  ] as const)('explains a certificate that is %s', async (_, options, message, path) => {
    await using place = await workplace();
    const certificates = await createCertificates(options as Parameters<typeof createCertificates>[0]);
    await using broker = await startBroker({ tls: certificates });
    const { broker: steps, of } = await tryAll({
      broker: { host: `mqtts://localhost:${broker.port}` },
      tls: { ca_certs: await place.file('ca.pem', certificates.ca) },
    });
    expect(steps).toEqual(['resolve ok', 'tcp ok', 'tls failed']);
    expect(of('tls')[0]).toMatchObject({ message: expect.stringMatching(message), path });
  });

  it('explains a certificate that is not trusted, and TLS where there is none', async () => {
    await using strange = await startBroker({ tls: await createCertificates() });
    const { of } = await tryAll({ broker: { host: strange.url }, tls: {} });
    expect(of('tls')[0]).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/not trusted .*issued by mqttgwd test authority; name .* in tls.ca_certs/),
      path: ['tls', 'ca_certs'],
    });
    await using bare = await startBroker();
    const other = await tryAll({ broker: { host: bare.url.replace('mqtt:', 'mqtts:'), connect_timeout: 1 } });
    expect(other.broker).toEqual(['tcp ok', 'tls failed']);
  });

  it('says that the broker wants a client certificate, and uses the one that there is', async () => {
    await using place = await workplace();
    const { ca, client, server } = await createCertificates();
    await using broker = await startBroker({ tls: { ca, client, server }, clientCertificate: true });
    const host = { broker: { host: broker.url } };
    const tls = { ca_certs: await place.file('ca.pem', ca) };
    const without = await tryAll({ ...host, tls });
    expect(without.trials.at(-1)).toMatchObject({ outcome: 'failed', message: /client certificate/ });
    const own = {
      certfile: await place.file('box.pem', client.cert),
      keyfile: await place.file('box.key', client.key),
    };
    expect((await tryAll({ ...host, tls: { ...tls, ...own } })).broker).toContain('probe ok');
  });

  it('tries WebSocket before MQTT', async () => {
    await using place = await workplace();
    const tls = await createCertificates();
    await using broker = await startBroker({ webSocket: true, tls });
    const { broker: steps } = await tryAll({
      broker: { host: `${broker.url}/mqtt?token=t0ken-secret` },
      tls: { ca_certs: await place.file('ca.pem', tls.ca) },
    });
    expect(steps).toEqual(['tcp ok', 'tls warning', 'websocket ok', 'mqtt ok', 'probe ok', 'disconnect ok']);
    await using mqtt = await startBroker();
    const wrong = await tryAll({ broker: { host: `${mqtt.url.replace('mqtt:', 'ws:')}/?t0ken-secret` } });
    expect(wrong.broker).toEqual(['tcp ok', 'websocket failed']);
    expect(JSON.stringify(wrong.trials)).not.toContain('t0ken-secret');
  });

  it('goes on with the next broker: after a name that does not resolve, a port that is shut, and a mute server', async () => {
    await using mute = await startMuteServer();
    await using broker = await startBroker();
    const shut = await freePort();
    const { broker: steps, of } = await tryAll({
      broker: {
        host: ['mqtt://broker.invalid', `mqtt://127.0.0.1:${shut}`, `mqtt://127.0.0.1:${mute.port}`, broker.url],
        connect_timeout: 0.5,
      },
    });
    expect(steps).toEqual([
      'resolve failed',
      'tcp failed',
      ...['tcp ok', 'mqtt failed'],
      ...['tcp ok', 'mqtt ok', 'probe ok', 'disconnect ok'],
    ]);
    expect(of('resolve')[0]).toMatchObject({ path: ['broker', 'host', 0] });
    expect(of('tcp')[0]).toMatchObject({
      message: expect.stringContaining(
        'nothing listens there: is the broker running, is the port right? see broker.host',
      ),
      path: ['broker', 'host', 1],
    });
    expect(of('mqtt')[0]).toMatchObject({ message: 'no answer within 0.5 s', path: ['broker', 'host', 2] });
    expect(mute.connections).toBe(2);
  });

  it('names the subscriptions that are refused, and tries the probe all the same', async () => {
    await using broker = await startBroker({ deniedTopic: 'site/+/set/#' });
    const { broker: steps, of } = await tryAll({
      broker: { host: broker.url },
      listened_topics: ['site/+/set/#', 'other'],
    });
    expect(steps).toEqual(['tcp ok', 'mqtt ok', 'subscribe failed', 'probe ok', 'disconnect ok']);
    expect(of('subscribe')[0]).toMatchObject({
      message: "refused: site/+/set/#; granted: other; the broker's access list has to allow reading them",
      path: ['listened_topics'],
    });
  });

  it.skipIf(!brokerKinds.includes('mosquitto'))('sees a denied probe, whatever the broker acknowledges', async () => {
    await using broker = await startBroker({ kind: 'mosquitto', acl: ['topic readwrite site/#'] });
    const at = (protocol: '5' | '3.1.1') =>
      tryAll({ broker: { host: broker.url, client_id: 'box-17', connect_timeout: 0.5, protocol } });
    const five = (await at('5')).of('probe')[0];
    expect(five).toMatchObject({ outcome: 'failed', message: expect.stringMatching(/not authorized.*--probe-topic/i) });
    const three = (await at('3.1.1')).of('probe')[0];
    expect(three?.message).toMatch(/^the broker acknowledged it, and (it did not come back|the broker ended the conn)/);
    expect(three?.message).toContain('writing and reading mqttgwd/box-17/probe');
  });

  it('ends at once when it is told to, and leaves nothing open', async () => {
    await using mute = await startMuteServer();
    const controller = new AbortController();
    const trying = tryAll(
      { broker: { host: `mqtt://127.0.0.1:${mute.port}` } },
      { signal: AbortSignal.any([controller.signal]) },
    );
    setTimeout(() => controller.abort(), 100);
    await expect(trying).rejects.toMatchObject({ name: 'AbortError' });
    // The server takes connections yet, and none of ours is left.
    await new Promise<void>((resolve) => {
      const socket = createConnection(mute.port, '127.0.0.1', () => resolve(void socket.destroy()));
    });
  });
});

describe.skipIf(dbusDaemonMissing())('check --connect on the bus', () => {
  let bus: Bus;
  let environment: { DBUS_SESSION_BUS_ADDRESS: string };
  const nobody = { broker: { host: 'mqtt://127.0.0.1:1', connect_timeout: 1 } };

  beforeAll(async () => {
    bus = await startBus();
    environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
  });
  afterAll(() => bus[Symbol.asyncDispose]());

  it('finds the bus, the event manager, its channels, and the gateway that runs', async () => {
    const without = await tryAll(nobody, { environment });
    expect(without.of('bus')[0]).toMatchObject({
      outcome: 'ok',
      message: expect.stringMatching(/^joined the one that DBUS_SESSION_BUS_ADDRESS names, as :1\.\d+$/),
    });
    expect(without.of('event_manager')[0]).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('mqttgwd event-manager'),
    });
    expect(without.of('own_name')[0]?.message).toBe('fr.cstb.cstbox.MQTTGateway is free');

    await using link = await joinBus(bus);
    await using manager = createEventManager(link);
    await manager.start();
    await link.connection?.requestName('fr.cstb.cstbox.MQTTGateway');
    const there = await tryAll(nobody, { environment });
    expect(there.of('event_manager')[0]).toMatchObject({
      outcome: 'ok',
      message: `fr.cstb.cstbox.EventManager is ${link.connection?.uniqueName}, process ${process.pid}, and answers`,
    });
    expect(there.of('own_name')[0]).toMatchObject({ outcome: 'info' });

    const strange = Object.assign(new OutboundFilter(), { channels: ['sensor', 'weather'] });
    expect((await tryAll(nobody, { environment, outbound: [strange] })).of('event_manager')[0]).toMatchObject({
      outcome: 'warning',
      message: expect.stringContaining('it has no channel weather'),
    });
  });

  it('says where it has looked for a bus that is not there', async () => {
    await using place = await workplace();
    const file = await place.file('bus', "DBUS_SESSION_BUS_ADDRESS='unix:path=/nonexistent/bus'\n");
    const { of } = await tryAll({ ...nobody, dbus: { address_file: file } });
    expect(of('bus')[0]).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining(`the address comes from ${file}; is the bus running, and is it this user's?`),
      path: ['dbus', 'address_file'],
    });
    await writeFile(file, 'nothing');
    expect((await tryAll({ ...nobody, dbus: { address_file: file } })).of('bus')[0]?.message).toContain('names no bus');
  });
});

describe.skipIf(dbusDaemonMissing())('mqttgwd check --connect', () => {
  it('prints a line for each step, ends with 69 when one fails, and stops at Ctrl-C', async () => {
    await using place = await workplace();
    await using bus = await startBus();
    const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
    await using broker = await startBroker();
    await using mute = await startMuteServer();
    const filters = {
      outbound: { use: '@cstbox/mqtt-filters-re', rules: [['temperature:(?P<room>[a-z]+)$', 'site/{room}']] },
    };
    const configuration = async (host: string) =>
      place.file('gateway.json', { broker: { host, client_id: 'box-17' }, auth: { username: 'u' }, filters });
    const path = await configuration(broker.url);
    const failed = await run(['check', '--connect', path, '--probe-topic', 'my/probe'], environment);
    expect(failed.code).toBe(69);
    expect(failed.printed).toMatch(
      /D-Bus\nok {4}bus .*FAIL {2}event manager .*mqtt:.*\nok {4}MQTT .* as\s+user 'u'.*my\/probe at QoS 1, there\s+and back.*7 steps, 1 failed\n$/s,
    );
    await using manager = Daemon.start(['event-manager'], environment);
    await manager.says('running');
    const fine = await run(['check', '--connect', '--json', path], environment);
    expect(fine.code, fine.printed).toBe(0);
    const { connections } = JSON.parse(fine.printed) as { connections: { step: string; outcome: string }[] };
    expect(connections.map(({ step }) => step)).toEqual([
      ...['bus', 'event_manager', 'own_name'],
      ...['tcp', 'mqtt', 'probe', 'disconnect'],
    ]);

    await configuration(`mqtt://127.0.0.1:${mute.port}`);
    await using interrupted = Daemon.start(['check', '--connect', path], environment);
    await interrupted.says('ok    TCP');
    interrupted.child.kill('SIGINT');
    expect(await interrupted.exited).toBe(130);
  }, 60_000);
});
