import { type BrokerKind, brokerKinds, startBroker, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, Listener, QUICKLY, rest, SlowListener } from './connector.fixtures.js';
import { MQTTGatewayError } from './errors.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { QoS } from './mqtt-message.js';

const SESSION = { clientId: 'box', sessionExpiry: 300 } as const;
/** Each broker with the versions that it speaks. */
const peers = brokerKinds.flatMap((kind): [BrokerKind, '3.1.1' | '5'][] =>
  kind === 'aedes'
    ? [[kind, '3.1.1']]
    : [
        [kind, '3.1.1'],
        [kind, '5'],
      ],
);

async function publishAll(url: string, topic: string, texts: readonly string[], qos: QoS = 1) {
  await using publisher = new MQTTConnector({ broker: url });
  await publisher.run();
  for (const text of texts) await publisher.publish(topic, text, { qos });
}

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(from + index));

describe('a session', () => {
  it('needs a client id', () => {
    expect(() => new MQTTConnector({ broker: 'h', sessionExpiry: 60 })).toThrow('needs a clientId');
  });
});

describe.concurrent.each(peers)('a connector with a session at %s, with MQTT %s', (kind, protocolVersion) => {
  it.each([1, 2] as const)('gets the QoS %s messages that came while it was away', async (qos) => {
    await using broker = await startBroker({ kind });
    const options = { broker: broker.url, topics: ['a'], subscribeQoS: qos, protocolVersion, ...SESSION };
    {
      await using before = new Listener(options);
      await before.run();
      expect(before.status.sessionPresent).toBe(false);
    }
    await publishAll(broker.url, 'a', numbered(30), qos);
    await using listener = new Listener(options);
    await listener.run();
    expect(listener.status.sessionPresent).toBe(true);
    await listener.message(29);
    expect(listener.texts).toEqual(numbered(30));
  });

  it('gets again what was handed over and not acknowledged before its end', async () => {
    await using broker = await startBroker({ kind });
    const options = { broker: broker.url, topics: ['a'], subscribeQoS: 2, protocolVersion, ...SESSION } as const;
    {
      await using before = new SlowListener(options);
      await before.run();
      for (const qos of [1, 2] as const) await publishAll(broker.url, 'a', [`qos ${qos}`], qos);
      await before.message(1);
      await before.shutdown();
      before.release();
    }
    await using after = new Listener(options);
    await after.run();
    await after.message(1);
    await rest(50);
    expect(after.texts).toEqual(['qos 1', 'qos 2']);
  });

  it.each([1, 2] as const)(
    'acknowledges QoS %s late, in a connection that lives on its pings, and loses none',
    async (qos) => {
      await using broker = await startBroker({ kind });
      const options = { broker: broker.url, topics: ['a'], subscribeQoS: qos, protocolVersion, ...SESSION };
      const logger = keepLog();
      await using slow = new SlowListener({ ...options, keepAlive: 1, logger });
      await slow.run();
      await publishAll(broker.url, 'a', numbered(30), qos);
      await slow.message(15);
      await rest(4_000);
      // Publishing goes on meanwhile: its acknowledgements are read.
      await slow.publish('b', 'x', { qos: 1 });
      await waitFor('all of them', () => {
        slow.release();
        return slow.messages.length === 30;
      });
      slow.release();
      expect(slow.texts).toEqual(numbered(30));
      expect(logger.at('warn', 'error')).toEqual([]);
      await rest(50);
      await slow.shutdown();
      // Nothing was left unacknowledged.
      await using after = new Listener(options);
      await after.run();
      await rest(50);
      expect(after.texts).toEqual([]);
    },
  );

  it('hands over once what waits while the connection is cut, and acknowledges it on the next', async () => {
    await using broker = await startBroker({ kind });
    await using proxy = await TcpProxy.start(broker.port);
    const options = { topics: ['a'], subscribeQoS: 2, protocolVersion, ...SESSION, ...QUICKLY } as const;
    await using slow = new SlowListener({ broker: `mqtt://127.0.0.1:${proxy.port}`, ...options });
    await slow.run();
    for (const qos of [1, 2] as const) await publishAll(broker.url, 'a', [`early ${qos}`, `late ${qos}`], qos);
    await slow.message(3);
    proxy.stall();
    proxy.cut();
    await waitFor('the loss', () => !slow.connected);
    for (const { text, resolve } of slow.waiting) if (text.startsWith('early')) resolve();
    await rest(20);
    proxy.flow();
    proxy.cut();
    await waitFor('the return', () => slow.connected);
    expect(slow.status.sessionPresent).toBe(true);
    await rest(100);
    slow.release();
    await rest(100);
    // aedes does not mark what it delivers again: it can't be told from a new message at QoS 1.
    const once = ['early 1', 'late 1', 'early 2', 'late 2'];
    expect(kind === 'aedes' ? [...new Set(slow.texts)] : slow.texts).toEqual(once);
    slow.release();
    await rest(100);
    await slow.shutdown();
    await using after = new Listener({ broker: broker.url, ...options });
    await after.run();
    await rest(50);
    expect(after.texts).toEqual([]);
  });

  it('leaves unacknowledged what its handler gives back as closed, and acknowledges other failures', async () => {
    await using broker = await startBroker({ kind });
    const logger = keepLog();
    const options = { broker: broker.url, topics: ['a'], protocolVersion, logger, ...SESSION };
    {
      await using before = new SlowListener(options);
      await before.run();
      await publishAll(broker.url, 'a', ['left', 'failed', 'done']);
      await before.message(2);
      const [left, failed, done] = before.waiting;
      left?.reject(new MQTTGatewayError('closed', 'the bus is gone'));
      failed?.reject(new Error('mine'));
      done?.resolve();
      await rest(50);
    }
    expect(logger.at('error')).toEqual(['error the handler of messages failed: mine']);
    await using after = new Listener(options);
    await after.run();
    await after.message(0);
    await rest(50);
    expect(after.texts).toEqual(['left']);
  });

  it('delivers QoS 2 exactly once over connections that are cut', async () => {
    await using broker = await startBroker({ kind });
    await using proxy = await TcpProxy.start(broker.port);
    await using listener = new Listener({ broker: broker.url, topics: ['out'], subscribeQoS: 2 });
    await listener.run();
    // aedes has a session only for who has subscribed.
    const options = { topics: ['none'], protocolVersion, ...SESSION, reconnect: { minMs: 1, maxMs: 5 } };
    await using publisher = new MQTTConnector({ broker: `mqtt://127.0.0.1:${proxy.port}`, ...options });
    await publisher.run();
    let sent = 0;
    let bytes = 0;
    // In the middle of an answer, at another place each time.
    proxy.tap = {
      admits(_connection, chunk) {
        bytes += chunk.length;
        if (bytes < 150) return true;
        bytes = 0;
        return false;
      },
    };
    const publishOne = async (text: string): Promise<void> => {
      await waitFor('a connection', () => publisher.connected);
      await publisher.publish('out', text, { qos: 2 });
    };
    while (sent < 200) {
      await Promise.all(numbered(10, sent).map(publishOne));
      sent += 10;
    }
    await listener.message(199);
    await rest(50);
    expect(proxy.connections).toBeGreaterThan(5);
    expect(listener.texts.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbered(200));
  });

  it('gives back QoS 2 when the broker has lost the session, so that none is lost', async () => {
    await using first = await startBroker({ kind });
    await using second = await startBroker({ kind });
    await using proxy = await TcpProxy.start(first.port);
    const broker = [`mqtt://127.0.0.1:${proxy.port}`, second.url];
    await using publisher = new MQTTConnector({ broker, topics: ['none'], protocolVersion, ...SESSION, ...QUICKLY });
    await publisher.run();
    proxy.stall();
    const outcome = publisher.publish('out', 'x', { qos: 2 }).catch((error: unknown) => error);
    publisher.restart('test');
    let settled = false;
    void outcome.then(() => {
      settled = true;
    });
    await rest(10);
    expect(settled).toBe(false);
    await proxy[Symbol.asyncDispose]();
    await waitFor('the other broker', () => publisher.connected && publisher.status.broker === second.url);
    expect(await outcome).toMatchObject({ code: 'broker_unreachable' });
    await publisher.publish('out', 'x', { qos: 2 });
  });

  it('gives back everything when it is shut down, wherever a delivery stands', async () => {
    await using broker = await startBroker({ kind });
    await using proxy = await TcpProxy.start(broker.port);
    const options = { broker: `mqtt://127.0.0.1:${proxy.port}`, protocolVersion, ...SESSION };
    await using publisher = new MQTTConnector(options);
    await publisher.run();
    proxy.stall();
    const outcomes = ([1, 2] as const).map((qos) => publisher.publish('out', 'x', { qos }).catch((error) => error));
    await publisher.shutdown();
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ code: 'closed' });
  });

  it.each([
    ['messages', { messages: 10 }, 'x', 11],
    ['bytes', { bytes: 50_000 }, 'x'.repeat(9_999), 6],
  ])(
    'reads no more when too many %s are under way, keeps the connection, and goes on',
    async (_what, bound, text, most) => {
      await using broker = await startBroker({ kind });
      const logger = keepLog();
      await using slow = new SlowListener({
        broker: broker.url,
        topics: ['a'],
        subscribeQoS: 0,
        keepAlive: 1,
        maxUnacknowledged: bound,
        protocolVersion,
        logger,
      });
      await slow.run();
      await publishAll(
        broker.url,
        'a',
        Array.from({ length: 40 }, () => text),
        0,
      );
      await rest(3_000);
      expect(slow.messages).toHaveLength(most);
      await waitFor('the rest', () => {
        slow.release();
        return slow.messages.length === 40;
      });
      slow.release();
      await slow.publish('b', 'x', { qos: 1 });
      expect(logger.at('warn', 'error')).toEqual([]);
    },
  );
});

describe.runIf(brokerKinds.includes('mosquitto')).each(['3.1.1', '5'] as const)(
  'a session at a Mosquitto that is started again, with MQTT %s',
  (protocolVersion) => {
    it('goes on, with what was not acknowledged, which is not handed over again', async () => {
      await using broker = await startBroker({ kind: 'mosquitto', persistence: true });
      const options = { broker: broker.url, topics: ['a'], protocolVersion, ...SESSION, ...QUICKLY };
      await using slow = new SlowListener(options);
      await slow.run();
      await publishAll(broker.url, 'a', ['1', '2']);
      await slow.message(1);
      await broker.process.terminate();
      await broker.process.start();
      await waitFor('the return', () => slow.connected);
      expect(slow.status.sessionPresent).toBe(true);
      await rest(100);
      expect(slow.texts).toEqual(['1', '2']);
      slow.release();
      await publishAll(broker.url, 'a', ['3']);
      await slow.message(2);
      slow.release();
      await rest(50);
      await slow.shutdown();
      await using after = new Listener(options);
      await after.run();
      await rest(50);
      expect(after.texts).toEqual([]);
    });
  },
);
