import { startBroker, startMuteServer } from '@cstbox/test-peers';
import { connect, type MqttClient, Store } from 'mqtt';
import { describe, expect, it } from 'vitest';
import { connectAnnouncing, pointAt } from './connector-options.js';

/**
 * What the connector relies on in MQTT.js beside its documentation. Whoever raises its version and finds one of these
 * failing has to look at the part that is named.
 */
describe('MQTT.js', () => {
  const make = (options: object = {}) =>
    connect({ manualConnect: true, reconnectPeriod: 0, protocol: 'mqtt', host: '127.0.0.1', port: 1, ...options });
  const event = (client: MqttClient, name: 'connect' | 'close') =>
    new Promise<void>((resolve) => void client.once(name, () => resolve()));
  const end = async (client: MqttClient) => {
    client.stream?.destroy();
    await client.endAsync(true);
  };

  it('reads its options again at each connection (connector-options.ts: pointAt)', async () => {
    await using broker = await startBroker();
    const client = make({ protocolVersion: 5 });
    client.connect();
    await event(client, 'close');
    pointAt(client.options, { protocol: 'mqtt', host: '127.0.0.1', port: broker.port }, 4);
    client.connect();
    await event(client, 'connect');
    await end(client);
  });

  it('keeps its stores over connect() (mqtt-connector.ts)', async () => {
    await using broker = await startBroker();
    const client = make({ port: broker.port });
    const { outgoingStore } = client;
    for (let round = 0; round < 2; round++) {
      client.connect();
      await event(client, 'connect');
      client.stream.destroy();
      await event(client, 'close');
    }
    expect(client.outgoingStore).toBe(outgoingStore);
    await client.endAsync(true);
  });

  it('sends no acknowledgement, and reads on, when customHandleAcks fails (inbound-flow.ts)', async () => {
    await using broker = await startBroker();
    const client = make({ port: broker.port, protocolVersion: 4 });
    const seen: string[] = [];
    const errors: Error[] = [];
    const later = new Error('later');
    client.options.customHandleAcks = (_topic, payload, _packet, done) => {
      seen.push(String(payload));
      done(later);
    };
    client.on('error', (error) => void errors.push(error));
    client.on('packetsend', ({ cmd }) => void (/^pub(ack|rec)$/.test(cmd) && seen.push(cmd)));
    client.connect();
    await event(client, 'connect');
    await client.subscribeAsync('a', { qos: 2 });
    await client.publishAsync('a', '1', { qos: 1 });
    await client.publishAsync('a', '2', { qos: 2 });
    await client.publishAsync('b', 'answered', { qos: 1 });
    await expect.poll(() => seen).toEqual(['1', '2']);
    expect(errors).toEqual([later, later]);
    expect(client.connected).toBe(true);
    await end(client);
  });

  it('emits packetreceive for CONNACK before it sends again what is stored (publisher.ts: opened)', async () => {
    await using mute = await startMuteServer(0, Buffer.from([0x20, 2, 1, 0]));
    const client = make({ port: mute.port, clean: false, clientId: 'c' });
    client.outgoingStore.put(
      { cmd: 'publish', topic: 'a', payload: 'x', qos: 2, messageId: 1, dup: false, retain: false },
      () => {},
    );
    const trace: string[] = [];
    client.on('packetreceive', ({ cmd }) => {
      trace.push(`got ${cmd}`);
      client.outgoingStore = new Store();
    });
    client.on('packetsend', ({ cmd }) => void trace.push(`sent ${cmd}`));
    client.connect();
    await event(client, 'connect');
    expect(trace).toEqual(['sent connect', 'got connack']);
    await end(client);
  });

  it('calls back for a message that is removed, and frees its identifier (outgoing-messages.ts)', async () => {
    await using mute = await startMuteServer(0, Buffer.from([0x20, 2, 0, 0]));
    const client = make({ port: mute.port });
    client.connect();
    await event(client, 'connect');
    const removed = new Promise((resolve) => client.publish('a', 'x', { qos: 1 }, resolve));
    const [id] = Object.keys(client.outgoing);
    client.removeOutgoingMessage(Number(id));
    expect(await removed).toMatchObject({ message: 'Message removed' });
    expect(client.outgoing).toEqual({});
    await end(client);
  });

  it('announces the receive maximum that it was made with (connector-options.ts)', async () => {
    await using mute = await startMuteServer();
    const client = make({ port: mute.port, protocolVersion: 5, properties: { receiveMaximum: 7 } });
    const sent: unknown[] = [];
    client.on('packetsend', (packet) => void sent.push(packet));
    client.options.properties = { receiveMaximum: 9 };
    client.connect();
    expect(sent).toMatchObject([{ properties: { receiveMaximum: 7 } }]);
    await end(client);
  });

  it('announces the properties that stand in its options at that moment (connector-options.ts: connectAnnouncing)', async () => {
    await using mute = await startMuteServer();
    const client = make({ port: mute.port, protocolVersion: 5 });
    const sent: unknown[] = [];
    client.on('packetsend', (packet) => void sent.push(packet));
    connectAnnouncing(client, 5_000);
    expect(sent).toMatchObject([{ properties: { maximumPacketSize: 4_995 } }]);
    expect(client.options.properties).toBeUndefined();
    await end(client);
  });
});
