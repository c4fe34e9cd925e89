import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BasicEvent, makeBasicEvent } from './event.js';
import { type FilterRule, InboundFilter, OutboundFilter } from './filter.js';
import { startLonely } from './gateway.fixtures.js';

/** How long an answer may take, in ms: long enough for a machine that is busy with other things. */
const LIMIT = 300;

/** Keeps the process busy. */
function hold(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

const unspeakable = Object.create(null) as object;
const mute = Object.defineProperty(new Error(), 'message', {
  get() {
    throw new Error('not even that');
  },
});
const rejected = () => Promise.reject(new Error('nobody waits for it'));

/** What an outbound filter may do wrong on the variable `odd`, after which it does right. */
const OUT_FAULTS: Record<string, (filter: OutboundFilter) => unknown> = {
  'throws an error': () => {
    throw new Error('a bug');
  },
  'throws what can not be put in words': () => {
    throw unspeakable;
  },
  'throws an error without words': () => {
    throw mute;
  },
  'throws undefined': () => {
    throw undefined;
  },
  'never comes back from itself': function forEver(filter): unknown {
    return [forEver(filter)];
  },
  'gives a number': () => 5,
  'gives an object': () => ({ toString: () => 'a/topic' }),
  'gives a promise': () => Promise.resolve('a/topic'),
  'gives a promise that is broken': rejected,
  'has a reason that throws': (filter) => {
    filter.takeRefusal = () => {
      throw new Error('no reason');
    };
    return null;
  },
  'has a promise for a reason': (filter) => {
    filter.takeRefusal = rejected as never;
    return null;
  },
  'has a number for a reason': (filter) => {
    filter.takeRefusal = () => ({ reason: 7, detail: '' }) as never;
    return null;
  },
  'has a reason whose parts throw': (filter) => {
    filter.takeRefusal = () =>
      Object.defineProperty({ reason: 'x' }, 'detail', {
        get() {
          throw new Error('no detail');
        },
      }) as never;
    return null;
  },
  'has a text for a rule': (filter) => {
    filter.lastRule = 'a rule' as never;
    return 'a/topic';
  },
  'has a rule without a name': (filter) => {
    filter.lastRule = {} as never;
    return 'a/topic';
  },
  'has a promise for a rule': (filter) => {
    filter.lastRule = rejected() as never;
    return 'a/topic';
  },
  'has a rule that throws': (filter) => {
    filter.lastRule = {
      get name(): string {
        throw new Error('no name');
      },
    };
    return 'a/topic';
  },
  'has a rule with a policy that is none': (filter) => {
    filter.lastRule = { name: 'r', policy: 'strict' as never };
    return 'a/topic';
  },
  'has a rule that publishes by a number': (filter) => {
    filter.lastRule = { name: 'r', publish: 1 as never };
    return 'a/topic';
  },
  'has a rule with a policy that can not be followed': (filter) => {
    filter.lastRule = { name: 'r', policy: { maxAgeMs: '5' as never } };
    return 'a/topic';
  },
  'has a rule with a limit that is none': (filter) => {
    filter.lastRule = { name: 'r', policy: { rateLimit: 5 as never } };
    return 'a/topic';
  },
};

const PAYLOAD_FAULTS: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('a bug');
  },
  'gives null': () => null,
  'gives a list of numbers': () => [1, 2],
  'gives a promise that is broken': rejected,
};

/** What an inbound filter may do wrong on the topic `odd`. */
const IN_FAULTS: Record<string, (filter: InboundFilter) => unknown> = {
  'throws an error': () => {
    throw new Error('a bug');
  },
  'gives a number': () => 42,
  'gives a text': () => 'events',
  'gives a promise that is broken': rejected,
  'gives an asynchronous list': async function* () {
    yield [makeBasicEvent('x', 'y'), 'control'];
  },
  'gives ten million events': () => new Array(10_000_000).fill([makeBasicEvent('x', 'y'), 'control']),
  'gives events without an end': function* () {
    for (;;) yield [makeBasicEvent('x', 'y'), 'control'];
  },
  'gives nonsense without an end': function* () {
    for (;;) yield 1;
  },
  'gives a list that throws': function* () {
    yield [makeBasicEvent('x', 'y'), 'control'];
    throw new Error('a bug');
  },
  'gives a list that can not be ended': () => ({
    [Symbol.iterator]: () => ({
      next: () => ({ done: false, value: [makeBasicEvent('x', 'y'), 'control'] }),
      return() {
        throw new Error('a bug');
      },
    }),
  }),
  'gives a list of promises that are broken': () => [rejected(), [rejected(), 'control'], rejected()],
  'gives null for an event': () => [[null, 'control']],
  'gives a text for an event': () => [['switch', 'control']],
  'gives numbers for names': () => [[[1, 2, 3], 'control']],
  'gives a list for data': () => [[['switch', 'lamp', [1]], 'control']],
  'gives an event whose parts throw': () => [
    [
      {
        get varType(): string {
          throw new Error('no type');
        },
      },
      'control',
    ],
  ],
  'has a text for a rule': (filter) => {
    filter.lastRule = 'a rule' as never;
    return [[makeBasicEvent('x', 'y'), 'control']];
  },
  'has a reason that throws': (filter) => {
    filter.takeRefusal = () => {
      throw new Error('no reason');
    };
    return null;
  },
};

