import { brokerKinds, startBroker, startMuteServer, TcpProxy, waitFor } from '@cstbox/test-peers';
import { connectAsync } from 'mqtt';
import { describe, expect, it } from 'vitest';
import { keepLog, Listener, QUICKLY, rest, SlowListener } from './connector.fixtures.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MessageProperties, QoS } from './mqtt-message.js';

/** Nothing else here speaks MQTT 5. */
describe.runIf(brokerKinds.includes('mosquitto'))('a connector to a broker with MQTT 5', () => {
  it('carries properties, there and back', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using listener = new Listener({ broker: broker.url, topics: ['a'] });
    await listener.run();
    const properties = {
      userProperties: { replayed: '1', tag: ['x', 'y'] },
      responseTopic: 'answers/17',
      correlationData: new Uint8Array([0, 255]),
      messageExpiryInterval: 60,
    };
    await listener.publish('a', 'x', { qos: 1, properties });
    const message = await listener.message(0);
    expect(message.properties).toEqual({
      ...properties,
      userProperties: Object.assign(Object.create(null), properties.userProperties),
      correlationData: Buffer.from([0, 255]),
      messageExpiryInterval: expect.any(Number),
    });
    expect(message.duplicate).toBe(false);
    await listener.publish('a', 'bare', { qos: 1 });
    expect(await listener.message(1)).not.toHaveProperty('properties');
  });

  it('leaves properties out with MQTT 3.1.1', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using listener = new Listener({ broker: broker.url, topics: ['a'], protocolVersion: '3.1.1' });
    await listener.run();
    await listener.publish('a', 'x', { qos: 1, properties: { userProperties: { replayed: '1' } } });
    expect(await listener.message(0)).not.toHaveProperty('properties');
  });

  it('takes hostile names of user properties for names', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using listener = new Listener({ broker: broker.url, topics: ['a'] });
    await listener.run();
    const stranger = await connectAsync({ port: broker.port, host: broker.host, protocolVersion: 5 });
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', ''];
    const userProperties = Object.create(null) as Record<string, string[]>;
    for (const name of names) userProperties[name] = [`${name} 1`, `${name} 2`];
    await stranger.publishAsync('a', 'x', { qos: 1, properties: { userProperties } });
    await stranger.endAsync();
    const received = (await listener.message(0)).properties?.userProperties ?? {};
    expect(Object.getPrototypeOf(received)).toBe(null);
    expect(Object.keys(received).toSorted()).toEqual(names.toSorted());
    for (const name of names) expect(received[name]).toEqual([`${name} 1`, `${name} 2`]);
    expect(({} as Record<string, unknown>)['0']).toBeUndefined();
  });

  it.each<[string, MessageProperties]>([
    ['a response topic with a wildcard', { responseTopic: 'a/#' }],
    ['a user property with a control character', { userProperties: { name: 'a\0b' } }],
    ['a user property that is no text', { userProperties: { name: 17 as never } }],
    ['a user property that is too long', { userProperties: { name: 'x'.repeat(65_536) } }],
    ['correlation data that are too long', { correlationData: new Uint8Array(65_536) }],
    ['a negative expiry', { messageExpiryInterval: -1 }],
    ['an expiry that is no number', { messageExpiryInterval: Number.NaN }],
  ])('does not send %s', async (_what, properties) => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using connector = new MQTTConnector({ broker: broker.url });
    await connector.run();
    await expect(connector.publish('a', 'x', { properties })).rejects.toMatchObject({ code: 'invalid_message' });
    await connector.publish('still/connected', 'x', { qos: 1 });
  });

  it.each([1, 2] as const)('gives back the QoS %s message that the access list refuses, and goes on', async (qos) => {
    await using broker = await startBroker({ kind: 'mosquitto', acl: ['topic readwrite mine/#'] });
    await using connector = new MQTTConnector({ broker: broker.url, ...QUICKLY });
    await connector.run();
    await connector.publish('mine/1', 'x', { qos });
    await expect(connector.publish('theirs', 'x', { qos })).rejects.toMatchObject({ code: 'broker_refused' });
    // Mosquitto 2.0.11 answers, and closes the connection nevertheless; others keep it.
    await rest(50);
    await waitFor('a connection', () => connector.connected);
    await connector.publish('mine/2', 'x', { qos });
  });

  it('knows how large a packet the broker takes, to the byte', async () => {
    await using broker = await startBroker({ kind: 'mosquitto', settings: ['max_packet_size 1000'] });
    await using listener = new Listener({ broker: broker.url, topics: ['a'], ...QUICKLY });
    await listener.run();
    const properties: MessageProperties = {
      userProperties: { näme: 'välue', list: ['1', '2'] },
      responseTopic: 'r',
      correlationData: new Uint8Array(3),
      messageExpiryInterval: 9,
    };
    for (const [qos, extra, options] of [
      [0, 0, {}],
      [1, 2, {}],
      [2, 2, {}],
      [1, 2 + (5 + 5 + 6) + 2 * (5 + 4 + 1) + 4 + 6 + 5, { properties }],
    ] as [QoS, number, object][]) {
      // Header 1, length 2, topic 2 + 1, length of the properties 1.
      const largest = 1_000 - 7 - extra;
      await listener.publish('a', 'x'.repeat(largest), { qos, ...options });
      const refused = listener.publish('a', 'x'.repeat(largest + 1), { qos, ...options });
      await expect(refused).rejects.toMatchObject({ code: 'broker_refused' });
    }
    expect(listener.connected).toBe(true);
  });

  it('loses its connection over a packet that is too large with MQTT 3.1.1, and comes back without it', async () => {
    await using broker = await startBroker({ kind: 'mosquitto', settings: ['max_packet_size 1000'] });
    await using connector = new MQTTConnector({ broker: broker.url, protocolVersion: '3.1.1', ...QUICKLY });
    await connector.run();
    const refused = connector.publish('a', 'x'.repeat(2_000), { qos: 1 });
    await expect(refused).rejects.toMatchObject({ code: 'broker_unreachable' });
    await waitFor('the return', () => connector.connected);
    await rest(100);
    expect(connector.connected).toBe(true);
    await connector.publish('a', 'x', { qos: 1 });
  });

  it('says how many messages the broker allows under way, and lowers what it does not grant, with one warning', async () => {
    await using broker = await startBroker({
      kind: 'mosquitto',
      settings: ['max_inflight_messages 7', 'max_qos 1', 'retain_available false'],
    });
    const logger = keepLog();
    await using listener = new Listener({ broker: broker.url, topics: ['a'], subscribeQoS: 2, logger });
    await listener.run();
    expect(([0, 1, 2] as const).map((qos) => listener.windowOf(qos))).toEqual([Infinity, 6, 6]);
    expect(([0, 1, 2] as const).map((qos) => listener.reserveOf(qos))).toEqual([Infinity, 1, 1]);
    for (const text of ['1', '2']) await listener.publish('a', text, { qos: 2, retain: true });
    expect(await listener.message(1)).toMatchObject({ qos: 1 });
    expect(logger.at('warn')).toEqual([
      'warn the broker takes QoS 1 at most: QoS 2 is lowered',
      'warn the broker retains no messages: they are sent without the flag',
    ]);
  });

  it('tells the broker how large a packet it takes, which then leaves out what is larger', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    const logger = keepLog();
    const options = { broker: broker.url, topics: ['a'], maxPacketBytes: 2_000, logger };
    await using listener = new Listener(options);
    await listener.run();
    await using publisher = new MQTTConnector({ broker: broker.url });
    await publisher.run();
    // Header 1, length 2, topic 2 + 1, identifier 2, length of the properties 1; to the byte, from what surely fits.
    const sizes = Array.from({ length: 20 }, (_, index) => 2_000 - 9 - 5 - 10 + index);
    for (const size of [...sizes, 100_000]) await publisher.publish('a', 'x'.repeat(size), { qos: 1 });
    await publisher.publish('a', 'last', { qos: 1 });
    await waitFor('the last', () => listener.texts.at(-1) === 'last');
    const lengths = listener.texts.slice(0, -1).map(({ length }) => length);
    expect(lengths.slice(0, 11)).toEqual(sizes.slice(0, 11));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(2_000 - 9);
    expect(logger.at('warn', 'error')).toEqual([]);
  });

  it('tells the broker how many messages it takes at once', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    const bound = { maxUnacknowledged: { messages: 5 } };
    await using slow = new SlowListener({ broker: broker.url, topics: ['a'], ...bound });
    await slow.run();
    await using publisher = new MQTTConnector({ broker: broker.url });
    await publisher.run();
    for (let index = 0; index < 10; index++) await publisher.publish('a', String(index), { qos: 1 });
    await rest(100);
    expect(slow.messages).toHaveLength(5);
    // It reads on: answers come through, although nothing more may.
    await slow.publish('b', 'x', { qos: 1 });
    await waitFor('the rest', () => {
      slow.release();
      return slow.messages.length === 10;
    });
  });

  it('gets retained messages again only when the broker has lost the session', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using proxy = await TcpProxy.start(broker.port);
    const session = { clientId: 'box', sessionExpiry: 60 };
    const options = { broker: `mqtt://127.0.0.1:${proxy.port}`, topics: ['kept'], ...QUICKLY };
    await using first = new MQTTConnector({ broker: broker.url });
    await first.run();
    await first.publish('kept', 'x', { qos: 1, retain: true });
    for (const [more, expected] of [
      [session, 1],
      [{}, 2],
    ] as const) {
      await using listener = new Listener({ ...options, ...more });
      await listener.run();
      await listener.message(0);
      await rest(50); // for the acknowledgement to arrive
      let connections = 0;
      listener.watch((state) => {
        if (state === 'connected') connections++;
      });
      proxy.cut();
      await waitFor('the return', () => connections === 1);
      await rest(50);
      expect(listener.messages).toHaveLength(expected);
    }
  });

  it('takes a delivery for done whose last answer was lost with the connection', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using proxy = await TcpProxy.start(broker.port);
    await using listener = new Listener({ broker: broker.url, topics: ['a'], subscribeQoS: 2 });
    await listener.run();
    const options = { clientId: 'box', sessionExpiry: 60, ...QUICKLY };
    await using connector = new MQTTConnector({ broker: `mqtt://127.0.0.1:${proxy.port}`, ...options });
    await connector.run();
    // PUBCOMP is packet type 7.
    proxy.tap = {
      admits(_connection, chunk) {
        if ((chunk[0] ?? 0) >> 4 !== 7) return true;
        proxy.tap = {};
        return false;
      },
    };
    await connector.publish('a', 'once', { qos: 2 });
    expect(proxy.connections).toBe(2);
    await rest(50);
    expect(listener.texts).toEqual(['once']);
  });

  it('says that the broker keeps the session for a shorter time', async () => {
    // CONNACK that accepts, with a session expiry interval (0x11) of 10 s.
    await using mute = await startMuteServer(0, Buffer.from([0x20, 8, 0, 0, 5, 0x11, 0, 0, 0, 10]));
    const logger = keepLog();
    const options = { broker: '127.0.0.1', port: mute.port, clientId: 'box', logger };
    await using connector = new MQTTConnector({ ...options, sessionExpiry: 60 });
    await connector.run();
    expect(logger.at('warn')).toEqual(['warn the broker keeps a session for 10 s only, not for 60 s']);
  });
});
