import { brokerKinds, startBroker, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, Listener, rest } from './connector.fixtures.js';
import { BasicEvent, makeBasicEvent } from './event.js';
import { type AcceptedEvent, InboundFilter, OutboundFilter } from './filter.js';
import { Gateway } from './gateway.js';
import { LoopGuard } from './loop-guard.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';

/** The payload becomes the value of one variable. */
class In extends InboundFilter {
  override acceptEvent(_client: MQTTConnector, _userData: unknown, { payload }: MQTTMessage): AcceptedEvent[] {
    return [[makeBasicEvent('switch', 'lamp', Buffer.from(payload).toString()), 'control']];
  }
}

/** The value becomes the payload on one topic. */
class Out extends OutboundFilter {
  constructor(readonly topic: string) {
    super();
  }

  override getMqttTopic(): string {
    return this.topic;
  }

  override makePayload(_timestamp: unknown, _varType: string, _varName: string, data: { value?: unknown }): string {
    return String(data.value);
  }
}

interface Way {
  readonly url: string;
  readonly subscribes: string;
  readonly publishes: string;
  readonly protocolVersion?: '5' | '3.1.1';
  readonly clientId?: string;
}

/** A gateway on a bus of its own. */
async function startGateway({ url, subscribes, publishes, ...more }: Way) {
  const bus = new MemoryEventBus();
  const connector = new MQTTConnector({ broker: url, topics: [subscribes], ...more });
  const log = keepLog();
  const gateway = new Gateway({ bus, connector, logger: log, inbound: new In(), outbound: new Out(publishes) });
  await gateway.start();
  await waitFor('the connection', () => connector.connected);
  return { bus, gateway, log, [Symbol.asyncDispose]: () => gateway.stop() };
}

/** Somebody else at the broker. */
async function startStranger(url: string, topics: string[], protocolVersion: '5' | '3.1.1' = '5') {
  const stranger = new Listener({ broker: url, topics, protocolVersion });
  await stranger.run();
  return stranger;
}

const message = (more: Partial<MQTTMessage> = {}): MQTTMessage => ({
  topic: 'a/1',
  payload: Buffer.from('on'),
  qos: 1,
  retain: false,
  ...more,
});
const marked = (userProperties: Record<string, string | string[]>) => message({ properties: { userProperties } });

function makeGuard(topics: string[] = []) {
  const connector = new MQTTConnector({ broker: 'localhost', clientId: 'us', topics });
  return new LoopGuard({ connector, channels: ['control'], maxHops: 8 });
}

describe('the marks of a message', () => {
  it.each([
    ['none', {}, undefined],
    ['those of others', { 'mqttgw-hops': '7', 'mqttgw-origin': 'them' }, undefined],
    ['our own name', { 'mqttgw-hops': '1', 'mqttgw-origin': 'us' }, 'mqttgw-origin'],
    ['our own name among others', { 'mqttgw-origin': ['them', 'us'] }, 'mqttgw-origin'],
    ['the last hop', { 'mqttgw-hops': '8' }, '8 gateways'],
    ['too many hops, and fewer', { 'mqttgw-hops': ['1', '99'] }, '99 gateways'],
    ['a count that is none', { 'mqttgw-hops': 'many' }, 'unreadable'],
    ['a negative count', { 'mqttgw-hops': '-1' }, 'unreadable'],
    ['an empty count', { 'mqttgw-hops': '' }, 'unreadable'],
    ['more counts than there are gateways', { 'mqttgw-hops': Array(130_000).fill('1') }, 'unreadable'],
    ['more names than there are gateways', { 'mqttgw-origin': Array(55_000).fill('them') }, 'unreadable'],
    ['a count that is beyond all', { 'mqttgw-hops': '9'.repeat(400) }, 'unreadable'],
  ])('let it in or end it: %s', (_what, properties, words) => {
    const refusal = makeGuard().judge(marked(properties as Record<string, string>));
    if (words === undefined) return expect(refusal).toBeUndefined();
    expect(refusal).toMatchObject({ reason: 'loop', detail: expect.stringContaining(words) });
    expect(refusal?.detail).toContain('docs/delivery.md');
  });

  it.each([
    ['', {}, { 'mqttgw-hops': '1', 'mqttgw-origin': 'us' }],
    [
      'of another gateway',
      { 'mqttgw-hops': '3', 'mqttgw-origin': 'them' },
      { 'mqttgw-hops': '4', 'mqttgw-origin': 'them' },
    ],
    ['that no gateway has written', { 'mqttgw-origin': 'a\nb' }, { 'mqttgw-hops': '1', 'mqttgw-origin': 'us' }],
    ['that is too long', { 'mqttgw-origin': 'x'.repeat(5_000) }, { 'mqttgw-hops': '1', 'mqttgw-origin': 'us' }],
  ])('go on with what came of it %s', (_what, properties, expected) => {
    const guard = makeGuard();
    const event = new BasicEvent('switch', 'lamp', { value: 'on', unit: 'x' });
    guard.emitting(marked(properties), 'control', event);
    // The event manager may write the keys in another order.
    const cause = guard.marksOf('control', new BasicEvent('switch', 'lamp', { unit: 'x', value: 'on' }));
    expect(guard.mark({ own: '1' }, 'elsewhere', cause)).toEqual({ own: '1', ...expected });
  });
});