/** Promises that nobody handles would end the process. */
const unhandled: unknown[] = [];
const keep = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', keep));
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', keep);
  expect(unhandled.splice(0)).toEqual([]);
});

class Out extends OutboundFilter {
  readonly #rule: FilterRule = { name: 'a rule' };
  readonly #take = this.takeRefusal.bind(this);

  constructor(
    readonly odd: (filter: OutboundFilter) => unknown,
    readonly oddPayload: () => unknown = () => 'fine',
  ) {
    super();
    this.name = 'Odd';
  }

  override getMqttTopic(_timestamp: unknown, _varType: string, varName: string): string | null {
    this.takeRefusal = this.#take;
    if (varName !== 'good') return this.odd(this) as string;
    this.lastRule = this.#rule;
    return 'a/topic';
  }

  override makePayload(_timestamp: unknown, _varType: string, varName: string): string {
    return varName === 'good' ? 'fine' : (this.oddPayload() as string);
  }
}

class In extends InboundFilter {
  readonly #take = this.takeRefusal.bind(this);

  constructor(readonly odd: (filter: InboundFilter) => unknown) {
    super();
    this.name = 'Odd';
  }

  override acceptEvent(...[, , { topic }]: Parameters<InboundFilter['acceptEvent']>) {
    this.takeRefusal = this.#take;
    if (topic === 'good') return [[makeBasicEvent('switch', 'lamp'), 'control']] as const;
    return this.odd(this) as never;
  }
}

const everything = new (class extends OutboundFilter {
  override readonly name = 'Everything';

  override getMqttTopic(): string {
    return 'everything';
  }
})();

async function checkOut(odd: Out): Promise<void> {
  await using house = await startLonely({ outbound: [odd, everything] });
  for (const name of ['odd', 'good', 'odd']) await house.emit(makeBasicEvent('x', name));
  const { out } = house.gateway.counts;
  // Default deny: the filter behind it is not asked.
  expect(house.topics).toEqual(['a/topic']);
  expect(out).toMatchObject({ received: 3, filtered: 0, dropped: { filter_fault: 2 }, waiting: 1 });
  expect(out.filters).toMatchObject({
    Odd: { received: 3, dropped: { filter_fault: 2 } },
    Everything: { received: 0 },
  });
  const lines = house.log.at('warn', 'error').filter((line) => line.includes('filter_fault'));
  expect(lines).toEqual([expect.stringContaining('(filter_fault, by Odd): "x:odd": ')]);
}

describe('an outbound filter costs its message, and nothing else, when it', () => {
  it.each(Object.entries(OUT_FAULTS))('%s', (_what, odd) => checkOut(new Out(odd)));

  it.each(Object.entries(PAYLOAD_FAULTS))('makes a payload and %s', (_what, payload) =>
    checkOut(new Out(() => 'a/topic', payload)),
  );

  it('can not be told that a new answer is wanted', async () => {
    const frozen = new Out(() => null);
    Object.freeze(frozen);
    await using house = await startLonely({ outbound: frozen });
    await house.emit(makeBasicEvent('x', 'good'));
    expect(house.gateway.counts.out).toMatchObject({ received: 1, dropped: { filter_fault: 1 } });
  });

  it('takes its time', async () => {
    const slow = new Out(() => {
      hold(LIMIT + 20);
      return 'a/topic';
    });
    await using house = await startLonely({ outbound: [slow, everything], filterTimeoutMs: LIMIT });
    for (const name of ['odd', 'good', 'odd']) await house.emit(makeBasicEvent('x', name));
    const { out } = house.gateway.counts;
    expect(out).toMatchObject({ received: 3, dropped: { filter_slow: 2 }, waiting: 1 });
    expect(out.filters.Odd).toMatchObject({ received: 3, dropped: { filter_slow: 2 } });
    const lines = house.log.at('warn').filter((line) => line.includes('filter_slow'));
    expect(lines).toEqual([
      expect.stringMatching(`\\(filter_slow, by Odd\\): "x:odd": its answer took \\d+ ms, ${LIMIT} ms are`),
    ]);
  });
});

