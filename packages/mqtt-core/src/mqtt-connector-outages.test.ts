import { brokerKinds, freePort, startBroker, startMuteServer, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, Listener, QUICKLY, rest } from './connector.fixtures.js';
import { ConfigurationError } from './errors.js';
import { MQTTConnector } from './mqtt-connector.js';

/** CONNACK of MQTT 3.1.1 that accepts. */
const ACCEPTED = Buffer.from([0x20, 2, 0, 0]);
const hasMosquitto = brokerKinds.includes('mosquitto');

describe('a connector whose broker is away', () => {
  it('gives up an attempt at a broker that takes connections and says nothing', async () => {
    await using mute = await startMuteServer();
    const logger = keepLog();
    await using connector = new MQTTConnector({
      broker: '127.0.0.1',
      port: mute.port,
      connectTimeoutMs: 100,
      ...QUICKLY,
      logger,
    });
    connector.run().catch(() => {});
    await waitFor('a third attempt', () => mute.connections >= 3);
    expect(connector.status).toMatchObject({ state: 'connecting', fault: expect.stringContaining('no answer') });
    expect(connector.status.attempts).toBeGreaterThanOrEqual(3);
    expect(logger.at('warn', 'error')).toHaveLength(1);
  });

  it('gives up a connection on which its subscription is not answered', async () => {
    await using mute = await startMuteServer(0, ACCEPTED);
    const options = { broker: '127.0.0.1', port: mute.port, topics: ['a'], protocolVersion: '3.1.1' } as const;
    await using connector = new MQTTConnector({ ...options, connectTimeoutMs: 100, ...QUICKLY });
    connector.run().catch(() => {});
    await waitFor('a second attempt', () => mute.connections >= 2);
    expect(connector.status.fault).toContain('does not answer the subscription');
  });

  it('says what is wrong with a name that does not resolve', async () => {
    const logger = keepLog();
    await using connector = new MQTTConnector({ broker: 'broker.invalid', ...QUICKLY, logger });
    connector.run().catch(() => {});
    await waitFor('a third attempt', () => connector.status.attempts >= 3);
    expect(connector.status.fault).toContain("the name 'broker.invalid' does not resolve");
    expect(logger.at('warn', 'error')).toHaveLength(1);
  });

  it('goes to the next broker of its list, and back', async () => {
    const ports = [await freePort(), await freePort()] as const;
    const broker = ports.map((port) => `mqtt://127.0.0.1:${port}`);
    await using listener = new Listener({ broker, topics: ['a'], ...QUICKLY });
    const running = listener.run();
    for (const [index, port] of [ports[1], ports[0], ports[1]].entries()) {
      await using _broker = await startBroker({ port });
      const url = `mqtt://127.0.0.1:${port}`;
      await waitFor('the connection', () => listener.connected && listener.status.broker === url);
      expect(listener.status).toMatchObject({ state: 'connected', attempts: 0 });
      expect(listener.status.fault).toBeUndefined();
      await listener.publish('a', String(port), { qos: 1 });
      await listener.message(index);
    }
    await running;
    expect(listener.texts).toEqual([ports[1], ports[0], ports[1]].map(String));
  });

  it('goes from a broker in plain text to one over WebSocket, and back', async () => {
    const [tcp, webSocket] = [await freePort(), await freePort()];
    const broker = [`ws://127.0.0.1:${webSocket}/mqtt`, `mqtt://127.0.0.1:${tcp}`];
    await using connector = new MQTTConnector({ broker, ...QUICKLY });
    connector.run().catch(() => {});
    for (const options of [
      { port: tcp, webSocket: false },
      { port: webSocket, webSocket: true },
      { port: tcp, webSocket: false },
    ]) {
      await using _broker = await startBroker(options);
      const scheme = options.webSocket ? 'ws://' : 'mqtt://';
      await waitFor('the connection', () => connector.connected && connector.status.broker.startsWith(scheme));
      await connector.publish('a', 'x', { qos: 1 });
    }
  });

  it('names the place of an address in the list that is wrong', () => {
    expect(() => new MQTTConnector({ broker: ['mqtt://h', 'http://h', 'h:1'] })).toThrow(ConfigurationError);
    try {
      new MQTTConnector({ broker: ['mqtt://h', 'http://h', 'h:1'] });
    } catch (error) {
      expect((error as ConfigurationError).problems.map(({ path }) => path)).toEqual([
        ['broker', 1],
        ['broker', 2],
      ]);
    }
    expect(() => new MQTTConnector({ broker: [] })).toThrow('name at least one');
  });

  it('makes a new connection when it is told to, and says why', async () => {
    await using broker = await startBroker();
    await using proxy = await TcpProxy.start(broker.port);
    const logger = keepLog();
    await using connector = new MQTTConnector({ broker: '127.0.0.1', port: proxy.port, ...QUICKLY, logger });
    connector.restart('nobody is there yet');
    await connector.run();
    const pending = connector.publish('a', 'x', { qos: 1 });
    proxy.stall();
    const lost = connector.publish('a', 'y', { qos: 2 });
    connector.restart('no progress for a minute');
    expect(connector.connected).toBe(false);
    await expect(lost).rejects.toMatchObject({ code: 'broker_unreachable' });
    await pending.catch(() => {});
    proxy.flow();
    await waitFor('the connection', () => connector.connected);
    await connector.publish('a', 'x', { qos: 1 });
    expect(logger.at('warn')).toEqual([
      `warn lost the connection to mqtt://127.0.0.1:${proxy.port}: no progress for a minute; trying again`,
    ]);
  });

  it.each([
    ['no session', {}],
    ['a session', { clientId: 'box', sessionExpiry: 60 }],
  ])(
    'notices a connection that is dead, though nobody closed it, and with %s sends nothing again by itself',
    async (_what, session) => {
      await using broker = await startBroker();
      await using proxy = await TcpProxy.start(broker.port);
      await using listener = new Listener({ broker: broker.url, topics: ['a'] });
      await listener.run();
      const options = { broker: '127.0.0.1', port: proxy.port, keepAlive: 1, connectTimeoutMs: 200, ...QUICKLY };
      await using connector = new MQTTConnector({ ...options, ...session });
      await connector.run();
      const { connections } = proxy;
      proxy.stall();
      const lost = connector.publish('a', 'lost', { qos: 1 });
      await expect(lost).rejects.toMatchObject({ code: 'broker_unreachable' });
      expect(connector.connected).toBe(false);
      expect(proxy.connections).toBe(connections);
      proxy.flow();
      await waitFor('the return', () => connector.connected);
      await connector.publish('a', 'later', { qos: 1 });
      await listener.message(0);
      await rest(50);
      expect(listener.texts).toEqual(['later']);
    },
  );

  it.each([
    ['before it runs', async () => {}],
    ['while it connects', async (connector: MQTTConnector) => void connector.run().catch(() => {})],
    ['while it is connected', (connector: MQTTConnector) => connector.run()],
    [
      'while it gives up a connection',
      async (connector: MQTTConnector) => {
        await connector.run();
        connector.restart('test');
      },
    ],
  ])('ends %s, and leaves no socket and no timer', async (_when, prepare) => {
    await using broker = await startBroker();
    await rest(20);
    const count = () => {
      const kinds = process.getActiveResourcesInfo();
      return ['Timeout', 'TCPSocketWrap'].map((kind) => kinds.filter((each) => each === kind).length);
    };
    const [timers = 0, sockets] = count();
    const connector = new MQTTConnector({ broker: broker.url, topics: ['a'], keepAlive: 5 });
    await prepare(connector);
    await connector.shutdown();
    expect(connector.state).toBe('closed');
    await waitFor('the sockets to close', () => count()[1] === sockets);
    expect(count()[0]).toBeLessThanOrEqual(timers);
  });
});

