import { brokerKinds, freePort, startBroker, TcpProxy, waitFor } from '@cstbox/test-peers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { keepLog, Listener, QUICKLY } from './connector.fixtures.js';
import type { MQTTConnectorOptions } from './connector-options.js';
import { makeBasicEvent } from './event.js';
import { OutboundFilter } from './filter.js';
import { Gateway } from './gateway.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { PublishPolicy } from './publish-policy.js';

type Policies = Readonly<Record<string, PublishPolicy | undefined>>;

/** A rule for each type of variable, with the policy of that name. */
class ByType extends OutboundFilter {
  constructor(private readonly policies: Policies) {
    super();
  }

  override getMqttTopic(_timestamp: unknown, varType: string, varName: string): string {
    const publish = this.policies[varType];
    this.lastRule = { name: varType, ...(publish && { publish }) };
    return `v/${varName}`;
  }

  override makePayload(_timestamp: unknown, varType: string, _varName: string, data: { value?: unknown }): string {
    return `${varType} ${data.value}`;
  }
}

const openGateway = async (policies: Policies, connection: MQTTConnectorOptions) => {
  const bus = new MemoryEventBus();
  const logger = keepLog();
  const connector = new MQTTConnector({ ...QUICKLY, ...connection, logger });
  const gateway = new Gateway({ bus, connector, outbound: new ByType(policies), logger, stopTimeoutMs: 2_000 });
  await gateway.start();
  const put = (rule: string, value: unknown, name = 'x') => bus.emit('sensor', makeBasicEvent(rule, name, value));
  return { gateway, connector, logger, put, [Symbol.asyncDispose]: () => gateway.stop() };
};

type House = Awaited<ReturnType<typeof openGateway>>;

const connected = ({ connector }: House) => waitFor('the connection', () => connector.connected);
const settled = ({ gateway }: House) => waitFor('the books', () => gateway.counts.out.waiting === 0, 10_000);

const openUser = async (port: number, protocolVersion: '5' | '3.1.1') => {
  const user = new Listener({ broker: '127.0.0.1', port, topics: ['v/#'], subscribeQoS: 2, protocolVersion });
  await user.run();
  return user;
};

/** Lets the wall clock jump; timers and peers go on as they are. */
const jump = (ms: number) => {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(now + ms);
};

afterEach(() => void vi.useRealTimers());

const mosquitto = describe.runIf(brokerKinds.includes('mosquitto'));

mosquitto('a rule over MQTT 5', () => {
  it('publishes with its own QoS, user properties and expiry', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using user = await openUser(broker.port, '5');
    const userProperties = Object.fromEntries([
      ['unit', '°C'],
      ['__proto__', 'a name like others'],
    ]);
    const policies: Policies = {
      plain: undefined,
      twice: { qos: 2 },
      once: { qos: 0, userProperties },
      brief: { expiryMs: 59_001, userProperties: { a: 'b' } },
    };
    await using house = await openGateway(policies, { broker: broker.url });
    await connected(house);
    for (const rule of Object.keys(policies)) await house.put(rule, 1, rule);
    await waitFor('all', () => user.messages.length === 4);
    const message = (rule: string) => user.messages.find(({ topic }) => topic === `v/${rule}`);
    expect(message('plain')).toMatchObject({ qos: 1, retain: false });
    expect(message('plain')).not.toHaveProperty('properties');
    expect(message('twice')).toMatchObject({ qos: 2 });
    expect(message('once')?.qos).toBe(0);
    expect(Object.entries(message('once')?.properties?.userProperties ?? {})).toEqual(Object.entries(userProperties));
    expect(message('brief')).toMatchObject({ qos: 1, properties: { userProperties: { a: 'b' } } });
    const left = message('brief')?.properties?.messageExpiryInterval;
    expect(left).toBeGreaterThan(30);
    expect(left).toBeLessThanOrEqual(60);
    await settled(house);
    expect(house.gateway.counts.out).toMatchObject({ received: 4, forwarded: 4, dropped: {} });
  });

  it('says of what waited that it is replayed, and how much of its time is left', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using user = await openUser(broker.port, '5');
    await using proxy = await TcpProxy.start(broker.port);
    proxy.refuse();
    const policies: Policies = {
      labelled: { userProperties: { unit: 'W' }, expiryMs: 100_000 },
      brief: { expiryMs: 100_000 },
      bare: { userProperties: { unit: 'V' } },
      expired: { expiryMs: 60_000 },
    };
    await using house = await openGateway(policies, { broker: '127.0.0.1', port: proxy.port });
    for (const rule of Object.keys(policies)) await house.put(rule, 1, rule);
    expect(house.gateway.counts.out.waiting).toBe(4);
    jump(70_000);
    proxy.accept();
    await waitFor('what is left', () => user.messages.length === 3);
    expect(user.texts).toEqual(['labelled 1', 'brief 1', 'bare 1']);
    const [labelled, brief, bare] = user.messages.map(({ properties }) => properties);
    expect(labelled?.userProperties).toMatchObject({ unit: 'W', replayed: 'true' });
    expect(brief?.userProperties).toMatchObject({ replayed: 'true' });
    expect(bare?.userProperties).toMatchObject({ unit: 'V', replayed: 'true' });
    expect(bare).not.toHaveProperty('messageExpiryInterval');
    for (const each of [labelled, brief]) {
      expect(each?.messageExpiryInterval).toBeGreaterThan(15);
      expect(each?.messageExpiryInterval).toBeLessThanOrEqual(30);
    }
    await settled(house);
    expect(house.gateway.counts.out).toMatchObject({ received: 4, forwarded: 3, dropped: { expired: 1 } });
    expect(house.gateway.counts.out.rules.expired).toMatchObject({ received: 1, dropped: { expired: 1 }, waiting: 0 });
    expect(house.logger.at('warn').filter((line) => line.includes('(expired): "v/expired"'))).toHaveLength(1);
  });
});