describe('an outbound filter', () => {
  it('does not pay for the time that an observer takes', async () => {
    await using house = await startLonely({ outbound: everything, filterTimeoutMs: LIMIT });
    house.gateway.observe(() => hold(LIMIT + 20));
    for (let n = 0; n < 2; n++) void house.emit(makeBasicEvent('x', 'y'));
    expect(house.gateway.counts.out).toMatchObject({ received: 2, dropped: {}, waiting: 2 });
  });

  it('does not leave a reason behind when it throws', async () => {
    class Careless extends OutboundFilter {
      override getMqttTopic(_timestamp: unknown, _varType: string, varName: string): string | null {
        if (varName !== 'odd') return null;
        this.refuse('odd', 'and yet');
        throw new Error('a bug');
      }
    }
    await using house = await startLonely({ outbound: new Careless() });
    for (const name of ['odd', 'other']) await house.emit(makeBasicEvent('x', name));
    expect(house.gateway.counts.out).toMatchObject({ received: 2, filtered: 1, dropped: { filter_fault: 1 } });
  });

  it('can not flood log or books with its words', async () => {
    class Wordy extends OutboundFilter {
      override getMqttTopic(): null {
        return this.refuse('r'.repeat(1_000_000), 'd'.repeat(1_000_000));
      }
    }
    await using house = await startLonely({ outbound: new Wordy() });
    await house.emit(makeBasicEvent('x', 'y'));
    expect(JSON.stringify([house.gateway.counts, house.log.lines]).length).toBeLessThan(10_000);
  });
});

describe('an inbound filter costs its message, and nothing else, when it', () => {
  it.each(Object.entries(IN_FAULTS))('%s', async (_what, odd) => {
    await using house = await startLonely({ inbound: new In(odd) });
    for (const topic of ['odd', 'good', 'odd']) await house.receive(topic);
    expect(house.gateway.counts.in).toMatchObject({
      received: 3,
      forwarded: 1,
      filtered: 0,
      dropped: { filter_fault: 2 },
      waiting: 0,
      filters: { Odd: { dropped: { filter_fault: 2 } } },
    });
    const lines = house.log.at('warn', 'error').filter((line) => line.includes('filter_fault'));
    expect(lines).toEqual([expect.stringContaining('(filter_fault, by Odd): "odd": ')]);
  });

  it('takes its time over a list', async () => {
    const slow = new In(function* () {
      for (let n = 0; n < 3; n++) {
        hold(LIMIT / 2);
        yield [makeBasicEvent('x', 'y'), 'control'];
      }
    });
    await using house = await startLonely({ inbound: slow, filterTimeoutMs: LIMIT });
    for (const topic of ['odd', 'good']) await house.receive(topic);
    expect(house.gateway.counts.in).toMatchObject({ received: 2, forwarded: 1, dropped: { filter_slow: 1 } });
  });
});

describe('an inbound filter', () => {
  it('may give a thousand events, lazily, and its reason at the end', async () => {
    const lazy = new In(function* (filter) {
      for (let n = 0; n < 1_000; n++) yield [new BasicEvent('x', `y${n}`), 'control'];
      filter.lastRule = { name: 'lazy' };
    });
    const nothing = new In(function* (filter) {
      const accepted: unknown[] = [];
      yield* accepted;
      filter.takeRefusal = () => ({ reason: 'empty', detail: 'nothing in it' });
    });
    await using house = await startLonely({ inbound: [lazy] });
    await house.receive('odd');
    expect(house.gateway.counts.in).toMatchObject({ forwarded: 1, rules: { lazy: { forwarded: 1 } } });
    await using other = await startLonely({ inbound: [nothing] });
    await other.receive('odd');
    expect(other.gateway.counts.in.dropped).toEqual({ empty: 1 });
  });
});