describe('a connector with MQTT 3.1.1 that is sent a packet beyond its limit', () => {
  it.each(brokerKinds)('cuts the connection to %s before it has read it, says why, and goes on', async (kind) => {
    await using broker = await startBroker({ kind });
    const logger = keepLog();
    const options = { topics: ['a'], protocolVersion: '3.1.1', maxPacketBytes: 2_000, ...QUICKLY, logger } as const;
    await using listener = new Listener({ broker: broker.url, ...options });
    await listener.run();
    await using publisher = new MQTTConnector({ broker: broker.url, protocolVersion: '3.1.1' });
    await publisher.run();
    // Header 1, length 2, topic 2 + 1, identifier 2.
    await publisher.publish('a', 'x'.repeat(1_992), { qos: 1 });
    await listener.message(0);
    await publisher.publish('a', 'x'.repeat(100_000), { qos: 1 });
    await waitFor('the loss', () => logger.at('warn').length === 1);
    expect(logger.at('warn')[0]).toContain('sent a packet of 100009 bytes, and maxPacketBytes is 2000; trying again');
    await waitFor('the return', () => listener.connected);
    await publisher.publish('a', 'small', { qos: 1 });
    await listener.message(1);
    expect(listener.texts[1]).toBe('small');
  });

  it.each([1_023, 268_435_461, 1.5])('takes no limit of %s bytes', (maxPacketBytes) => {
    expect(() => new MQTTConnector({ broker: 'h', maxPacketBytes })).toThrow('maxPacketBytes is an integer from');
  });
});