describe('an event that was handed to the bus', () => {
  const lamp = (data: Record<string, unknown>) => new BasicEvent('switch', 'lamp', data);

  it('is known again once, by channel, type, name and data', () => {
    const guard = makeGuard();
    guard.emitting(message(), 'control', lamp({ value: 1, more: [{ a: 1, b: 2 }] }));
    for (const [channel, event] of [
      ['sensor', lamp({ value: 1, more: [{ a: 1, b: 2 }] })],
      ['control', lamp({ value: 2, more: [{ a: 1, b: 2 }] })],
      ['control', new BasicEvent('switch', 'fan', { value: 1, more: [{ a: 1, b: 2 }] })],
      ['control', new BasicEvent('dim', 'lamp', { value: 1, more: [{ a: 1, b: 2 }] })],
    ] as const) {
      expect(guard.marksOf(channel, event)).toBeUndefined();
    }
    const same = () => guard.marksOf('control', lamp({ more: [{ b: 2, a: 1 }], value: 1 }));
    expect(same()).toEqual({ 'mqttgw-hops': '1', 'mqttgw-origin': 'us' });
    expect(same()).toBeUndefined();
  });

  it('is not waited for on a channel of which nothing goes out', () => {
    const guard = makeGuard();
    guard.emitting(message(), 'sensor', lamp({ value: 1 }));
    expect(guard.marksOf('sensor', lamp({ value: 1 }))).toBeUndefined();
  });

  it('may hold what no bus can carry', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const guard = makeGuard();
    guard.emitting(message(), 'control', lamp(circular));
    guard.emitting(message(), 'control', lamp({ value: 1n }));
    guard.emitting(message(), 'control', lamp(JSON.parse(`{"deep":${'['.repeat(5_000)}${']'.repeat(5_000)}}`)));
    expect(guard.marksOf('control', lamp(circular))).toBeUndefined();
  });
});

describe('what goes out', () => {
  it('is marked on topics that we subscribe to, and left alone on others', () => {
    const guard = makeGuard(['in/#', '$share/g/shared/+']);
    const own = { 'mqttgw-hops': '1', 'mqttgw-origin': 'us' };
    for (const topic of ['in/x', 'shared/x']) expect(guard.mark(undefined, topic, undefined)).toEqual(own);
    const properties = { a: '1' };
    expect(guard.mark(properties, 'out/x', undefined)).toBe(properties);
    expect(guard.mark(undefined, 'out/x', undefined)).toBeUndefined();
  });
});

