import { once } from 'node:events';
import { createServer } from 'node:net';
import { brokerKinds, createCertificates, freePort, startBroker, startMuteServer, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, Listener, rest } from './connector.fixtures.js';
import type { MQTTConnectorOptions } from './connector-options.js';
import { ConfigurationError, MQTTConnectionError, MQTTGatewayError, MQTTNotConnectedError } from './errors.js';
import { MQTTConnector } from './mqtt-connector.js';

describe.each(brokerKinds)('a connector to %s', (kind) => {
  it.each([0, 1, 2] as const)('publishes at QoS %s, and hands over what comes in', async (qos) => {
    await using broker = await startBroker({ kind });
    await using listener = new Listener({ broker: broker.url, topics: ['a/#'], subscribeQoS: 2 });
    await using publisher = new MQTTConnector({ broker: broker.host, port: broker.port });
    await Promise.all([listener.run(), publisher.run()]);
    await publisher.publish('a/b', 'text', { qos });
    await publisher.publish('a/c', Buffer.from([0, 255]), { qos });
    expect(await listener.message(0)).toMatchObject({ topic: 'a/b', payload: Buffer.from('text'), qos, retain: false });
    expect(await listener.message(1)).toMatchObject({ topic: 'a/c', payload: Buffer.from([0, 255]) });
  });

  it('marks a message that the broker kept', async () => {
    await using broker = await startBroker({ kind });
    await using publisher = new MQTTConnector({ broker: broker.url });
    await publisher.run();
    await publisher.publish('kept', 'x', { qos: 1, retain: true });
    await using listener = new Listener({ broker: broker.url, topics: ['kept'] });
    await listener.run();
    expect(await listener.message(0)).toMatchObject({ topic: 'kept', retain: true });
  });

  it('speaks TLS, with a client certificate, when it trusts the authority', async () => {
    const certificates = await createCertificates();
    await using broker = await startBroker({ kind, tls: certificates, clientCertificate: true });
    const tls = { ca: certificates.ca, ...certificates.client };
    await using connector = new MQTTConnector({ broker: 'localhost', port: broker.port, tls });
    await connector.run();
    await connector.publish('a', 'x', { qos: 1 });
  });

  it('does not talk to a broker whose certificate it can not verify', async () => {
    const logger = keepLog();
    await using broker = await startBroker({ kind, tls: await createCertificates() });
    await using connector = new MQTTConnector({ broker: broker.url, logger });
    const running = connector.run();
    await waitFor('the refusal', () =>
      logger.lines.find((line) => line.startsWith('warn') && /certificate/.test(line)),
    );
    expect(connector.connected).toBe(false);
    await connector.shutdown();
    await expect(running).rejects.toMatchObject({ code: 'closed' });
  });

  it('does not talk to a broker whose certificate is for another name', async () => {
    const logger = keepLog();
    const certificates = await createCertificates();
    await using broker = await startBroker({ kind, tls: certificates });
    await using connector = new MQTTConnector({
      broker: `mqtts://127.0.0.2:${broker.port}`,
      tls: { ca: certificates.ca },
      logger,
    });
    connector.run().catch(() => {});
    // Nothing listens at 127.0.0.2 with every broker: either way there is a reason, and no connection.
    await waitFor('the refusal', () => logger.lines.find((line) => line.startsWith('warn')));
    expect(connector.connected).toBe(false);
  });

  it('leaves a broker alone that refuses the login, says so once, and keeps the password to itself', async () => {
    const logger = keepLog();
    await using broker = await startBroker({ kind, user: { name: 'box', password: 'right' } });
    const reconnect = { minMs: 10, maxMs: 20 };
    const login = { broker: broker.url, login: 'box', password: 'wr0ng-secret' };
    await using connector = new MQTTConnector({ ...login, reconnect, logger });
    connector.run().catch(() => {});
    const fault = await waitFor('the refusal', () => connector.status.fault);
    expect(fault).toMatch(/^Connection refused: .*\(check user name and password: see login, password\)$/i);
    const { attempts } = connector.status;
    await rest(500);
    expect(connector.status).toMatchObject({ state: 'connecting', attempts, fault });
    expect(logger.at('warn', 'error')).toEqual([
      `error the broker at ${broker.url}: ${fault}; trying again now and then`,
    ]);
    expect(logger.lines.join('\n')).not.toContain('wr0ng-secret');

    await using welcome = new MQTTConnector({ broker: broker.url, login: 'box', password: 'right' });
    await welcome.run();
  });

  it('waits for a broker that is not there yet', async () => {
    const port = await freePort();
    await using listener = new Listener({ broker: '127.0.0.1', port, topics: ['a'] });
    const running = listener.run();
    await expect(Promise.race([running, new Promise((resolve) => setTimeout(resolve, 50, 'waiting'))])).resolves.toBe(
      'waiting',
    );
    await using _broker = await startBroker({ kind, port });
    await running;
    await listener.publish('a', 'x', { qos: 1 });
    expect((await listener.message(0)).topic).toBe('a');
  });

  it('comes back and subscribes again after the broker was away', async () => {
    const port = await freePort();
    await using listener = new Listener({ broker: '127.0.0.1', port, topics: ['a'] });
    const states: string[] = [];
    listener.watch((state) => states.push(state));
    {
      await using _broker = await startBroker({ kind, port });
      await listener.run();
    }
    await waitFor('the loss', () => !listener.connected);
    await expect(listener.publish('a', 'x')).rejects.toBeInstanceOf(MQTTNotConnectedError);
    await using _broker = await startBroker({ kind, port });
    await waitFor('the return', () => listener.connected);
    await listener.publish('a', 'back', { qos: 1 });
    expect((await listener.message(0)).payload.toString()).toBe('back');
    expect(states).toEqual(['connecting', 'connected', 'connecting', 'connected']);
  });
});

