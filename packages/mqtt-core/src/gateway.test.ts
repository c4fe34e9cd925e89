import { brokerKinds, freePort, startBroker, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import type { DirectionCounts } from './counts.js';
import { BasicEvent, makeBasicEvent, type TimedEvent } from './event.js';
import type { BusListener } from './event-bus.js';
import { type AcceptedEvent, InboundFilter, OutboundFilter } from './filter.js';
import { startLonely } from './gateway.fixtures.js';
import { Gateway } from './gateway.js';
import type { GatewayOptions } from './gateway-options.js';
import { MemoryEventBus } from './memory-bus.js';
import { MemoryOutbox } from './memory-outbox.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';

class EverythingOut extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string): string | null {
    return `out/${varType}/${varName}`;
  }
}

class EverythingIn extends InboundFilter {
  override acceptEvent(_client: MQTTConnector, _userData: unknown, { topic, payload }: MQTTMessage): AcceptedEvent[] {
    return [[makeBasicEvent('switch', topic, Buffer.from(payload).toString()), 'control']];
  }
}

/** An MQTT user who sees everything. */
async function startUser(port: number, topics = ['out/#']) {
  const user = new MQTTConnector({ broker: '127.0.0.1', port, topics });
  const messages: { topic: string; json: { data: { value: unknown } } }[] = [];
  user.onMessage = (_client, _userData, { topic, payload }) =>
    void messages.push({ topic, json: JSON.parse(Buffer.from(payload).toString()) });
  await user.run();
  return { user, messages, [Symbol.asyncDispose]: () => user.shutdown() };
}

const listener = (onEvent: (channel: string, event: TimedEvent) => void): BusListener => ({
  event: onEvent,
  malformed: () => {},
});

function total({ received, forwarded, filtered, dropped, waiting }: DirectionCounts) {
  const sum = forwarded + filtered + waiting + Object.values(dropped).reduce((all, each) => all + each, 0);
  return { received, sum };
}

describe.each(brokerKinds)('a gateway to %s', (kind) => {
  it.each([0, 1, 2] as const)('carries events out and commands in, in order, at QoS %s', async (qos) => {
    await using broker = await startBroker({ kind });
    const bus = new MemoryEventBus();
    const connector = new MQTTConnector({ broker: broker.url, topics: ['in/#'], subscribeQoS: qos });
    await using gateway = new Gateway({
      bus,
      connector,
      inbound: new EverythingIn(),
      outbound: new EverythingOut(),
      qos,
    });
    await using user = await startUser(broker.port);
    const commands: unknown[] = [];
    await bus.subscribe(
      ['control'],
      listener((_channel, { value }) => commands.push(value)),
    );
    await gateway.start();
    await waitFor('the connection', () => connector.connected);

    const numbers = Array.from({ length: 300 }, (_, index) => index);
    for (const n of numbers) await bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
    for (const n of numbers) await user.user.publish('in/lamp', String(n), { qos });

    await waitFor('all events', () => user.messages.filter(({ topic }) => topic === 'out/energy/meter').length >= 300);
    await waitFor('all commands', () => commands.length >= 300);
    const energies = user.messages.filter(({ topic }) => topic === 'out/energy/meter');
    expect(energies.map(({ json }) => json.data.value)).toEqual(numbers);
    expect(commands).toEqual(numbers.map(String));
    await waitFor('the books', () => gateway.counts.out.waiting === 0);
    expect(gateway.counts.in).toMatchObject({ received: 300, forwarded: 300, filtered: 0, dropped: {}, waiting: 0 });
    // The commands left too, as the control events that they became.
    expect(gateway.counts.out).toMatchObject({ received: 600, forwarded: 600, filtered: 0, dropped: {}, waiting: 0 });
  });

  it.each([0, 1, 2] as const)(
    'holds what comes while the broker is away, and sends it in order, at QoS %s',
    async (qos) => {
      const port = await freePort();
      const bus = new MemoryEventBus();
      const connector = new MQTTConnector({ broker: '127.0.0.1', port });
      await using gateway = new Gateway({ bus, connector, outbound: new EverythingOut(), qos });
      await gateway.start();
      for (let n = 0; n < 1_500; n++) await bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
      expect(gateway.counts.out).toMatchObject({ received: 1_500, forwarded: 0, waiting: 1_500 });

      await using broker = await startBroker({ kind, port });
      await using user = await startUser(broker.port);
      await waitFor('all events', () => user.messages.length >= 1_000 && gateway.counts.out.waiting === 0, 10_000);
      await waitFor('the last', () => user.messages.at(-1)?.json.data.value === 1_499);
      const values = user.messages.map(({ json }) => json.data.value as number);
      expect(values).toEqual([...values].sort((a, b) => a - b));
      expect(gateway.counts.out).toMatchObject({ received: 1_500, forwarded: 1_500 });
    },
  );
});

