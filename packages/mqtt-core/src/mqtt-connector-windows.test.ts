import { brokerKinds, startBroker, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, QUICKLY } from './connector.fixtures.js';
import { makeBasicEvent } from './event.js';
import { type AcceptedEvent, InboundFilter, OutboundFilter } from './filter.js';
import { Gateway } from './gateway.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { QoS } from './mqtt-message.js';

class Out extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string): string | null {
    return varType === 'temperature' ? 'events' : null;
  }
}

class In extends InboundFilter {
  override acceptEvent(): AcceptedEvent[] {
    return [[makeBasicEvent('switch', 'lamp', 'on'), 'control']];
  }
}

describe.runIf(brokerKinds.includes('mosquitto')).concurrent('the window of a broker', () => {
  const publishAll = (connector: MQTTConnector, levels: readonly QoS[]) =>
    Promise.all(
      levels.map((qos) =>
        connector.publish('a', 'x', { qos }).then(
          () => 'sent',
          (error: Error) => error.message,
        ),
      ),
    );

  it('is never exceeded, by QoS 1 and 2 together with MQTT 5', async () => {
    await using broker = await startBroker({ kind: 'mosquitto', settings: ['max_inflight_messages 4'] });
    await using connector = new MQTTConnector({ broker: broker.url });
    await connector.run();
    const full = (qos: QoS) => `not published: the broker's window for QoS ${qos} is full`;
    expect(await publishAll(connector, [2, 1, 2, 1, 1, 2, 0])).toEqual([
      ...['sent', 'sent', 'sent', 'sent'],
      full(1),
      full(2),
      'sent',
    ]);
    await expect(
      Promise.all([1, 2, 2, 1].map((qos) => connector.publish('a', 'x', { qos: qos as QoS }))),
    ).resolves.toBeDefined();
  });

  it('is never exceeded at QoS 2 with MQTT 3.1.1, and at QoS 1 there is none unless that one is full', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    const logger = keepLog();
    await using connector = new MQTTConnector({ broker: broker.url, protocolVersion: '3.1.1', logger });
    await connector.run();
    const many = Array<QoS>(200).fill(1);
    const refusedAmong = async (levels: readonly QoS[]) =>
      (await publishAll(connector, levels)).flatMap((outcome, index) => (outcome === 'sent' ? [] : [index]));
    expect(await refusedAmong([...Array<QoS>(21).fill(2), 1, 0])).toEqual([20, 21]);
    expect(await refusedAmong([...Array<QoS>(19).fill(2), ...many])).toEqual([]);
    expect(await refusedAmong(many)).toEqual([]);
    expect(logger.at('warn', 'error')).toEqual([]);
  });

  it('is free again for what was lost with its connection', async () => {
    await using broker = await startBroker({ kind: 'mosquitto', settings: ['max_inflight_messages 3'] });
    await using proxy = await TcpProxy.start(broker.port);
    await using connector = new MQTTConnector({ broker: `mqtt://127.0.0.1:${proxy.port}`, ...QUICKLY });
    await connector.run();
    for (let round = 0; round < 3; round++) {
      proxy.stall();
      const outcomes = publishAll(connector, [1, 2, 1]);
      connector.restart('test');
      for (const outcome of await outcomes) expect(outcome).toContain('lost');
      proxy.flow();
      await waitFor('the return', () => connector.connected);
    }
    expect(await publishAll(connector, [1, 2, 1])).toEqual(['sent', 'sent', 'sent']);
  });

  it('has room for the answers to commands beside a flood of events at QoS 2', async () => {
    await using broker = await startBroker({ kind: 'mosquitto', settings: ['max_inflight_messages 20'] });
    const logger = keepLog();
    const bus = new MemoryEventBus();
    const session = { clientId: 'box', sessionExpiry: 60, ...QUICKLY };
    const connector = new MQTTConnector({ broker: broker.url, topics: ['in'], ...session, logger });
    await using gateway = new Gateway({ bus, connector, qos: 2, outbound: new Out(), inbound: new In() });
    await gateway.start();
    await waitFor('the connection', () => connector.connected);
    await using user = new MQTTConnector({ broker: broker.url, topics: ['answers'] });
    let answers = 0;
    user.onMessage = () => void answers++;
    await user.run();

    for (let n = 0; n < 5_000; n++) await bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', n));
    const ask = { qos: 1, properties: { responseTopic: 'answers' } } as const;
    for (let n = 0; n < 30; n++) await Promise.all(Array.from({ length: 10 }, () => user.publish('in', 'on', ask)));
    // The flood is not over: the answers went out beside it.
    await waitFor('the answers', () => answers === 300);
    // Each counts when the broker has acknowledged it, which may be after it has delivered it.
    await waitFor('the acknowledgements', () => gateway.counts.replies.sent + gateway.counts.replies.lost === 300);
    expect(gateway.counts.replies).toEqual({ sent: 300, lost: 0 });
    await waitFor('the events', () => gateway.counts.out.waiting === 0, 20_000);
    expect(gateway.counts.out.forwarded).toBe(5_000);
    expect(connector.status.attempts).toBe(0);
    expect(logger.at('warn', 'error')).toEqual([]);
  });
});