describe('a connector', () => {
  it('speaks MQTT over WebSocket', async () => {
    await using broker = await startBroker({ webSocket: true });
    await using listener = new Listener({ broker: `${broker.url}/mqtt`, topics: ['a'] });
    await listener.run();
    await listener.publish('a', 'x', { qos: 1 });
    expect((await listener.message(0)).topic).toBe('a');
  });

  it('speaks MQTT over a secure WebSocket', async () => {
    const tls = await createCertificates();
    await using broker = await startBroker({ webSocket: true, tls });
    await using listener = new Listener({ broker: `${broker.url}/mqtt`, topics: ['a'], tls: { ca: tls.ca } });
    await listener.run();
    await listener.publish('a', 'x', { qos: 1 });
    expect((await listener.message(0)).topic).toBe('a');
  });

  it('is not connected before it runs, and says so to who publishes', async () => {
    const connector = new MQTTConnector({ broker: 'localhost' });
    expect(connector.connected).toBe(false);
    await expect(connector.publish('a', 'x')).rejects.toBeInstanceOf(MQTTNotConnectedError);
  });

  it('gives back what the broker had not acknowledged when the connection was lost', async () => {
    // A broker that says yes to the connection and nothing more.
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write(Buffer.from([0x20, 2, 0, 0])));
      setTimeout(() => socket.destroy(), 100);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await using connector = new MQTTConnector({ broker: '127.0.0.1', port });
    await connector.run();
    const lost = await Promise.allSettled([
      connector.publish('a', 'x', { qos: 1 }),
      connector.publish('a', 'x', { qos: 2 }),
    ]);
    for (const each of lost) {
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'broker_unreachable' } });
      expect((each as PromiseRejectedResult).reason).toBeInstanceOf(MQTTConnectionError);
    }
    await connector.shutdown();
    server.close();
  });

  it.each(['', 'a/+', 'a/#', 'a\0b', '\ud800', 'x'.repeat(65_536)])('does not send an illegal topic', async (topic) => {
    await using broker = await startBroker();
    await using connector = new MQTTConnector({ broker: broker.url });
    await connector.run();
    await expect(connector.publish(topic, 'x')).rejects.toMatchObject({ code: 'invalid_message' });
    await connector.publish('still/connected', 'x', { qos: 1 });
  });

  it('survives a handler that throws', async () => {
    await using broker = await startBroker();
    const logger = keepLog();
    await using connector = new MQTTConnector({ broker: broker.url, topics: ['a'], logger });
    connector.onMessage = () => {
      throw new Error('mine');
    };
    await connector.run();
    await connector.publish('a', 'x', { qos: 1 });
    await waitFor('the log line', () => logger.lines.some((line) => line.includes('mine')));
    expect(connector.connected).toBe(true);
  });

  it('hands the application its own data', async () => {
    await using broker = await startBroker();
    const userData = { site: 17 };
    await using connector = new MQTTConnector({ broker: broker.url, topics: ['a'], userData });
    const seen: unknown[] = [];
    connector.onMessage = (client, data) => void seen.push(client, data);
    await connector.run();
    await connector.publish('a', 'x', { qos: 1 });
    await waitFor('the message', () => seen.length === 2);
    expect(seen).toEqual([connector, userData]);
  });

  it('shuts down at once, once, and for good, connected or not', async () => {
    await using broker = await startBroker();
    const connected = new MQTTConnector({ broker: broker.url });
    await connected.run();
    const waiting = new MQTTConnector({ broker: '127.0.0.1', port: await freePort() });
    const running = waiting.run();
    const started = performance.now();
    await Promise.all([connected.shutdown(), connected.shutdown(), waiting.shutdown()]);
    expect(performance.now() - started).toBeLessThan(500);
    expect([connected.state, waiting.state]).toEqual(['closed', 'closed']);
    await expect(running).rejects.toMatchObject({ code: 'closed' });
    await expect(new MQTTConnector({ broker: 'h' }).shutdown()).resolves.toBeUndefined();
  });

  it('shuts down for good while a broker that accepts TCP keeps it waiting', async () => {
    await using mute = await startMuteServer();
    const connector = new MQTTConnector({ broker: '127.0.0.1', port: mute.port });
    const running = connector.run();
    await waitFor('the attempt', () => mute.connections === 1);
    const started = performance.now();
    await connector.shutdown();
    expect(performance.now() - started).toBeLessThan(1_500);
    await expect(running).rejects.toMatchObject({ code: 'closed' });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(mute.connections).toBe(1);
    expect(connector.state).toBe('closed');
  });

  it('shuts down for good between two attempts', async () => {
    const port = await freePort();
    const connector = new MQTTConnector({ broker: '127.0.0.1', port });
    connector.run().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    await connector.shutdown();
    await using server = await startMuteServer(port);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(server.connections).toBe(0);
  });

  it('is not connected, and says nothing untrue, when it is shut down before the subscription is answered', async () => {
    await using yes = await startMuteServer(0, Buffer.from([0x20, 2, 0, 0]));
    const logger = keepLog();
    const connector = new MQTTConnector({ broker: '127.0.0.1', port: yes.port, topics: ['a'], logger });
    const states: string[] = [];
    connector.watch((state) => states.push(state));
    const running = connector.run();
    await waitFor('the connection', () => logger.lines.some((line) => line.includes('connected to')));
    await connector.shutdown();
    await expect(running).rejects.toMatchObject({ code: 'closed' });
    expect(states).toEqual(['connecting', 'closed']);
    expect(logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('says that something closes its connections at once, once', async () => {
    await using closing = await startMuteServer(0, 'close');
    const logger = keepLog();
    await using connector = new MQTTConnector({
      broker: '127.0.0.1',
      port: closing.port,
      logger,
    });
    connector.run().catch(() => {});
    await waitFor('a second round', () => logger.lines.some((line) => line.startsWith('debug still:')));
    expect(logger.at('warn', 'error')).toEqual([
      `warn the broker at mqtt://127.0.0.1:${closing.port}: closed the connection at once: is this a port for MQTT?; trying again`,
    ]);
  });

  it('names the subscription that the broker refuses, and has the others', async () => {
    await using broker = await startBroker({ deniedTopic: 'denied/#' });
    const logger = keepLog();
    await using listener = new Listener({ broker: broker.url, topics: ['denied/#', 'fine'], logger });
    await listener.run();
    expect(logger.lines.filter((line) => line.startsWith('error'))).toEqual([
      'error the broker refused the subscription to denied/#: its access list has to allow it',
    ]);
    expect(listener.status).toMatchObject({
      state: 'connected',
      refusedTopics: ['denied/#'],
      fault: 'the broker refused the subscription to denied/#: its access list has to allow it',
    });
    await listener.publish('fine', 'x', { qos: 1 });
    expect((await listener.message(0)).topic).toBe('fine');
  });

  it('survives a watcher that throws', async () => {
    await using broker = await startBroker();
    const logger = keepLog();
    await using connector = new MQTTConnector({ broker: broker.url, logger });
    connector.watch(() => {
      throw new Error('mine');
    });
    await connector.run();
    expect(logger.lines.filter((line) => line.includes('mine'))).toHaveLength(2);
  });

  it('does not send what is neither text nor bytes', async () => {
    await using broker = await startBroker();
    await using connector = new MQTTConnector({ broker: broker.url });
    await connector.run();
    for (const payload of [undefined, null, 42, {}]) {
      await expect(connector.publish('a', payload as never)).rejects.toMatchObject({ code: 'invalid_message' });
    }
  });

  it('stops when its signal is aborted', async () => {
    const abort = new AbortController();
    await using connector = new MQTTConnector({ broker: '127.0.0.1', port: await freePort() });
    const running = connector.run({ signal: abort.signal });
    abort.abort();
    await expect(running).rejects.toBeInstanceOf(MQTTGatewayError);
    await waitFor('the end', () => connector.state === 'closed');
  });

  it.each<[string, Partial<MQTTConnectorOptions>, string]>([
    ['a password without a login', { password: 'x' }, 'a password needs a login'],
    ['a certificate without its key', { tls: { cert: 'x' } }, 'needs both cert and key'],
    ['a keep-alive that MQTT can not carry', { keepAlive: 70_000 }, 'from 0 to 65535'],
    ['a keep-alive that is no whole number', { keepAlive: 1.5 }, 'from 0 to 65535'],
    ['an illegal topic filter', { topics: ['a/#/b'] }, "invalid topic filter 'a/#/b'"],
    [
      'a CA that is no certificate',
      { tls: { ca: '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----' } },
      "can't be read as certificates (PEM)",
    ],
    ['a certificate that is none', { tls: { cert: 'x', key: 'x' } }, "can't be read as a certificate (PEM)"],
  ])('refuses %s', (_what, options, why) => {
    expect(() => new MQTTConnector({ broker: 'localhost', ...options })).toThrow(ConfigurationError);
    expect(() => new MQTTConnector({ broker: 'localhost', ...options })).toThrow(why);
  });

  it('names everything that is wrong with its TLS material at once', () => {
    try {
      new MQTTConnector({ broker: 'localhost', tls: { ca: 'x', cert: 'y', key: 'z' } });
      expect.unreachable();
    } catch (error) {
      const paths = (error as ConfigurationError).problems.map(({ path }) => path.join('.'));
      expect(paths).toEqual(['tls.ca', 'tls.cert', 'tls.key']);
    }
  });

  it('reads every certificate of a bundle', async () => {
    const { ca } = await createCertificates();
    const broken = `${ca}\n-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n`;
    expect(() => new MQTTConnector({ broker: 'localhost', tls: { ca: broken } })).toThrow(
      "can't be read as certificates",
    );
    expect(() => new MQTTConnector({ broker: 'localhost', tls: { ca: `${ca}\n${ca}` } })).not.toThrow();
  });

  it('refuses a key that belongs to another certificate', async () => {
    const { client, server } = await createCertificates();
    const tls = { cert: client.cert, key: server.key };
    expect(() => new MQTTConnector({ broker: 'localhost', tls })).toThrow('does not belong to the certificate');
  });
});
