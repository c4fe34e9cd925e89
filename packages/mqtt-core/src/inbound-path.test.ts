import { waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { Accounting } from './accounting.js';
import { MQTTGatewayError } from './errors.js';
import { type BasicEvent, makeBasicEvent } from './event.js';
import type { BusState } from './event-bus.js';
import { type AcceptedEvent, type FilterRule, InboundFilter } from './filter.js';
import { FilterNames } from './filter-names.js';
import { InboundChain } from './inbound-chain.js';
import { InboundPath } from './inbound-path.js';
import { silentLogger } from './logger.js';
import { LoopGuard } from './loop-guard.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import { Onlookers } from './onlookers.js';

/** A bus that goes away and comes back, and refuses the channel `no`. */
class WeatherBus extends MemoryEventBus {
  readonly accepted: unknown[] = [];
  #state: BusState = 'attached';
  #attempts = 0;
  readonly #seers = new Set<(state: BusState) => void>();

  override get state(): BusState {
    return this.#state;
  }

  override watch(watcher: (state: BusState) => void): () => void {
    this.#seers.add(watcher);
    return () => this.#seers.delete(watcher);
  }

  become(state: BusState): void {
    this.#state = state;
    for (const seer of [...this.#seers]) seer(state);
  }

  get watchers(): number {
    return this.#seers.size;
  }

  override async emit(channel: string, { value }: BasicEvent): Promise<void> {
    if (this.#state !== 'attached') throw new MQTTGatewayError('bus_unreachable', 'the bus is away');
    if (channel === 'no') throw new MQTTGatewayError('bus_refused', 'no such channel');
    if (channel === 'hung') throw new MQTTGatewayError('bus_unreachable', 'no answer');
    if (channel === 'flaky' && this.#attempts++ === 0) throw new MQTTGatewayError('bus_unreachable', 'no answer');
    this.accepted.push(value);
  }
}

/** `in/<channel>+<channel>` becomes an event on each of the channels. */
class ByTopic extends InboundFilter {
  readonly #rule: FilterRule = { name: 'by topic' };

  override acceptEvent(_client: MQTTConnector, _userData: unknown, { topic, payload }: MQTTMessage): AcceptedEvent[] {
    if (topic === 'in/none') return [];
    this.lastRule = this.#rule;
    const channels = topic.slice('in/'.length).split('+');
    return channels.map((channel) => [makeBasicEvent('switch', 'lamp', Buffer.from(payload).toString()), channel]);
  }
}

const setUp = (observer?: () => void) => {
  const bus = new WeatherBus();
  const connector = new MQTTConnector({ broker: 'localhost', topics: ['in/#'] });
  const published: { topic: string; json: unknown; correlationData: unknown }[] = [];
  connector.publish = async (topic, payload, options) => {
    published.push({ topic, json: JSON.parse(String(payload)), correlationData: options?.properties?.correlationData });
  };
  const onlookers = new Onlookers(silentLogger);
  if (observer) onlookers.add(observer);
  const filters = [new ByTopic()];
  const names = new FilterNames(filters);
  const books = new Accounting('a message', names, silentLogger);
  const path = new InboundPath({
    chain: new InboundChain({ filters, names, books, timeoutMs: 1_000 }, connector),
    books,
    guard: new LoopGuard({ connector, channels: [], maxHops: 8 }),
    policy: undefined,
    bus,
    connector,
    logger: silentLogger,
    onlookers,
  });
  const receive = async (topic: string, payload = 'x', more: Partial<MQTTMessage> = {}) =>
    path.receive({ topic, payload: Buffer.from(payload), qos: 1, retain: false, ...more });
  return { bus, path, receive, published };
};

const soon = () => AbortSignal.timeout(200);

describe('a message on its way in', () => {
  it('is done with when the bus has accepted its events', async () => {
    const { bus, path, receive } = setUp();
    await receive('in/control', '1');
    expect(bus.accepted).toEqual(['1']);
    expect(path.counts).toMatchObject({
      received: 1,
      forwarded: 1,
      waiting: 0,
      rules: { 'by topic': { forwarded: 1 } },
    });
  });

  it('waits while the bus is away, and keeps its place', async () => {
    const { bus, path, receive } = setUp();
    bus.become('away');
    const done = [1, 2, 3].map((n) => receive('in/control', String(n)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(path.counts).toMatchObject({ received: 3, forwarded: 0, waiting: 3 });
    bus.become('attached');
    await Promise.all(done);
    expect(bus.accepted).toEqual(['1', '2', '3']);
    expect(bus.watchers).toBe(0);
  });

  it('is tried again when the bus does not answer, and only with the events that it has not accepted', async () => {
    const { bus, receive } = setUp();
    await receive('in/control+flaky', '1');
    expect(bus.accepted).toEqual(['1', '1']);
  });

  it('is refused with the reason of the bus, all of it or a part', async () => {
    const { bus, path, receive } = setUp();
    await Promise.all([receive('in/no', '1'), receive('in/no+control', '2'), receive('in/control', '3')]);
    expect(bus.accepted).toEqual(['2', '3']);
    expect(path.counts).toMatchObject({
      forwarded: 1,
      dropped: { refused_by_bus: 1, partly_refused_by_bus: 1 },
      waiting: 0,
    });
  });

  it('is left to the broker when the gateway stops while the bus is away', async () => {
    const { bus, path, receive } = setUp();
    bus.become('away');
    const left = Promise.allSettled([receive('in/control', '1'), receive('in/control', '2')]);
    const gone = receive('in/control', '3', { qos: 0 });
    await path.stop(soon());
    expect((await left).map((result) => (result as PromiseRejectedResult).reason.code)).toEqual(['closed', 'closed']);
    await gone;
    await expect(receive('in/control', '4')).rejects.toMatchObject({ code: 'closed' });
    expect(path.counts).toMatchObject({ received: 4, dropped: { stopped: 1 }, waiting: 3 });
    expect(bus.watchers).toBe(0);
  });

  it('is done with when whoever looks on fails', async () => {
    const { path, receive } = setUp(() => {
      throw new MQTTGatewayError('closed', 'a bug');
    });
    await receive('in/control', '1');
    expect(path.waiting).toBe(0);
    expect(path.counts).toMatchObject({ received: 1, forwarded: 1, waiting: 0 });
  });

  it('stays among those that wait while it is left to the broker', async () => {
    const { bus, path, receive } = setUp();
    bus.become('away');
    const left = expect(receive('in/control', '1')).rejects.toMatchObject({ code: 'closed' });
    await path.stop(soon());
    await left;
    expect(path.waiting).toBe(1);
  });

  it('still reaches a bus that is there when the gateway stops', async () => {
    const { bus, path, receive } = setUp();
    const done = [1, 2, 3].map((n) => receive('in/control', String(n)));
    await path.stop(soon());
    await Promise.all(done);
    expect(bus.accepted).toEqual(['1', '2', '3']);
  });

  it('is dropped when it grew too old while it waited', async () => {
    const { bus, path, receive } = setUp();
    bus.become('away');
    const done = receive('in/control', '1', { properties: { messageExpiryInterval: 0.02 } });
    await new Promise((resolve) => setTimeout(resolve, 60));
    bus.become('attached');
    await done;
    expect(bus.accepted).toEqual([]);
    expect(path.counts.dropped).toEqual({ expired: 1 });
  });
});

describe('a message of which the bus has accepted a part', () => {
  it('is refused as such when its time runs out, and does not pass a second time', async () => {
    const { bus, path, receive } = setUp();
    const half = { properties: { messageExpiryInterval: 0.1, userProperties: { command_id: '1' } } };
    await receive('in/control+hung', '1', half);
    expect(path.counts.dropped).toEqual({ partly_expired: 1 });
    await receive('in/control+hung', '2', half);
    expect(path.counts.dropped).toEqual({ partly_expired: 1, duplicate: 1 });
    expect(bus.accepted).toEqual(['1']);
  });
});

describe('a message that wants an answer', () => {
  const asking = (responseTopic: string, payload = 'x') => ({
    payload,
    more: { properties: { responseTopic, correlationData: Buffer.from('42') } },
  });

  it('is told what it became, or why not', async () => {
    const { receive, published, path } = setUp();
    const { more } = asking('answers/me');
    await receive('in/control', 'on', more);
    await receive('in/none', 'on', more);
    await receive('in/control', 'on', { ...more, retain: true });
    await receive('in/no', 'on', more);
    await waitFor('the answers', () => path.replies.sent === 4);
    expect(published.map(({ json }) => json)).toEqual([
      {
        outcome: 'accepted',
        events: [{ channel: 'control', var_type: 'switch', var_name: 'lamp', data: { value: 'on' } }],
      },
      { outcome: 'refused', reason: 'filtered', detail: 'no rule lets it in' },
      { outcome: 'refused', reason: 'retained', detail: expect.any(String) },
      { outcome: 'refused', reason: 'refused_by_bus', detail: 'no such channel' },
    ]);
    expect(published.every(({ correlationData }) => String(correlationData) === '42')).toBe(true);
  });

  it('gets none on a topic that is not legal, or on one that would come back', async () => {
    const { receive, published, path } = setUp();
    for (const topic of ['in/control', 'in/x', '', 'a/+', '\0']) await receive('in/control', 'on', asking(topic).more);
    await waitFor('the books', () => path.replies.lost === 5);
    expect(published).toEqual([]);
    expect(path.counts.forwarded).toBe(5);
  });
});
