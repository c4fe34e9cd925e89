import { describe, expect, it } from 'vitest';
import type { Counts, DirectionCounts } from './counts.js';
import { makeBasicEvent, type TimedEvent } from './event.js';
import { type AcceptedEvent, type FilterRule, InboundFilter, OutboundFilter } from './filter.js';
import { startLonely } from './gateway.fixtures.js';
import { MemoryOutbox } from './memory-outbox.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import type { KeptMessages } from './outbox.js';

/** What a filter does with a variable: gives a topic, refuses, blocks by a rule, or has nothing to say. */
type Deeds = Readonly<Record<string, 'out' | 'refuse' | 'block' | 'out by rule'>>;

class Doing extends OutboundFilter {
  readonly asked: string[] = [];
  readonly #rule: FilterRule = { name: 'the rule' };

  constructor(
    name: string,
    readonly deeds: Deeds,
    override readonly channels: readonly string[] = ['sensor', 'control'],
  ) {
    super();
    this.name = name;
  }

  override getMqttTopic(_timestamp: unknown, _varType: string, varName: string): string | null {
    this.asked.push(varName);
    const deed = this.deeds[varName];
    if (deed === 'refuse') return this.refuse('too_old', 'from yesterday');
    this.lastRule = deed === 'block' || deed === 'out by rule' ? this.#rule : undefined;
    return deed?.startsWith('out') ? `${this.name}/${varName}` : null;
  }
}

class Taking extends InboundFilter {
  constructor(readonly prefix: string) {
    super();
  }

  override acceptEvent(_client: MQTTConnector, _userData: unknown, { topic }: MQTTMessage): AcceptedEvent[] | null {
    return topic.startsWith(this.prefix) ? [[makeBasicEvent('switch', this.prefix), 'control']] : null;
  }
}

const motion = (name: string) => makeBasicEvent('motion', name);

/** Everything that came is accounted for. */
function balance({ received, forwarded, filtered, dropped, waiting }: Counts): number {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return received - forwarded - filtered - lost - waiting;
}

function expectBalance(counts: DirectionCounts): void {
  for (const each of [counts, ...Object.values(counts.filters), ...Object.values(counts.rules)]) {
    expect(balance(each)).toBe(0);
  }
}

describe('several outbound filters', () => {
  it('are asked in their order; the first that gives a topic, refuses or blocks by a rule ends it', async () => {
    const first = new Doing('first', { a: 'out', b: 'refuse', c: 'block' });
    const second = new Doing('second', { a: 'out', b: 'out', c: 'out', d: 'out', e: 'out by rule' });
    await using house = await startLonely({ outbound: [first, second] });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await house.emit(motion(name));
    expect(house.topics).toEqual(['first/a', 'second/d', 'second/e']);
    expect(second.asked).toEqual(['d', 'e', 'f']);
    const { out } = house.gateway.counts;
    expect(out).toMatchObject({ received: 6, filtered: 2, dropped: { too_old: 1 }, waiting: 3 });
    expect(out.filters).toEqual({
      first: { received: 6, forwarded: 0, filtered: 4, dropped: { too_old: 1 }, waiting: 1 },
      second: { received: 3, forwarded: 0, filtered: 1, dropped: {}, waiting: 2 },
    });
    expect(out.rules).toEqual({
      'first > the rule': { received: 1, forwarded: 0, filtered: 1, dropped: {}, waiting: 0 },
      'second > the rule': { received: 1, forwarded: 0, filtered: 0, dropped: {}, waiting: 1 },
    });
    expectBalance(out);
  });

  it('name who refused, once for each filter and reason', async () => {
    const filters = ['first', 'second'].map((name) => new Doing(name, { [name]: 'refuse' }));
    await using house = await startLonely({ outbound: filters });
    for (const name of ['first', 'second', 'first', 'second']) await house.emit(motion(name));
    expect(house.log.at('warn').filter((line) => line.includes('dropped'))).toEqual([
      expect.stringContaining('(too_old, by first): "motion:first"'),
      expect.stringContaining('(too_old, by second): "motion:second"'),
    ]);
  });

  it('hear each of its channels, and none of those of the others', async () => {
    const sensors = new Doing('sensors', {}, ['sensor']);
    const both = new Doing('both', {}, ['sysmon', 'sensor']);
    await using house = await startLonely({ outbound: [sensors, both] });
    for (const channel of ['sensor', 'control', 'sysmon']) await house.emit(motion(channel), channel);
    expect([sensors.asked, both.asked]).toEqual([['sensor'], ['sensor', 'sysmon']]);
    expect(house.gateway.counts.out).toMatchObject({
      received: 2,
      filtered: 2,
      filters: { sensors: { received: 1, filtered: 1 }, both: { received: 2, filtered: 2 } },
    });
  });

  it('are told apart where they have one name, or none', async () => {
    const nameless = { channels: ['sensor'], lastRule: undefined, getMqttTopic: () => null, makePayload: () => '' };
    const filters = [new Doing('re', {}), new Doing('re#2', {}), new Doing('re', {}), nameless, new OutboundFilter()];
    await using house = await startLonely({ outbound: filters as OutboundFilter[] });
    expect(Object.keys(house.gateway.counts.out.filters)).toEqual(['re', 're#2', 're#3', 'filter', 'OutboundFilter']);
  });

  it('are refused when one does not say what it listens to', async () => {
    const deaf = new Doing('deaf', {}, 'sensor' as never);
    await expect(startLonely({ outbound: [deaf] })).rejects.toThrow('the filter deaf has no channels');
  });
});