describe('a connector and the version of the protocol', () => {
  it('speaks 3.1.1 to a broker that knows nothing else, and says so', async () => {
    await using broker = await startBroker({ kind: 'aedes' });
    await using proxy = await TcpProxy.start(broker.port);
    const logger = keepLog();
    await using connector = new MQTTConnector({ broker: '127.0.0.1', port: proxy.port, ...QUICKLY, logger });
    await connector.run();
    expect(connector.status).toMatchObject({ protocolVersion: '3.1.1', sessionPresent: false });
    expect(connector.windowOf(0)).toBe(Infinity);
    expect(connector.windowOf(1)).toBe(Infinity);
    expect(connector.windowOf(2)).toBe(19);
    expect([connector.reserveOf(1), connector.reserveOf(2)]).toEqual([Infinity, 1]);
    expect(proxy.connections).toBe(2);
    proxy.cut();
    await waitFor('the loss', () => !connector.connected);
    await waitFor('the return', () => connector.connected);
    expect(proxy.connections).toBe(3);
    expect(logger.at('warn')).toHaveLength(1);
  });

  it('does not try another version than the one it is told to speak', async () => {
    await using broker = await startBroker({ kind: 'aedes' });
    await using connector = new MQTTConnector({ broker: broker.url, protocolVersion: '5', ...QUICKLY });
    connector.run().catch(() => {});
    await waitFor('a third attempt', () => connector.status.attempts >= 3);
    expect(connector.connected).toBe(false);
  });

  it('speaks 3.1.1 to a broker that closes the connection when spoken to in 5', async () => {
    await using broker = await startBroker({ kind: 'aedes' });
    await using proxy = await TcpProxy.start(broker.port);
    proxy.tap = { admits: (_connection, chunk) => !chunk.equals(Buffer.from([0x20, 2, 0, 1])) };
    await using connector = new MQTTConnector({ broker: '127.0.0.1', port: proxy.port, ...QUICKLY });
    await connector.run();
    expect(connector.status.protocolVersion).toBe('3.1.1');
  });

  it.runIf(hasMosquitto).each([
    ['auto', '5'],
    ['5', '5'],
    ['3.1.1', '3.1.1'],
  ] as const)('told %s speaks %s to Mosquitto', async (protocolVersion, spoken) => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using connector = new MQTTConnector({ broker: broker.url, protocolVersion });
    await connector.run();
    expect(connector.status.protocolVersion).toBe(spoken);
  });
});

describe.runIf(hasMosquitto).each(['3.1.1', '5'] as const)(
  'two clients of one name at Mosquitto, with MQTT %s',
  (protocolVersion) => {
    it('say so, once, and do not throw each other out for ever', async () => {
      await using broker = await startBroker({ kind: 'mosquitto' });
      const logs = [keepLog(), keepLog()] as const;
      const options = { broker: broker.url, clientId: 'box', protocolVersion, reconnect: { minMs: 50, maxMs: 30_000 } };
      await using one = new MQTTConnector({ ...options, logger: logs[0] });
      await using two = new MQTTConnector({ ...options, logger: logs[1] });
      await one.run();
      await two.run();
      const loser = await waitFor(
        'one to say so',
        () => [one, two].find((connector) => /another client/.test(connector.status.fault ?? '')),
        15_000,
      );
      expect(loser.status.fault).toContain("'box'");
      await rest(1_000);
      const errors = logs.map((log) => log.at('error').length);
      expect(Math.max(...errors)).toBe(1);
      // At 50 ms without end it would have been some twenty in a second.
      expect(logs.flatMap((log) => log.at('warn', 'error')).length).toBeLessThan(12);
    });

    it.runIf(protocolVersion === '5')(
      'leave one that says when its connection holds again, after the other has gone',
      async () => {
        await using broker = await startBroker({ kind: 'mosquitto' });
        const log = keepLog();
        const options = { broker: broker.url, clientId: 'box', protocolVersion, ...QUICKLY };
        await using one = new MQTTConnector({ ...options, logger: log });
        {
          await using two = new MQTTConnector(options);
          await one.run();
          await two.run();
          await waitFor('the complaint', () => log.at('error').length > 0, 15_000);
        }
        const held = () => log.at('info').find((line) => line.includes('holds again'));
        expect(await waitFor('the end of it', held, 15_000)).toMatch(
          /^info the connection to \S+ holds again, after \d/,
        );
        expect(one.status.fault).toBeUndefined();
      },
    );
  },
);

describe.runIf(hasMosquitto)('a connector to Mosquitto that is killed', () => {
  it('comes back, publishes on and hears its topics', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using listener = new Listener({ broker: broker.url, topics: ['a'], ...QUICKLY });
    await listener.run();
    broker.process.freeze();
    const lost = listener.publish('a', 'lost', { qos: 1 });
    const killed = broker.process.kill();
    await expect(lost).rejects.toMatchObject({ code: 'broker_unreachable' });
    await killed;
    await broker.process.start();
    await waitFor('the return', () => listener.connected);
    await listener.publish('a', 'back', { qos: 1 });
    await listener.message(0);
    expect(listener.texts).toEqual(['back']);
  });
});
