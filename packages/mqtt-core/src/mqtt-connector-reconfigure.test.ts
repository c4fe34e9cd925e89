import { type BrokerKind, brokerKinds, freePort, startBroker, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, Listener, QUICKLY, SlowListener } from './connector.fixtures.js';
import type { LinkState } from './connector-status.js';
import { MQTTConnector } from './mqtt-connector.js';

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

function statesOf(connector: MQTTConnector): LinkState[] {
  const states: LinkState[] = [];
  connector.watch((state) => void states.push(state));
  return states;
}

/** Publishes numbers, one after the other, until it is stopped; returns how many. */
function publishNumbers(publisher: MQTTConnector, topic: string) {
  let isStopped = false;
  const publishing = (async () => {
    let count = 0;
    for (; !isStopped; count++) await publisher.publish(topic, String(count), { qos: 1 });
    return count;
  })();
  return {
    stop: () => {
      isStopped = true;
      return publishing;
    },
  };
}

describe.each(peers)('a connector at %s, with MQTT %s, that gets other options', (kind, protocolVersion) => {
  it('subscribes to other topics over the same connection, without a gap on those that stay', async () => {
    await using broker = await startBroker({ kind });
    await using publisher = new MQTTConnector({ broker: broker.url });
    await publisher.run();
    const options = { broker: broker.url, protocolVersion, ...SESSION };
    await using listener = new Listener({ ...options, topics: ['stays/#', 'goes'] });
    await listener.run();
    const states = statesOf(listener);
    const numbers = publishNumbers(publisher, 'stays/x');
    for (let round = 0; round < 10; round++) {
      const topic = `comes/${round}`;
      // Asked for with another QoS, a topic stays subscribed to (MQTT 5, section 3.8.4); aedes does not keep to that.
      const subscribeQoS = kind === 'mosquitto' && round % 2 === 0 ? 2 : 1;
      listener.reconfigure({ ...options, topics: ['stays/#', topic], subscribeQoS });
      // Sent until it is subscribed to.
      await waitFor(`what is published on ${topic}`, async () => {
        await publisher.publish(topic, topic, { qos: 1 });
        return listener.texts.includes(topic);
      });
    }
    const count = await numbers.stop();
    await waitFor('all numbers', () => listener.messages.filter(({ topic }) => topic === 'stays/x').length >= count);
    const received = listener.messages.filter(({ topic }) => topic === 'stays/x');
    expect(received.map(({ payload }) => Number(Buffer.from(payload).toString()))).toEqual([...Array(count).keys()]);
    await publisher.publish('goes', 'x', { qos: 1 });
    await publisher.publish('stays/end', 'x', { qos: 1 });
    await waitFor('the last message', () => listener.messages.at(-1)?.topic === 'stays/end');
    expect(listener.messages.some(({ topic }) => topic === 'goes')).toBe(false);
    expect(states).toEqual([]);
    expect(listener.topics).toEqual(['stays/#', 'comes/9']);
  });

  it('takes back in a session what it gave up while there was no connection', async () => {
    await using broker = await startBroker({ kind });
    await using proxy = await TcpProxy.start(broker.port);
    await using publisher = new MQTTConnector({ broker: broker.url });
    await publisher.run();
    const options = { broker: `mqtt://127.0.0.1:${proxy.port}`, protocolVersion, ...SESSION, ...QUICKLY };
    await using listener = new Listener({ ...options, topics: ['a', 'b'] });
    await listener.run();
    proxy.refuse();
    proxy.cut();
    await waitFor('the loss', () => !listener.connected);
    listener.reconfigure({ ...options, topics: ['b'] });
    proxy.heal();
    await waitFor('the return', () => listener.connected);
    expect(listener.status.sessionPresent).toBe(true);
    await waitFor('the end of the subscription', async () => {
      const before = listener.messages.length;
      await publisher.publish('a', 'a', { qos: 1 });
      await publisher.publish('b', 'b', { qos: 1 });
      await waitFor('the second', () => listener.messages.at(-1)?.topic === 'b');
      return listener.messages.slice(before).every(({ topic }) => topic === 'b');
    });
  });

  it('makes one new connection for what needs one, goes on in the session, and has what was on the wire arrive once', async () => {
    await using broker = await startBroker({ kind });
    await using witness = new Listener({ broker: broker.url, topics: ['out'], subscribeQoS: 2 });
    await witness.run();
    const options = { broker: broker.url, protocolVersion, topics: ['in'], ...SESSION, ...QUICKLY };
    await using listener = new SlowListener({ ...options, subscribeQoS: 2 });
    await listener.run();
    await witness.publish('in', 'slow', { qos: 2 });
    await listener.message(0);
    const states = statesOf(listener);
    const published = [0, 1, 2, 3, 4].map((n) => listener.publish('out', String(n), { qos: 2 }));
    listener.reconfigure({ ...options, subscribeQoS: 2, keepAlive: 7 });
    listener.reconfigure({ ...options, subscribeQoS: 2, keepAlive: 8 });
    expect(listener.writable).toBe(false);
    await Promise.all(published);
    await waitFor('another connection', () => states.length === 2);
    expect(states).toEqual(['connecting', 'connected']);
    expect(listener.status.sessionPresent).toBe(true);
    listener.reconfigure({ ...options, subscribeQoS: 2, keepAlive: 8 });
    listener.release();
    await listener.publish('out', '5', { qos: 2 });
    await waitFor('all', () => witness.messages.length >= 6);
    expect(witness.texts).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(states).toHaveLength(2);
    expect(listener.texts).toEqual(['slow']);
  });
});