mosquitto.each(['5', '3.1.1'] as const)('a rule over MQTT %s', (protocolVersion) => {
  it('has what it says kept by the broker, and nothing else', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    const policies: Policies = { kept: { retain: true, userProperties: { a: 'b' } }, passing: { retain: false } };
    await using house = await openGateway(policies, { broker: broker.url, protocolVersion });
    await connected(house);
    await house.put('kept', 1, 'kept');
    await house.put('passing', 2, 'passing');
    await settled(house);
    await using user = await openUser(broker.port, protocolVersion);
    const message = await user.message(0);
    expect(message).toMatchObject({ topic: 'v/kept', retain: true });
    await house.put('passing', 3, 'passing');
    expect(await user.message(1)).toMatchObject({ topic: 'v/passing', retain: false });
    if (protocolVersion === '5') expect(message.properties?.userProperties).toMatchObject({ a: 'b' });
    else expect(message).not.toHaveProperty('properties');
  });

  it('has a message that is on the wire when its time passes sent no second time', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using proxy = await TcpProxy.start(broker.port);
    const policies: Policies = { brief: { expiryMs: 60_000 }, plain: undefined };
    await using house = await openGateway(policies, { broker: '127.0.0.1', port: proxy.port, protocolVersion });
    await connected(house);
    await house.put('plain', 1);
    await settled(house);
    await house.put('plain', 2);
    await settled(house);
    proxy.stall();
    await house.put('brief', 3);
    await house.put('plain', 4);
    // Both are on the wire when the turn is over.
    await new Promise((resolve) => setTimeout(resolve, 20));
    jump(61_000);
    proxy.cut();
    proxy.flow();
    await settled(house);
    expect(house.gateway.counts.out).toMatchObject({ received: 4, forwarded: 3, dropped: { expired: 1 } });
  });
});

