import { brokerKinds, startBroker, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { QUICKLY } from './connector.fixtures.js';
import { OutboundFilter } from './filter.js';
import type { GatewayChange } from './gateway-options.js';
import { MQTTConnector } from './mqtt-connector.js';
import { NumbersIn, NumbersOut, STATES, startCrossing, startUser, unbalanced, upTo } from './reconfigure.fixtures.js';

const state = (n: number) => STATES[n % STATES.length] as GatewayChange;

describe.each(brokerKinds)('a gateway that is changed while it runs, with %s', (kind) => {
  it('publishes each event once and in order, whatever its filters are called, and counts right at every look', async () => {
    await using broker = await startBroker({ kind });
    await using user = await startUser(broker.url);
    await using house = await startCrossing({ connector: new MQTTConnector({ broker: broker.url }) });
    await waitFor('the connection', () => house.gateway.status.broker.state === 'connected');
    let changes = 0;
    let changing: Promise<void> | undefined;
    for (let n = 0; n < 3_000; n++) {
      await house.emit(n);
      if (n % 100 === 50) changing = house.gateway.reconfigure(state(++changes));
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (n % 7 === 0) expect(unbalanced(house.gateway)).toEqual([]);
    }
    await changing;
    expect(changes).toBe(30);
    await waitFor('all events', () => user.numbers.length >= 3_000);
    await waitFor('the acknowledgements', () => house.gateway.counts.out.waiting === 0);
    expect(user.numbers).toEqual(upTo(3_000));
    expect(unbalanced(house.gateway)).toEqual([]);
    const { received, forwarded, filtered, dropped } = house.gateway.counts.out;
    expect({ received, forwarded, filtered, dropped }).toEqual({
      received: 3_000,
      forwarded: 3_000,
      filtered: 0,
      dropped: {},
    });
    expect(house.gateway.totals.out).toEqual({ received: 3_000, forwarded: 3_000, dropped: 0 });
  });

  it('hands each command over once and in order, also those that wait for the bus over a change', async () => {
    await using broker = await startBroker({ kind });
    await using user = await startUser(broker.url);
    const connector = new MQTTConnector({ broker: broker.url, topics: ['in/#'] });
    await using house = await startCrossing({ connector });
    await waitFor('the connection', () => connector.connected);
    const send = async (from: number, to: number) => {
      for (let n = from; n < to; n++) await user.user.publish('in/x', String(n), { qos: 1 });
    };
    const sending = send(0, 600);
    for (let n = 1; house.commands.length < 600; n++) {
      await house.gateway.reconfigure(state(n));
      expect(unbalanced(house.gateway)).toEqual([]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await sending;

    await house.gateway.reconfigure(state(0));
    house.bus.isAway = true;
    await send(600, 620);
    await waitFor('the commands to wait', () => house.gateway.status.commands.waiting === 20);
    await house.gateway.reconfigure(state(3));
    await send(620, 640);
    await waitFor('more of them', () => house.gateway.status.commands.waiting === 40);
    await house.gateway.reconfigure(state(2));
    expect(unbalanced(house.gateway)).toEqual([]);
    house.bus.isAway = false;
    await waitFor('all commands', () => house.commands.length >= 640);
    await waitFor('the books', () => house.gateway.counts.in.waiting === 0);
    expect(house.commands.map(({ number }) => number)).toEqual(upTo(640));
    expect(house.commands.slice(619, 621).map(({ by }) => by)).toEqual(['in b', 'renamed in > a']);
    expect(unbalanced(house.gateway)).toEqual([]);
    expect(house.gateway.counts.in).toMatchObject({ received: 640, forwarded: 640, dropped: {} });
  });

  it('sends a backlog in order when rules were renamed meanwhile, and books it where it came', async () => {
    await using broker = await startBroker({ kind });
    await using proxy = await TcpProxy.start(broker.port);
    await using user = await startUser(broker.url);
    proxy.refuse();
    const connector = new MQTTConnector({ broker: `mqtt://127.0.0.1:${proxy.port}`, ...QUICKLY });
    await using house = await startCrossing({ connector });
    for (let n = 0; n < 200; n++) {
      await house.emit(n);
      if (n % 20 === 0) await house.gateway.reconfigure(state(n / 20));
    }
    expect(unbalanced(house.gateway)).toEqual([]);
    expect(house.gateway.counts.out.waiting).toBe(200);
    proxy.heal();
    await waitFor('the acknowledgements', () => house.gateway.counts.out.waiting === 0);
    await waitFor('all events', () => user.numbers.length >= 200);
    expect(user.numbers).toEqual(upTo(200));
    expect(unbalanced(house.gateway)).toEqual([]);
  });

  it('takes its backlog to another broker, there and back, and loses and doubles nothing', async () => {
    await using first = await startBroker({ kind });
    await using second = await startBroker({ kind });
    const users = [await startUser(first.url), await startUser(second.url)];
    const at = (url: string) => ({ broker: url, topics: ['in'], clientId: 'box', sessionExpiry: 60, ...QUICKLY });
    await using house = await startCrossing({ connector: new MQTTConnector(at(first.url)) });
    for (let n = 0; n < 1_000; n++) {
      await house.emit(n);
      if (n % 200 === 100) {
        await house.gateway.reconfigure({ ...state(n), connector: at(n % 400 === 100 ? second.url : first.url) });
      }
      if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor('the acknowledgements', () => house.gateway.counts.out.waiting === 0);
    await waitFor('all events', () => users.flatMap((user) => user.numbers).length >= 1_000);
    const numbers = users.flatMap((user) => user.numbers);
    expect(numbers.sort((a, b) => a - b)).toEqual(upTo(1_000));
    for (const user of users) {
      expect(user.numbers).toEqual([...user.numbers].sort((a, b) => a - b));
      await user[Symbol.asyncDispose]();
    }
    expect(unbalanced(house.gateway)).toEqual([]);
    expect(house.gateway.status.broker.broker).toBe(second.url);
  });
});

describe('a gateway that is changed', () => {
  const lonely = () => startCrossing({ connector: new MQTTConnector({ broker: '127.0.0.1', port: 1 }) });

  it('hears other channels from then on, and those that stay without a gap', async () => {
    await using house = await lonely();
    await house.emit(0, 'control');
    await house.gateway.reconfigure({ outbound: new NumbersOut('one', ['a'], ['sensor', 'control']) });
    for (const channel of ['sensor', 'control', 'framework']) await house.emit(1, channel);
    expect(house.gateway.counts.out.received).toBe(2);
    await house.gateway.reconfigure({ outbound: new NumbersOut('one', ['a'], ['framework']) });
    for (const channel of ['sensor', 'control', 'framework']) await house.emit(1, channel);
    expect(house.gateway.counts.out.received).toBe(3);
    await house.gateway.reconfigure({ inbound: new NumbersIn('in', 'a') });
    await house.emit(1, 'framework');
    expect(house.gateway.counts.out.received).toBe(3);
  });

  it('stays as it was when something is wrong with the change', async () => {
    await using house = await lonely();
    const deaf = Object.assign(new OutboundFilter(), { channels: undefined });
    const elsewhere = new NumbersOut('new', ['a'], ['sensor', 'framework']);
    const wrong: [GatewayChange, string][] = [
      [{}, 'without any filter'],
      [{ outbound: deaf as unknown as OutboundFilter }, 'has no channels'],
      [{ outbound: elsewhere, connector: { broker: 'h', topics: ['a/#/b'] } }, 'invalid topic filter'],
      [{ outbound: new NumbersOut('new', ['a'], ['nowhere\0']), connector: { broker: 'no host!' } }, 'neither a host'],
    ];
    for (const [change, message] of wrong) {
      await expect(house.gateway.reconfigure(change)).rejects.toMatchObject({
        name: 'ConfigurationError',
        message: expect.stringContaining(message),
      });
    }
    for (const channel of ['sensor', 'framework']) await house.emit(1, channel);
    expect(house.gateway.counts.out).toMatchObject({ received: 1, rules: { b: { waiting: 1 } } });
    expect(house.gateway.status.broker.broker).toBe('mqtt://127.0.0.1:1');
  });

  it('makes changes one after the other, also before it has started, and none after it was stopped', async () => {
    await using house = await lonely();
    const changes = upTo(10).map((n) => house.gateway.reconfigure(state(n)));
    await Promise.all(changes);
    await house.emit(0);
    expect(Object.keys(house.gateway.counts.out.rules)).toEqual(['one > a']);
    const late = house.gateway.reconfigure(state(0));
    const stopped = house.gateway.stop();
    await expect(late).rejects.toMatchObject({ code: 'closed' });
    await stopped;
    await expect(house.gateway.reconfigure(state(0))).rejects.toMatchObject({ code: 'closed' });
  });

  it('keeps the rate of a rule that stays, so that a change is no new burst', async () => {
    const limited = () => {
      const filter = new NumbersIn('in', 'a');
      const rule = { name: 'a', policy: { rateLimit: { messages: 2, perMs: 3_600_000 } } };
      Object.defineProperty(filter, 'lastRule', { get: () => rule, set: () => {} });
      return filter;
    };
    const connector = new MQTTConnector({ broker: '127.0.0.1', port: 1 });
    await using house = await startCrossing({ connector, inbound: limited(), outbound: [] });
    const send = () =>
      connector.onMessage(connector, undefined, { topic: 'in', payload: Buffer.from('1'), qos: 1, retain: false });
    await send();
    for (let n = 0; n < 3; n++) {
      await house.gateway.reconfigure({ inbound: limited() });
      await send();
    }
    expect(house.gateway.counts.in).toMatchObject({ received: 4, forwarded: 2, dropped: { rate_limited: 2 } });
  });
});
