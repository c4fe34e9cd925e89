import { brokerKinds, startBroker, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { type BasicEvent, makeBasicEvent } from './event.js';
import { type AcceptedEvent, InboundFilter } from './filter.js';
import { Gateway } from './gateway.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';

class EverythingIn extends InboundFilter {
  override acceptEvent(_client: MQTTConnector, _userData: unknown, { topic, payload }: MQTTMessage): AcceptedEvent[] {
    return [[makeBasicEvent('switch', topic, Buffer.from(payload).toString()), 'control']];
  }
}

/** A bus whose control channel keeps what it is told. */
class ControlBus extends MemoryEventBus {
  readonly commands: unknown[] = [];

  override async emit(channel: string, event: BasicEvent): Promise<void> {
    await super.emit(channel, event);
    this.commands.push(event.value);
  }
}

describe.skipIf(!brokerKinds.includes('mosquitto'))('commands over a real MQTT 5 broker', () => {
  const openGateway = async (url: string) => {
    const bus = new ControlBus();
    const connector = new MQTTConnector({ broker: url, topics: ['in/#'], clientId: 'box', sessionExpiry: 60 });
    const gateway = new Gateway({ bus, connector, inbound: new EverythingIn() });
    await gateway.start();
    await waitFor('the connection', () => connector.connected);
    return { bus, gateway, [Symbol.asyncDispose]: () => gateway.stop() };
  };
  const openUser = async (url: string) => {
    const user = new MQTTConnector({ broker: url, topics: ['answers'], protocolVersion: '5' });
    const answers: [unknown, string][] = [];
    user.onMessage = (_client, _userData, { payload, properties }) =>
      void answers.push([JSON.parse(Buffer.from(payload).toString()), String(properties?.correlationData)]);
    await user.run();
    return { user, answers, [Symbol.asyncDispose]: () => user.shutdown() };
  };

  it('are held while the gateway is away, and come in order when it is back', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using house = await openUser(broker.url);
    await (await openGateway(broker.url))[Symbol.asyncDispose]();
    for (let n = 0; n < 30; n++) await house.user.publish('in/lamp', String(n), { qos: n % 2 ? 1 : 2 });
    await using gateway = await openGateway(broker.url);
    await waitFor('all', () => gateway.bus.commands.length >= 30);
    expect(gateway.bus.commands).toEqual(Array.from({ length: 30 }, (_, n) => String(n)));
    expect(gateway.gateway.counts.in).toMatchObject({ received: 30, forwarded: 30 });
  });

  it('are not taken from the past, nor after their time, nor twice', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using house = await openUser(broker.url);
    await house.user.publish('in/lamp', 'stale', { qos: 1, retain: true });
    await using gateway = await openGateway(broker.url);
    await waitFor('the stale one', () => gateway.gateway.counts.in.dropped.retained === 1);
    const command = { qos: 1, properties: { userProperties: { command_id: '7' } } } as const;
    for (const text of ['once', 'twice']) await house.user.publish('in/lamp', text, command);
    await waitFor('the second', () => gateway.gateway.counts.in.dropped.duplicate === 1);
    expect(gateway.bus.commands).toEqual(['once']);
    expect(gateway.gateway.counts.in).toMatchObject({ received: 3, forwarded: 1, waiting: 0 });
  });

  it('are answered where the asker says, with what became of them', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using house = await openUser(broker.url);
    await using gateway = await openGateway(broker.url);
    const ask = (topic: string, id: string) =>
      house.user.publish(topic, 'on', {
        qos: 1,
        properties: {
          responseTopic: 'answers',
          correlationData: Buffer.from(id),
          userProperties: { command_id: 'the same' },
        },
      });
    await ask('in/lamp', 'first');
    await ask('in/lamp', 'second');
    await waitFor('both answers', () => house.answers.length === 2);
    expect(house.answers).toEqual([
      [
        {
          outcome: 'accepted',
          events: [{ channel: 'control', var_type: 'switch', var_name: 'in/lamp', data: { value: 'on' } }],
        },
        'first',
      ],
      [{ outcome: 'refused', reason: 'duplicate', detail: expect.any(String) }, 'second'],
    ]);
    await waitFor('the books', () => gateway.gateway.counts.replies.sent === 2);
  });
});