describe.each(brokerKinds)('a rule over %s with MQTT 3.1.1', (kind) => {
  it('publishes with its own QoS, and without what MQTT 3.1.1 has no place for', async () => {
    await using broker = await startBroker({ kind });
    await using user = await openUser(broker.port, '3.1.1');
    const policies: Policies = {
      plain: {},
      twice: { qos: 2, expiryMs: 1e9 },
      once: { qos: 0, userProperties: { a: '1' } },
    };
    await using house = await openGateway(policies, { broker: broker.url, protocolVersion: '3.1.1' });
    await connected(house);
    for (const rule of Object.keys(policies)) await house.put(rule, 1);
    await waitFor('all', () => user.messages.length === 3);
    const levels = Object.fromEntries(user.messages.map(({ qos }, index) => [user.texts[index], qos]));
    expect(levels).toEqual({ 'plain 1': 1, 'twice 1': 2, 'once 1': 0 });
    for (const message of user.messages) expect(message).not.toHaveProperty('properties');
    await settled(house);
  });

  it('gives up after an outage what waited for too long, however much that is, with a line for each outage', async () => {
    await using broker = await startBroker({ kind });
    await using user = await openUser(broker.port, '3.1.1');
    await using proxy = await TcpProxy.start(broker.port);
    proxy.refuse();
    const policies: Policies = { brief: { expiryMs: 60_000 }, plain: undefined };
    await using house = await openGateway(policies, {
      broker: '127.0.0.1',
      port: proxy.port,
      protocolVersion: '3.1.1',
    });
    for (let n = 0; n < 3_000; n++) await house.put('brief', n);
    await house.put('plain', 1);
    jump(61_000);
    proxy.accept();
    await settled(house);
    await waitFor('the other', () => user.messages.length === 1);
    expect(house.gateway.counts.out).toMatchObject({ received: 3_001, forwarded: 1, dropped: { expired: 3_000 } });

    proxy.refuse();
    proxy.cut();
    await waitFor('the loss', () => !house.connector.connected);
    await house.put('brief', 0);
    jump(61_000);
    proxy.accept();
    await settled(house);
    expect(user.texts).toEqual(['plain 1']);
    const lines = house.logger.at('warn').filter((line) => line.includes('expired'));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(
      'warn dropped an event from the bus (expired): "v/x": it waited for the broker longer than its rule lets it; further ones are counted, not logged',
    );
  });

  it('sends after an outage the newest of each topic where it says so, and of others everything', async () => {
    await using broker = await startBroker({ kind });
    await using user = await openUser(broker.port, '3.1.1');
    await using proxy = await TcpProxy.start(broker.port);
    proxy.refuse();
    const policies: Policies = { state: { onBacklog: 'latest' }, every: { onBacklog: 'keep_all' }, plain: undefined };
    await using house = await openGateway(policies, {
      broker: '127.0.0.1',
      port: proxy.port,
      protocolVersion: '3.1.1',
    });
    for (let n = 0; n < 50; n++) {
      for (const name of ['a', 'b']) await house.put('state', n, name);
      await house.put('every', n, 'a');
      await house.put('plain', n, 'c');
      expect(house.gateway.counts.out.waiting).toBe(house.gateway.status.outbox.waiting);
    }
    expect(house.gateway.counts.out).toMatchObject({ received: 200, waiting: 102, dropped: { superseded: 98 } });
    proxy.accept();
    await settled(house);
    await waitFor('all', () => user.messages.length === 102);
    const of = (topic: string, rule: string) =>
      user.messages
        .map((message, index) => [message.topic, user.texts[index] ?? ''])
        .filter(([each, text]) => each === topic && text?.startsWith(rule));
    expect(of('v/a', 'state')).toEqual([['v/a', 'state 49']]);
    expect(of('v/b', 'state')).toEqual([['v/b', 'state 49']]);
    expect(of('v/a', 'every')).toHaveLength(50);
    expect(of('v/c', 'plain')).toHaveLength(50);
    expect(house.gateway.counts.out).toMatchObject({ forwarded: 102, dropped: { superseded: 98 }, waiting: 0 });
    const lines = house.logger.lines.filter((line) => line.includes('superseded'));
    expect(lines).toEqual(['info given up for newer ones since the last connection (superseded): 98']);
  });

  it('lets at most one message go per topic and interval, the newest at its end', async () => {
    await using broker = await startBroker({ kind });
    await using user = await openUser(broker.port, '3.1.1');
    const policies: Policies = { rare: { throttleMs: 300 }, plain: undefined };
    await using house = await openGateway(policies, { broker: broker.url });
    await connected(house);
    for (let n = 0; n < 20; n++) for (const name of ['a', 'b']) await house.put('rare', n, name);
    for (let n = 0; n < 3; n++) await house.put('plain', n, 'c');
    const { counts, status } = house.gateway;
    expect(counts.out).toMatchObject({ received: 43, dropped: { throttled: 36 } });
    expect(counts.out.waiting - status.outbox.waiting).toBe(2);
    await settled(house);
    await waitFor('all', () => user.messages.length === 7);
    expect(user.texts.filter((text) => text.startsWith('rare'))).toEqual(['rare 0', 'rare 0', 'rare 19', 'rare 19']);
    expect(house.gateway.counts.out).toMatchObject({ forwarded: 7, dropped: { throttled: 36 } });
    expect(house.logger.at('warn', 'error')).toEqual([]);
  });

  it('lets what is not throttled pass on the same topic, and nothing older after it', async () => {
    await using broker = await startBroker({ kind });
    await using user = await openUser(broker.port, '3.1.1');
    const policies: Policies = { rare: { throttleMs: 200 }, retained: { retain: true }, plain: undefined };
    await using house = await openGateway(policies, { broker: broker.url });
    await connected(house);
    for (const rule of ['plain', 'retained']) {
      for (const [each, value] of [
        ['rare', 1],
        ['rare', 2],
        [rule, 3],
        ['rare', 4],
        [rule, 5],
      ] as const) {
        await house.put(each, value, rule);
      }
    }
    await settled(house);
    // Longer than the interval.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await waitFor('all', () => user.messages.length >= 6);
    expect(user.texts).toEqual(['rare 1', 'plain 3', 'plain 5', 'rare 1', 'retained 3', 'retained 5']);
    expect(house.gateway.counts.out).toMatchObject({ received: 10, forwarded: 6, dropped: { throttled: 4 } });
  });

  it('has what a throttle holds back delivered at a stop, and nothing left running', async () => {
    await using broker = await startBroker({ kind });
    await using user = await openUser(broker.port, '3.1.1');
    const policies: Policies = { rare: { throttleMs: 1e9 }, brief: { throttleMs: 1e9, expiryMs: 1e10 } };
    await using house = await openGateway(policies, { broker: broker.url });
    await connected(house);
    for (let n = 0; n < 5; n++) for (const rule of ['rare', 'brief']) await house.put(rule, n, rule);
    await house.gateway.stop();
    await waitFor('all', () => user.messages.length === 4);
    expect(user.texts.toSorted()).toEqual(['brief 0', 'brief 4', 'rare 0', 'rare 4']);
    expect(house.gateway.counts.out).toMatchObject({
      received: 10,
      forwarded: 4,
      dropped: { throttled: 6 },
      waiting: 0,
    });
  });

  it('keeps exact books, whatever its messages meet', async () => {
    await using broker = await startBroker({ kind });
    await using proxy = await TcpProxy.start(broker.port);
    const policies: Policies = {
      plain: undefined,
      state: { onBacklog: 'latest', qos: 2 },
      rare: { throttleMs: 15 },
      brief: { expiryMs: 1 },
      all: { onBacklog: 'latest', throttleMs: 10, expiryMs: 30, retain: true, userProperties: { a: 'b' }, qos: 0 },
      wrong: { qos: 7 as never },
    };
    const rules = Object.keys(policies);
    await using house = await openGateway(policies, {
      broker: '127.0.0.1',
      port: proxy.port,
      protocolVersion: '3.1.1',
    });
    await connected(house);
    let seen = 0;
    house.gateway.observe(({ outcome }) => void (outcome === 'accepted' && seen++));
    for (let round = 0; round < 60; round++) {
      for (let n = 0; n < 50; n++) await house.put(rules[n % 6] ?? '', n, `topic ${n % 7}`);
      if (round % 15 === 7) proxy.cut();
      const { counts, status } = house.gateway;
      const held = counts.out.waiting - status.outbox.waiting;
      // One at the most for each topic.
      expect(held).toBeGreaterThanOrEqual(0);
      expect(held).toBeLessThanOrEqual(7);
      await new Promise((resolve) => setTimeout(resolve, round % 3));
    }
    await settled(house);
    expect(house.gateway.status.outbox.waiting).toBe(0);
    const { received, forwarded, dropped, rules: books } = house.gateway.counts.out;
    expect(received).toBe(3_000);
    const { expired = 0, superseded = 0, throttled = 0, filter_fault = 0, ...others } = dropped;
    expect(others).toEqual({});
    expect(forwarded + expired + superseded + throttled + filter_fault).toBe(3_000);
    expect(books.wrong).toMatchObject({ received: 480, dropped: { filter_fault: 480 } });
    expect(books.plain).toMatchObject({ received: 540, forwarded: 540 });
    expect(throttled).toBeGreaterThan(0);
    // Who looks on sees what went to the outbox, once.
    expect(seen).toBeLessThanOrEqual(3_000 - throttled - filter_fault);
    expect(seen).toBeGreaterThanOrEqual(forwarded + superseded);
  });
});