describe('a connector that gets other options', () => {
  const nowhere = { broker: '127.0.0.1', port: 1, reconnect: { minMs: 600_000, maxMs: 600_000 } };

  it('tries them at once, however long it was to wait, and while it tries others', async () => {
    await using broker = await startBroker();
    await using connector = new MQTTConnector(nowhere);
    const running = connector.run();
    await waitFor('the first attempt', () => connector.status.fault !== undefined);
    const port = await freePort();
    connector.reconfigure({ ...nowhere, port });
    expect(connector.status).toMatchObject({ broker: `mqtt://127.0.0.1:${port}` });
    connector.reconfigure({ broker: broker.url });
    await running;
    expect(connector.status).toMatchObject({ state: 'connected', broker: broker.url });
  });

  it('is let in with another password', async () => {
    await using broker = await startBroker({ user: { name: 'box', password: 'right' } });
    await using connector = new MQTTConnector({ broker: broker.url, login: 'box', password: 'wrong' });
    const running = connector.run();
    await waitFor('the refusal', () => connector.status.fault !== undefined);
    connector.reconfigure({ broker: broker.url, login: 'box', password: 'right' });
    await running;
    expect(connector.status.fault).toBeUndefined();
  });

  it('keeps the old ones when the new ones can not be right, or say the same', async () => {
    await using broker = await startBroker();
    const options = { broker: broker.url, topics: ['a'] };
    await using connector = new MQTTConnector(options);
    await connector.run();
    const states = statesOf(connector);
    const { clientId } = connector;
    for (const wrong of [
      { topics: ['a/#/b'] },
      { password: 'x' },
      { keepAlive: -1 },
      { sessionExpiry: 5 },
      { broker: [] },
    ]) {
      expect(() => connector.reconfigure({ ...options, ...wrong })).toThrow(
        expect.objectContaining({ name: 'ConfigurationError' }),
      );
    }
    const others = {
      connectTimeoutMs: 5_000,
      reconnect: { minMs: 5 },
      maxUnacknowledged: { bytes: 1_000_000 },
      userData: 7,
    };
    connector.reconfigure({ ...options, ...others });
    await connector.publish('b', 'x', { qos: 1 });
    expect(states).toEqual([]);
    expect(connector).toMatchObject({ topics: ['a'], userData: 7, clientId });
  });

  it('says which topics the broker refuses, as long as they are wanted', async () => {
    await using broker = await startBroker({ deniedTopic: 'secret' });
    const log = keepLog();
    const options = { broker: broker.url, logger: log };
    await using connector = new MQTTConnector(options);
    await connector.run();
    connector.reconfigure({ ...options, topics: ['a', 'secret'] });
    await waitFor('the refusal', () => connector.status.refusedTopics !== undefined);
    expect(connector.status).toMatchObject({ refusedTopics: ['secret'], fault: expect.stringContaining('secret') });
    connector.reconfigure({ ...options, topics: ['a'] });
    expect(connector.status.fault).toBeUndefined();
    expect(log.at('info')).toContain('info subscribed to a');
  });

  it('ends within its time while it leaves one connection for another', async () => {
    await using broker = await startBroker();
    const connector = new MQTTConnector({ broker: broker.url });
    await connector.run();
    connector.reconfigure({ broker: broker.url, keepAlive: 5 });
    await connector.shutdown();
    expect(connector.state).toBe('closed');
    expect(() => connector.reconfigure({ broker: broker.url })).toThrow('was shut down');
  });
});
