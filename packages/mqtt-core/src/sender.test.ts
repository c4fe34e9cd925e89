import { brokerKinds, startBroker, startMuteServer, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import type { MQTTConnectorOptions } from './connector-options.js';
import { makeBasicEvent } from './event.js';
import { OutboundFilter } from './filter.js';
import { Gateway } from './gateway.js';
import type { GatewayOptions } from './gateway-options.js';
import type { Logger } from './logger.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';

/** Publishes the value of an event as it is, so that tests can make it of any size. */
class Plain extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string): string {
    return `${varType}/${varName}`;
  }

  override makePayload(_timestamp: unknown, _varType: string, _varName: string, data: { value?: unknown }): string {
    return String(data.value);
  }
}

const openGateway = async (connection: MQTTConnectorOptions, options: Partial<GatewayOptions> = {}) => {
  const bus = new MemoryEventBus();
  const lines: string[] = [];
  const note = (line: string) => void lines.push(line);
  const logger: Logger = { debug() {}, info: note, warn: note, error: note };
  const connector = new MQTTConnector({ reconnect: { minMs: 50, maxMs: 100 }, ...connection, logger });
  const gateway = new Gateway({ bus, connector, outbound: new Plain(), logger, stopTimeoutMs: 500, ...options });
  await gateway.start();
  const put = (name: string, value: unknown) => bus.emit('sensor', makeBasicEvent('v', name, value));
  return { gateway, connector, put, lines, [Symbol.asyncDispose]: () => gateway.stop() };
};

const openUser = async (broker: string, protocolVersion: '5' | '3.1.1' = '3.1.1') => {
  const user = new MQTTConnector({ broker, topics: ['v/#'], subscribeQoS: 2, protocolVersion });
  const messages: MQTTMessage[] = [];
  user.onMessage = (_client, _userData, message) => void messages.push(message);
  await user.run();
  const payloads = () => messages.map(({ payload }) => Buffer.from(payload).toString());
  return { messages, payloads, [Symbol.asyncDispose]: () => user.shutdown() };
};

const mosquitto = describe.skipIf(!brokerKinds.includes('mosquitto'));

mosquitto.each([
  ['5', 1],
  ['3.1.1', 1],
  ['5', 2],
  ['3.1.1', 2],
] as const)('over MQTT %s at QoS %s, a message that the broker will not have', (protocolVersion, qos) => {
  it('for its size is set aside, counted and reported, and stops nothing behind it', { timeout: 30_000 }, async () => {
    await using broker = await startBroker({ kind: 'mosquitto', settings: ['max_packet_size 2000'] });
    await using user = await openUser(broker.url);
    await using house = await openGateway(
      { broker: broker.url, protocolVersion, clientId: 'box', sessionExpiry: 60 },
      { qos },
    );
    for (let n = 0; n < 50; n++) await house.put('small', n);
    await house.put('large', 'x'.repeat(5_000));
    for (let n = 50; n < 100; n++) await house.put('small', n);
    await waitFor('the rest', () => house.gateway.counts.out.waiting === 0, 25_000);
    await waitFor('the last', () => user.payloads().includes('99'));
    expect([...new Set(user.payloads())]).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
    const reason = protocolVersion === '5' ? 'refused_by_broker' : 'broker_cuts_connection';
    expect(house.gateway.counts.out).toMatchObject({ received: 101, forwarded: 100, dropped: { [reason]: 1 } });
    expect(house.lines.filter((line) => line.includes(reason) && line.includes('"v/large"'))).toHaveLength(1);
  });
});

mosquitto('a message that the access list of the broker forbids', () => {
  it('is set aside where MQTT 5 lets the broker say so', async () => {
    await using broker = await startBroker({
      kind: 'mosquitto',
      acl: ['topic read v/#', 'topic write v/open', 'topic deny v/closed'],
    });
    await using user = await openUser(broker.url);
    await using house = await openGateway({ broker: broker.url, protocolVersion: '5' });
    for (const name of ['open', 'closed', 'open']) await house.put(name, name);
    await waitFor('the books', () => house.gateway.counts.out.waiting === 0);
    expect(house.gateway.counts.out).toMatchObject({ forwarded: 2, dropped: { refused_by_broker: 1 } });
    await waitFor('both', () => user.payloads().length === 2);
  });
});

mosquitto('what waited for the connection', () => {
  it('is marked as replayed, and what comes later is not', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using proxy = await TcpProxy.start(broker.port);
    await using user = await openUser(broker.url, '5');
    await using house = await openGateway({ broker: '127.0.0.1', port: proxy.port, protocolVersion: '5' });
    await house.put('early', 1);
    await waitFor('the first', () => house.gateway.counts.out.forwarded === 1);
    await house.put('live', 2);
    await waitFor('the second', () => house.gateway.counts.out.forwarded === 2);
    proxy.cut();
    await waitFor('the loss', () => !house.connector.connected);
    await house.put('late', 3);
    await waitFor('the third', () => house.gateway.counts.out.forwarded === 3);
    await house.put('live', 4);
    await waitFor('the fourth', () => user.messages.length === 4);
    const marks = user.messages.map(({ properties }) => properties?.userProperties?.replayed);
    expect(marks).toEqual(['true', undefined, 'true', undefined]);
  });

  it('arrives exactly once at QoS 2, through cuts in a flood', { timeout: 30_000 }, async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using proxy = await TcpProxy.start(broker.port);
    await using user = await openUser(broker.url);
    await using house = await openGateway(
      { broker: '127.0.0.1', port: proxy.port, clientId: 'box', sessionExpiry: 60 },
      { qos: 2 },
    );
    await waitFor('the connection', () => house.connector.connected);
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 400; n++) await house.put('n', round * 400 + n);
      await new Promise((resolve) => setTimeout(resolve, 10));
      proxy.cut();
    }
    await waitFor('all', () => house.gateway.counts.out.waiting === 0, 20_000);
    await waitFor('all', () => user.payloads().length >= 2_000);
    expect(user.payloads()).toEqual(Array.from({ length: 2_000 }, (_, n) => String(n)));
  });
});

describe('a broker that stops answering', () => {
  it('has its connection replaced, and gets what it did not acknowledge again', { timeout: 30_000 }, async () => {
    await using broker = await startBroker();
    await using proxy = await TcpProxy.start(broker.port);
    await using user = await openUser(broker.url);
    await using house = await openGateway({ broker: '127.0.0.1', port: proxy.port }, { ackTimeoutMs: 400 });
    await waitFor('the connection', () => house.connector.connected);
    proxy.stall();
    for (let n = 0; n < 10; n++) await house.put('n', n);
    await waitFor('the end of patience', () => house.lines.join('\n').includes('no acknowledgement within 0.4 s'));
    proxy.flow();
    await waitFor('all', () => house.gateway.counts.out.forwarded === 10, 20_000);
    await waitFor('the last', () => user.payloads().includes('9'));
    expect([...new Set(user.payloads())]).toEqual(Array.from({ length: 10 }, (_, n) => String(n)));
  });

  it('does not fill the memory: what waits stays in the outbox', async () => {
    await using mute = await startMuteServer();
    await using house = await openGateway({ broker: '127.0.0.1', port: mute.port }, { qos: 0 });
    for (let n = 0; n < 1_000; n++) await house.put('n', n);
    expect(house.gateway.counts.out).toMatchObject({ received: 1_000, waiting: 1_000 });
    expect(house.gateway.status).toMatchObject({ outbox: { waiting: 1_000 }, broker: { state: 'connecting' } });
  });
});