describe('a publish policy that can not be right', () => {
  it('costs the messages of its rule, counted as faults of the filter, with one line', async () => {
    await using broker = await startBroker();
    await using user = await openUser(broker.port, '3.1.1');
    const policies: Policies = { wrong: { qos: 7 as never }, right: { qos: 2 } };
    await using house = await openGateway(policies, { broker: broker.url });
    await connected(house);
    for (const rule of ['wrong', 'right', 'wrong', 'right']) await house.put(rule, 1);
    await settled(house);
    await waitFor('both', () => user.messages.length === 2);
    expect(house.gateway.counts.out).toMatchObject({ received: 4, forwarded: 2, dropped: { filter_fault: 2 } });
    expect(house.gateway.counts.out.rules.wrong).toMatchObject({ received: 2, dropped: { filter_fault: 2 } });
    expect(house.logger.at('warn')).toEqual([
      'warn dropped an event from the bus (filter_fault, by ByType, rule wrong): "wrong:x": the publish policy of the rule: qos is 0, 1 or 2, not 7; further ones are counted, not logged',
    ]);
  });
});

describe('what a throttle holds back', () => {
  it('is counted as lost with the process when the gateway stops and the broker is away', async () => {
    const policies: Policies = { rare: { throttleMs: 1e9 } };
    const house = await openGateway(policies, { broker: '127.0.0.1', port: await freePort() });
    for (let n = 0; n < 3; n++) await house.put('rare', n);
    expect(house.gateway.status.outbox.waiting).toBe(1);
    await house.gateway.stop();
    expect(house.gateway.counts.out).toMatchObject({ received: 3, waiting: 2, dropped: { throttled: 1 } });
    expect(house.logger.at('warn').at(-1)).toContain('lost with this process: 2');
  });
});