describe('what an outbox has kept', () => {
  const keeping = (kept: KeptMessages[]) =>
    new (class extends MemoryOutbox {
      override open() {
        return Promise.resolve(kept);
      }
    })();
  const kept = [
    { rule: 'a > the rule', count: 1 },
    { rule: 'a > b > the rule', count: 2 },
    { rule: 'a > b', count: 4 },
    { rule: 'the rule', count: 8 },
    { rule: undefined, count: 16 },
  ];

  it('is booked under the filter that let it out, and what another configuration left in the sum alone', async () => {
    const outbound = [new Doing('a', {}), new Doing('a > b', {})];
    await using house = await startLonely({ outbound, outbox: keeping(kept) });
    const { out } = house.gateway.counts;
    expect(out).toMatchObject({ received: 31, waiting: 31 });
    expect([out.filters.a?.waiting, out.filters['a > b']?.waiting]).toEqual([1, 6]);
    expect(out.rules['the rule']).toMatchObject({ waiting: 8 });
    expectBalance(out);
  });

  it('is all of a filter that is alone, under the names that its rules always had', async () => {
    await using house = await startLonely({ outbound: new Doing('a', {}), outbox: keeping(kept) });
    const { out } = house.gateway.counts;
    expect(out.filters.a?.waiting).toBe(31);
    expect(out.rules['the rule']).toMatchObject({ waiting: 8 });
  });
});

describe('several inbound filters', () => {
  it('are asked in their order, and keep their own books', async () => {
    const [first, second] = [new Taking('a/'), new Taking('a/b/')];
    const third = new Taking('c/');
    await using house = await startLonely({ inbound: [first, second, third] });
    for (const topic of ['a/b/1', 'c/1', 'd/1']) await house.receive(topic);
    const counts = house.gateway.counts.in;
    expect(counts).toMatchObject({ received: 3, forwarded: 2, filtered: 1 });
    expect(counts.filters).toMatchObject({
      Taking: { received: 3, forwarded: 1, filtered: 2 },
      'Taking#2': { received: 2, forwarded: 0, filtered: 2 },
      'Taking#3': { received: 2, forwarded: 1, filtered: 1 },
    });
    expectBalance(counts);
  });
});

describe('a filter that is alone', () => {
  it('has the books of its direction, but for what no filter was asked about', async () => {
    const filter = new Doing('only', { a: 'out by rule', b: 'refuse' });
    await using house = await startLonely({ outbound: filter });
    for (const name of ['a', 'b', 'c']) await house.emit(motion(name));
    const { filters, rules, ...sum } = house.gateway.counts.out;
    expect(filters).toEqual({ only: sum });
    expect(Object.keys(rules)).toEqual(['the rule']);
  });

  it('gives its policy by its rule as ever', async () => {
    const rule: FilterRule = { name: 'r', policy: { retained: 'accept' } };
    const inbound = new (class extends Taking {
      override acceptEvent(...args: Parameters<InboundFilter['acceptEvent']>) {
        this.lastRule = rule;
        return super.acceptEvent(...args);
      }
    })('a/');
    await using house = await startLonely({ inbound });
    await house.receive('a/1', { retain: true });
    expect(house.gateway.counts.in).toMatchObject({ forwarded: 1, rules: { r: { forwarded: 1 } } });
  });
});

describe('the books of a chain', () => {
  it('add up whatever the filters say', async () => {
    const deeds = ['out', 'refuse', 'block', 'out by rule', undefined] as const;
    const names = Array.from({ length: 60 }, (_, index) => String(index));
    const filters = [1, 2, 3].map(
      (step) =>
        new Doing(`f${step}`, Object.fromEntries(names.map((n) => [n, deeds[(Number(n) * step) % 5]])) as Deeds),
    );
    await using house = await startLonely({ outbound: filters, outbox: new MemoryOutbox({ maxMessages: 5 }) });
    for (const name of names) {
      await house.emit(motion(name) as TimedEvent);
      expectBalance(house.gateway.counts.out);
    }
    const { out } = house.gateway.counts;
    expect(out.received).toBe(60);
    expect(out.dropped.outbox_full).toBeGreaterThan(0);
  });
});