describe('a gateway', () => {
  const setUp = async (options: Partial<GatewayOptions> = {}) => {
    const broker = await startBroker();
    const bus = new MemoryEventBus();
    const connector = new MQTTConnector({ broker: broker.url, topics: ['in/#'] });
    const lines: string[] = [];
    const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
    const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    const gateway = new Gateway({ bus, connector, logger, outbound: new EverythingOut(), ...options });
    await gateway.start();
    await waitFor('the connection', () => connector.connected);
    const user = await startUser(broker.port, ['#']);
    const dispose = async () => {
      await gateway.stop();
      await user.user.shutdown();
      await broker[Symbol.asyncDispose]();
    };
    return { broker, bus, connector, gateway, user, lines, [Symbol.asyncDispose]: dispose };
  };

  it('sends again, in order, what was on the wire when the connection broke; nothing is lost', async () => {
    await using house = await setUp();
    const { bus, broker, gateway } = house;
    const user = await startUser(broker.port);
    for (let n = 0; n < 5_000; n++) {
      await bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
      if (n === 2_500) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    setImmediate(() => broker.cut());
    await waitFor('the books', () => gateway.counts.out.waiting === 0, 10_000);
    await bus.emit('sensor', makeBasicEvent('energy', 'meter', 5_000));
    await waitFor('the books', () => gateway.counts.out.waiting === 0);
    await user.user.shutdown();
    expect(gateway.counts.out).toMatchObject({
      received: 5_001,
      forwarded: 5_001,
      filtered: 0,
      dropped: {},
      waiting: 0,
    });
  });

  it('lets nothing cross without a filter, and refuses to be without any', async () => {
    const bus = new MemoryEventBus();
    const connector = new MQTTConnector({ broker: 'localhost' });
    expect(() => new Gateway({ bus, connector })).toThrow('lets nothing cross');
    await using house = await setUp({ outbound: new OutboundFilter(), inbound: new InboundFilter() });
    await house.bus.emit('sensor', makeBasicEvent('motion', 'hall'));
    await house.user.user.publish('in/lamp', '1', { qos: 1 });
    await waitFor('the message', () => house.gateway.counts.in.received === 1);
    expect(house.gateway.counts).toMatchObject({ out: { received: 1, filtered: 1 }, in: { received: 1, filtered: 1 } });
  });

  it('counts and logs once what a filter refuses for a reason, throws at, or answers with nonsense', async () => {
    class Odd extends OutboundFilter {
      override getMqttTopic(_timestamp: unknown, _varType: string, varName: string): string | null {
        if (varName === 'old') return this.refuse('too_old', 'from yesterday');
        if (varName === 'wild') return 'a/+';
        if (varName === 'none') return undefined as unknown as null;
        if (varName === 'number') return 5 as unknown as string;
        if (varName === 'circular') return 'fine';
        throw new Error('a bug');
      }
    }
    await using house = await setUp({ outbound: new Odd() });
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const name of ['old', 'wild', 'none', 'number', 'bug', 'old', 'wild', 'bug']) {
      await house.bus.emit('sensor', makeBasicEvent('x', name));
    }
    await house.bus.emit('sensor', new BasicEvent('x', 'circular', circular));
    const { out } = house.gateway.counts;
    expect(out).toMatchObject({
      received: 9,
      forwarded: 0,
      filtered: 1,
      dropped: { too_old: 2, illegal_topic: 2, filter_fault: 4 },
      waiting: 0,
    });
    const warnings = house.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toBe(
      'warn dropped an event from the bus (too_old, by Odd): "x:old": from yesterday; further ones are counted, not logged',
    );
  });

  it('does not take a refusal that a sub-class overruled for the reason of a later one', async () => {
    class Strict extends OutboundFilter {
      override getMqttTopic(_timestamp: unknown, _varType: string, varName: string): string | null {
        return varName === 'odd' ? this.refuse('odd', 'by the base class') : null;
      }
    }
    class Lenient extends Strict {
      override getMqttTopic(timestamp: unknown, varType: string, varName: string): string | null {
        return super.getMqttTopic(timestamp, varType, varName) ?? (varName === 'odd' ? 'a/topic' : null);
      }
    }
    await using house = await setUp({ outbound: new Lenient() });
    for (const name of ['odd', 'other']) await house.bus.emit('sensor', makeBasicEvent('x', name));
    await waitFor('the books', () => house.gateway.counts.out.forwarded === 1);
    expect(house.gateway.counts.out).toMatchObject({ received: 2, forwarded: 1, filtered: 1, dropped: {}, waiting: 0 });
  });

  it('counts a message of which no legal event can be made, and lives', async () => {
    class Odd extends InboundFilter {
      override acceptEvent(_client: MQTTConnector, _userData: unknown, { topic }: MQTTMessage): AcceptedEvent[] {
        if (topic === 'in/nul') return [[new BasicEvent('switch', 'a\0b'), 'control']];
        if (topic === 'in/number') return [[[1, 2, 3] as never, 'control']];
        if (topic === 'in/channel') return [[new BasicEvent('switch', 'lamp'), 'attic']];
        if (topic === 'in/bug') throw new Error('a bug');
        if (topic === 'in/answer') return 42 as never;
        if (topic === 'in/nowhere') return [[new BasicEvent('switch', 'lamp'), undefined as never]];
        return [[['switch', 'lamp', { value: 1 }], 'control']];
      }
    }
    await using house = await setUp({ inbound: new Odd() });
    for (const topic of ['in/nul', 'in/number', 'in/channel', 'in/bug', 'in/answer', 'in/nowhere', 'in/good'])
      await house.user.user.publish(topic, 'x', { qos: 1 });
    await waitFor('all', () => house.gateway.counts.in.received === 7 && house.gateway.counts.in.waiting === 0);
    expect(house.gateway.counts.in).toMatchObject({
      received: 7,
      forwarded: 1,
      filtered: 0,
      dropped: { illegal_event: 2, filter_fault: 3, refused_by_bus: 1 },
      waiting: 0,
    });
  });

  it('counts what the bus says is no event', async () => {
    let malformed: BusListener['malformed'] = () => {};
    class Troubled extends MemoryEventBus {
      override subscribe(channels: readonly string[], subscriber: BusListener) {
        malformed = (reason, detail) => subscriber.malformed(reason, detail);
        return super.subscribe(channels, subscriber);
      }
    }
    await using house = await setUp({ bus: new Troubled() });
    malformed('forged_signal', 'from :1.7');
    malformed('forged_signal', 'from :1.7');
    expect(house.gateway.counts.out).toMatchObject({ received: 2, dropped: { forged_signal: 2 } });
    expect(house.lines.filter((line) => line.includes('forged_signal'))).toHaveLength(1);
  });

  it('gives up the oldest, counted, when more waits than its outbox holds', async () => {
    const bus = new MemoryEventBus();
    const connector = new MQTTConnector({ broker: '127.0.0.1', port: await freePort() });
    await using gateway = new Gateway({
      bus,
      connector,
      outbound: new EverythingOut(),
      outbox: new MemoryOutbox({ maxMessages: 10 }),
    });
    await gateway.start();
    for (let n = 0; n < 25; n++) await bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
    expect(gateway.counts.out).toMatchObject({
      received: 25,
      forwarded: 0,
      filtered: 0,
      dropped: { outbox_full: 15 },
      waiting: 10,
    });
  });

  it('delivers what is on its way before it stops, and hears nothing afterwards', async () => {
    await using house = await setUp();
    for (let n = 0; n < 2_000; n++) await house.bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
    await house.gateway.stop();
    await house.bus.emit('sensor', makeBasicEvent('energy', 'meter', -1));
    expect(house.gateway.counts.out).toMatchObject({ received: 2_000, forwarded: 2_000, waiting: 0 });
    await waitFor('the last', () => house.user.messages.length === 2_000);
  });

  it('stops within its time when the broker no longer answers, and says what is lost', async () => {
    const bus = new MemoryEventBus();
    const connector = new MQTTConnector({ broker: '127.0.0.1', port: await freePort() });
    const warnings: string[] = [];
    const logger = { debug() {}, info() {}, warn: (line: string) => void warnings.push(line), error() {} };
    const gateway = new Gateway({ bus, connector, outbound: new EverythingOut(), logger });
    await gateway.start();
    await bus.emit('sensor', makeBasicEvent('energy', 'meter', 1));
    const started = performance.now();
    await gateway.stop();
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(warnings.at(-1)).toContain('messages that did not reach the broker and are lost with this process: 1');
  });

  it('does not start after it was stopped, and stops when it is told to while it starts', async () => {
    const make = () => {
      const bus = new MemoryEventBus();
      const connector = new MQTTConnector({ broker: '127.0.0.1', port: 1 });
      return { bus, connector, gateway: new Gateway({ bus, connector, outbound: new EverythingOut() }) };
    };
    const never = make();
    await never.gateway.stop();
    await expect(never.gateway.start()).rejects.toMatchObject({ code: 'closed' });

    const { bus, connector, gateway } = make();
    await Promise.all([gateway.start(), gateway.stop()]);
    await bus.emit('sensor', makeBasicEvent('energy', 'meter', 1));
    expect(gateway.counts.out.received).toBe(0);
    expect(connector.state).toBe('closed');
  });

  it.each([undefined, null, 42, {}])('counts the payload %j of a filter as its fault, and goes on', async (payload) => {
    class Odd extends EverythingOut {
      override makePayload(_timestamp: unknown, _varType: string, varName: string): string {
        return varName === 'odd' ? (payload as never) : 'fine';
      }
    }
    await using house = await setUp({ outbound: new Odd() });
    for (const name of ['odd', 'good']) await house.bus.emit('sensor', makeBasicEvent('x', name));
    await waitFor('the good one', () => house.gateway.counts.out.forwarded === 1);
    expect(house.gateway.counts.out).toMatchObject({ received: 2, dropped: { filter_fault: 1 }, waiting: 0 });
  });

  it('shows who looks on what crosses', async () => {
    await using house = await setUp({ inbound: new EverythingIn() });
    const seen: string[] = [];
    const stop = house.gateway.observe((crossing) => {
      if (crossing.outcome !== 'accepted') return;
      const events = crossing.direction === 'out' ? [crossing] : crossing.events;
      for (const { channel, event } of events) {
        seen.push(`${crossing.direction} ${channel} ${event.varName} ${crossing.message.topic}`);
      }
    });
    await house.bus.emit('sensor', makeBasicEvent('energy', 'meter', 1));
    await house.user.user.publish('in/lamp', 'on', { qos: 1 });
    await waitFor('both', () => seen.length >= 3);
    stop();
    await house.bus.emit('sensor', makeBasicEvent('energy', 'meter', 2));
    expect(seen.sort()).toEqual([
      'in control in/lamp in/lamp',
      'out control in/lamp out/switch/in/lamp',
      'out sensor meter out/energy/meter',
    ]);
  });

  it('says since when the bus is as it is, since when something waits, and how much came', async () => {
    const before = Date.now();
    await using house = await startLonely({ outbound: new EverythingOut() });
    expect(house.gateway.status.busSince).toBeGreaterThanOrEqual(before);
    expect(house.gateway.status.outbox.oldest).toBeUndefined();
    await house.emit(makeBasicEvent('energy', 'meter', 1));
    expect(house.gateway.status.outbox.oldest).toBeGreaterThanOrEqual(before);
    expect(house.gateway.totals.out).toEqual({ received: 1, forwarded: 0, dropped: 0 });
    const away = Date.now();
    await house.bus.close();
    expect(house.gateway.status).toMatchObject({ bus: 'closed' });
    expect(house.gateway.status.busSince).toBeGreaterThanOrEqual(away);
  });

  it('keeps its books balanced at every moment of a storm', async () => {
    await using house = await setUp();
    const check = () => {
      const { received, sum } = total(house.gateway.counts.out);
      expect(sum).toBe(received);
    };
    for (let round = 0; round < 50; round++) {
      for (let n = 0; n < 100; n++) await house.bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
      if (round % 10 === 5) house.broker.cut();
      check();
      await new Promise((resolve) => setImmediate(resolve));
      check();
    }
    await waitFor('the end', () => house.gateway.counts.out.waiting === 0, 10_000);
    expect(house.gateway.counts.out.forwarded).toBe(5_000);
  });
});