describe.runIf(brokerKinds.includes('mosquitto'))('a loop', () => {
  it('through one gateway ends at the broker with MQTT 5', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using house = await startGateway({ url: broker.url, subscribes: 'x/#', publishes: 'x/lamp' });
    await using stranger = await startStranger(broker.url, ['x/#']);
    await stranger.publish('x/lamp', 'on', { qos: 1 });
    await stranger.message(1);
    await rest(100);
    expect(stranger.texts).toEqual(['on', 'on']);
    expect(house.gateway.counts.in).toMatchObject({ received: 1, forwarded: 1, dropped: {} });
  });

  it('through one gateway and a shared subscription ends with its mark', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using house = await startGateway({ url: broker.url, subscribes: '$share/g/x/#', publishes: 'x/lamp' });
    await using stranger = await startStranger(broker.url, ['x/#']);
    await stranger.publish('x/lamp', 'on', { qos: 1 });
    await waitFor('the end', () => house.gateway.counts.in.dropped.loop === 1);
    await rest(100);
    expect(stranger.texts).toEqual(['on', 'on']);
    expect(house.gateway.counts.in).toMatchObject({ received: 2, forwarded: 1, dropped: { loop: 1 } });
  });

  it('through one gateway ends by its bytes with MQTT 3.1.1, each echo once', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    const way = { url: broker.url, subscribes: 'x/#', publishes: 'x/lamp', protocolVersion: '3.1.1' } as const;
    await using house = await startGateway(way);
    await using stranger = await startStranger(broker.url, ['x/#'], '3.1.1');
    for (let n = 1; n <= 20; n++) {
      await stranger.publish('x/lamp', n % 2 ? 'on' : 'off', { qos: 1 });
      await waitFor('the end', () => house.gateway.counts.in.dropped.loop === n);
    }
    await rest(100);
    expect(stranger.messages).toHaveLength(40);
    expect(house.gateway.counts.in).toMatchObject({ received: 40, forwarded: 20, dropped: { loop: 20 } });
    expect(house.log.at('warn').filter((line) => line.includes('(loop)'))).toEqual([
      expect.stringMatching(/"x\/lamp": this gateway published it .* docs\/delivery\.md/),
    ]);
  });

  it('through two gateways ends where it began with MQTT 5', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using first = await startGateway({ url: broker.url, subscribes: 'a/#', publishes: 'b/x', clientId: 'first' });
    await using second = await startGateway({
      url: broker.url,
      subscribes: 'b/#',
      publishes: 'a/x',
      clientId: 'second',
    });
    await using stranger = await startStranger(broker.url, ['a/#', 'b/#']);
    await stranger.publish('a/x', 'on', { qos: 1 });
    await waitFor('the end', () => first.gateway.counts.in.dropped.loop === 1);
    await rest(100);
    expect(stranger.messages.map(({ topic, properties }) => [topic, { ...properties?.userProperties }])).toEqual([
      ['a/x', {}],
      ['b/x', { 'mqttgw-hops': '1', 'mqttgw-origin': 'first' }],
      ['a/x', { 'mqttgw-hops': '2', 'mqttgw-origin': 'first' }],
    ]);
    expect(first.gateway.counts.in).toMatchObject({ received: 2, forwarded: 1, dropped: { loop: 1 } });
    expect(second.gateway.counts.in).toMatchObject({ received: 1, forwarded: 1, dropped: {} });
    // What starts on a bus goes round once too, and what nobody caused is not marked.
    await first.bus.emit('sensor', makeBasicEvent('switch', 'lamp', 'off'));
    await waitFor('the second round', () => stranger.messages.length >= 6);
    await waitFor('the end', () => second.gateway.counts.in.dropped.loop === 1);
    await rest(100);
    expect(
      stranger.messages.slice(3).map(({ topic, properties }) => [topic, { ...properties?.userProperties }]),
    ).toEqual([
      ['b/x', {}],
      ['a/x', { 'mqttgw-hops': '1', 'mqttgw-origin': 'second' }],
      ['b/x', { 'mqttgw-hops': '2', 'mqttgw-origin': 'second' }],
    ]);
  });

  it('that loses the name of its first gateway ends by the count of hops', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using house = await startGateway({ url: broker.url, subscribes: 'a/#', publishes: 'b/x' });
    // Hands on what it hears under another name.
    await using forger = await startStranger(broker.url, ['b/#']);
    forger.onMessage = async (_client, _userData, { payload, properties }) => {
      const hops = properties?.userProperties?.['mqttgw-hops'] ?? '0';
      const userProperties = { 'mqttgw-hops': hops, 'mqttgw-origin': 'somebody' };
      await forger.publish('a/x', payload, { properties: { userProperties } });
    };
    await forger.publish('a/x', 'on', { qos: 1 });
    await waitFor('the end', () => house.gateway.counts.in.dropped.loop === 1);
    expect(house.gateway.counts.in).toMatchObject({ received: 9, forwarded: 8, dropped: { loop: 1 } });
  });
});

describe.runIf(brokerKinds.includes('mosquitto'))('a connector', () => {
  it('hears what it publishes itself unless it is told not to, at its next connection', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    for (const noLocal of [false, true]) {
      await using listener = new Listener({ broker: broker.url, topics: ['a', '$share/g/b'] });
      listener.noLocal = noLocal;
      await listener.run();
      for (const topic of ['a', 'b']) await listener.publish(topic, topic, { qos: 1 });
      await waitFor('the shared one', () => listener.texts.includes('b'));
      await rest(50);
      expect(listener.texts.toSorted()).toEqual(noLocal ? ['b'] : ['a', 'b']);
    }
  });

  it('does not ask for it on a shared subscription: some brokers end the connection over that', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    const written: Buffer[] = [];
    await using proxy = await TcpProxy.start(broker.port, {
      toTarget: (_connection, bytes) => void written.push(bytes),
    });
    const topics = ['plain/1', '$share/g/other', 'plain/2', 'resubscribe'];
    await using listener = new Listener({ broker: `mqtt://127.0.0.1:${proxy.port}`, topics });
    listener.noLocal = true;
    await listener.run();
    const bytes = Buffer.concat(written);
    // The options stand behind the topic; bit 2 is no-local (MQTT 5, section 3.8.3.1).
    const isNoLocal = (topic: string) => ((bytes[bytes.indexOf(topic) + topic.length] ?? 0) & 4) !== 0;
    expect(topics.map(isNoLocal)).toEqual([true, false, true, true]);
  });
});
