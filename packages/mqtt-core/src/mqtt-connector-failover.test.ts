import { brokerKinds, startBroker, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, Listener, QUICKLY, rest } from './connector.fixtures.js';
import { MQTTConnector } from './mqtt-connector.js';

const SESSION = { clientId: 'box', sessionExpiry: 300 } as const;

/** Two Mosquittos, each behind a proxy, and what is delivered at each. */
async function startPair() {
  const brokers = [await startBroker({ kind: 'mosquitto' }), await startBroker({ kind: 'mosquitto' })] as const;
  const proxies = [await TcpProxy.start(brokers[0].port), await TcpProxy.start(brokers[1].port)] as const;
  const users = brokers.map(({ url }) => new Listener({ broker: url, topics: ['out'], subscribeQoS: 2 }));
  await Promise.all(users.map((user) => user.run()));
  return {
    proxies,
    users: users as [Listener, Listener],
    urls: proxies.map(({ port }) => `mqtt://127.0.0.1:${port}`) as [string, string],
    async [Symbol.asyncDispose]() {
      for (const each of [...users, ...proxies, ...brokers]) await each[Symbol.asyncDispose]();
    },
  };
}

/** Lets nothing of this packet type through, and cuts the connection at the first. */
const without = (type: number) => (chunk: Buffer) => (chunk[0] ?? 0) >> 4 !== type;
const PUBREC = 5;
const PUBREL = 6;
const PUBCOMP = 7;

describe.runIf(brokerKinds.includes('mosquitto')).concurrent.each(['3.1.1', '5'] as const)(
  'a session at two brokers, with MQTT %s',
  (protocolVersion) => {
    /** Makes a session at each of them, which is left alone for now. */
    const makeSessions = async (urls: readonly string[]) => {
      for (const broker of urls) {
        await using before = new MQTTConnector({
          broker,
          protocolVersion,
          topics: ['in'],
          subscribeQoS: 2,
          ...SESSION,
        });
        await before.run();
      }
    };

    it('is known at one of them at a time: QoS 2 that was under way at the one is given back, and is not lost at the other', async () => {
      await using pair = await startPair();
      const [a, b] = pair.proxies;
      await makeSessions(pair.urls);
      // The session at B holds messages under the first identifiers, half-way: nobody there has released them.
      {
        b.tap = { admits: (_connection, bytes) => without(PUBREC)(bytes) };
        await using before = new MQTTConnector({
          broker: pair.urls[1],
          protocolVersion,
          ...SESSION,
          reconnect: { minMs: 30_000 },
        });
        await before.run();
        const lost = ['1', '2', '3'].map((n) => before.publish('out', `B before ${n}`, { qos: 2 }).catch(() => {}));
        await waitFor('the cut', () => !before.connected);
        await before.shutdown();
        await Promise.all(lost);
        b.tap = {};
      }
      const logger = keepLog();
      await using publisher = new MQTTConnector({ broker: pair.urls, protocolVersion, ...SESSION, ...QUICKLY, logger });
      await publisher.run();
      const goTo = async (url: string) =>
        waitFor(`the way to ${url}`, () => publisher.connected && publisher.status.broker === url);
      await goTo(pair.urls[0]);
      a.tap = { admits: (_connection, bytes) => without(PUBREC)(bytes) };
      const texts = ['1', '2', '3'];
      const outcomes = texts.map((text) => publisher.publish('out', text, { qos: 2 }).catch((error) => error));
      await goTo(pair.urls[1]);
      for (const outcome of outcomes) expect(await outcome).toMatchObject({ code: 'broker_unreachable' });
      // What was given back is published again: a broker that took it for what it holds would lose it.
      for (const text of texts) await publisher.publish('out', text, { qos: 2 });
      await waitFor('all at B', () => texts.every((text) => pair.users[1].texts.includes(text)));
      expect(pair.users[1].texts.filter((text) => !text.startsWith('B'))).toEqual(texts);

      // Back at A: what is half-way there is not taken for anything new either.
      a.tap = {};
      b.cut();
      await goTo(pair.urls[0]);
      for (const text of ['4', '5', '6']) await publisher.publish('out', text, { qos: 2 });
      await waitFor('all at A', () => ['4', '5', '6'].every((text) => pair.users[0].texts.includes(text)));
    });

    it('is released at the first when the connection to the second ended before its own was', async () => {
      await using pair = await startPair();
      const [a, b] = pair.proxies;
      await makeSessions(pair.urls);
      await using publisher = new MQTTConnector({ broker: pair.urls, protocolVersion, ...SESSION, ...QUICKLY });
      await publisher.run();
      a.tap = { admits: (_connection, bytes) => without(PUBREC)(bytes) };
      b.tap = { admits: (_connection, bytes) => without(PUBCOMP)(bytes) };
      const texts = ['1', '2', '3'];
      const outcomes = texts.map((text) => publisher.publish('out', text, { qos: 2 }).catch((error) => error));
      await waitFor('B', () => b.connections === 2);
      a.tap = {};
      for (const outcome of outcomes) expect(await outcome).toMatchObject({ code: 'broker_unreachable' });
      await waitFor('A', () => publisher.connected && publisher.status.broker === pair.urls[0]);
      // Nobody would release them ever, were they taken for known: they would fill the window of A.
      await waitFor('what was left there', () => pair.users[0].messages.length === 3);
      expect(pair.users[0].texts).toEqual(texts);
    });

    it('does not take a command of the one for a command of the other', async () => {
      await using pair = await startPair();
      const [a] = pair.proxies;
      await makeSessions(pair.urls);
      // A waits for the answer to its first command, whose identifier is that of the first command of B.
      await using listener = new Listener({
        broker: pair.urls,
        protocolVersion,
        topics: ['in'],
        subscribeQoS: 2,
        ...SESSION,
        ...QUICKLY,
      });
      await listener.run();
      a.tap = { admits: (_connection, bytes) => without(PUBREL)(bytes) };
      await pair.users[0].publish('in', 'the same', { qos: 2 });
      await waitFor('B', () => listener.connected && listener.status.broker === pair.urls[1]);
      expect(listener.texts).toEqual(['the same']);
      await pair.users[1].publish('in', 'the same', { qos: 2 });
      await listener.message(1);
      await rest(50);
      expect(listener.texts).toEqual(['the same', 'the same']);
    });
  },
);
