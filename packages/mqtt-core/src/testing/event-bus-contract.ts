import assert from 'node:assert/strict';
import { ALL_CHANNELS, BasicEvent, makeBasicEvent, TimedEvent } from '../event.js';
import type { BusState, EventBus } from '../event-bus.js';
import { type ContractCase, contractCase } from './contract.js';
import { HOSTILE_NAMES } from './hostile.js';

/** A bus that is made anew for each case, and disposed of after it. */
export interface EventBusUnderTest extends AsyncDisposable {
  readonly bus: EventBus;
  /** Broadcasts an event with a date of its own, where the bus has a way to. */
  emitFull?(channel: string, event: TimedEvent): Promise<void>;
  /** Where the bus, or who serves its events, can be taken away and given back. Both resolve when that is done. */
  outage?: { begin(): Promise<void>; end(): Promise<void> };
  /** Ends the bus for good, where it has a way to. */
  close?(): Promise<void>;
}

/** What every {@link EventBus} must do. */
export function eventBusContract(open: () => Promise<EventBusUnderTest>): ContractCase[] {
  return [
    contractCase('delivers an event to who listens to its channel, dated by the bus', async () => {
      await using tested = await open();
      await using heard = await listen(tested.bus, ['sensor']);
      const before = Date.now();
      await tested.bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', 21.5, 'degC', { deep: [{ x: null }] }));
      const [[channel, event]] = (await heard.count(1)) as [Heard];
      assert.equal(channel, 'sensor');
      assert.equal(event.varType, 'temperature');
      assert.equal(event.varName, 'kitchen');
      assert.deepEqual({ ...event.data }, { value: 21.5, unit: 'degC', deep: [{ x: null }] });
      assert.ok(Number(event.timestamp) >= before - 1 && Number(event.timestamp) <= Date.now() + 1, 'the date is now');
    }),

    contractCase('is silent about channels that nobody asked for', async () => {
      await using tested = await open();
      await using heard = await listen(tested.bus, ['control']);
      await tested.bus.emit('sensor', makeBasicEvent('motion', 'hall'));
      await tested.bus.emit('control', makeBasicEvent('switch', 'lamp', true));
      const [[channel]] = (await heard.count(1)) as [Heard];
      assert.equal(channel, 'control');
    }),

    contractCase('serves every channel that CSTBox predefines', async () => {
      await using tested = await open();
      await using heard = await listen(tested.bus, ALL_CHANNELS);
      for (const channel of ALL_CHANNELS) await tested.bus.emit(channel, makeBasicEvent('motion', 'hall'));
      assert.deepEqual(
        (await heard.count(ALL_CHANNELS.length)).map(([channel]) => channel),
        [...ALL_CHANNELS],
      );
    }),

    contractCase('keeps the order of events that are emitted without waiting', async () => {
      await using tested = await open();
      await using heard = await listen(tested.bus, ['sensor']);
      const numbers = Array.from({ length: 500 }, (_, index) => index);
      await Promise.all(numbers.map((n) => tested.bus.emit('sensor', makeBasicEvent('energy', 'meter', n))));
      assert.deepEqual(
        (await heard.count(numbers.length)).map(([, event]) => event.value),
        numbers,
      );
    }),

    contractCase('delivers to each of several listeners, until it unsubscribes', async () => {
      await using tested = await open();
      await using first = await listen(tested.bus, ['sensor']);
      const second = await listen(tested.bus, ['sensor', 'control']);
      await tested.bus.emit('sensor', makeBasicEvent('motion', 'hall', 1));
      await first.count(1);
      await second.count(1);
      await second[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
      await tested.bus.emit('sensor', makeBasicEvent('motion', 'hall', 2));
      await first.count(2);
      assert.equal(second.all.length, 1);
    }),

    contractCase('takes two subscriptions of the same listener for two', async () => {
      await using tested = await open();
      let heard = 0;
      const listener = { event: () => void heard++, malformed() {} };
      await using _first = await tested.bus.subscribe(['sensor'], listener);
      const second = await tested.bus.subscribe(['sensor'], listener);
      await using marker = await listen(tested.bus, ['sensor']);
      await tested.bus.emit('sensor', makeBasicEvent('motion', 'hall'));
      await marker.count(1);
      assert.equal(heard, 2);
      await second.unsubscribe();
      await tested.bus.emit('sensor', makeBasicEvent('motion', 'hall'));
      await marker.count(2);
      assert.equal(heard, 3);
    }),

    contractCase('refuses an event for a channel that can not exist, and lives', async () => {
      await using tested = await open();
      await using heard = await listen(tested.bus, ['sensor']);
      for (const channel of ['', '/', 'a/b', '../x', 'no-such', "x'y", 'é', '\0']) {
        await assert.rejects(tested.bus.emit(channel, makeBasicEvent('motion', 'hall')), { code: 'bus_refused' });
      }
      await tested.bus.emit('sensor', makeBasicEvent('motion', 'hall'));
      await heard.count(1);
    }),

    contractCase('refuses an event for a channel that does not exist', async () => {
      await using tested = await open();
      await assert.rejects(tested.bus.emit('attic', makeBasicEvent('motion', 'hall')), { code: 'bus_refused' });
    }),

    contractCase('carries any name as it is', async () => {
      await using tested = await open();
      await using heard = await listen(tested.bus, ['sensor']);
      for (const name of HOSTILE_NAMES) await tested.bus.emit('sensor', new BasicEvent(name, name, { value: name }));
      const events = (await heard.count(HOSTILE_NAMES.length)).map(([, event]) => event);
      assert.deepEqual(
        events.map(({ varType }) => varType),
        [...HOSTILE_NAMES],
      );
      assert.deepEqual(
        events.map(({ varName }) => varName),
        [...HOSTILE_NAMES],
      );
      assert.deepEqual(
        events.map(({ value }) => value),
        [...HOSTILE_NAMES],
      );
    }),

    contractCase('keeps 64 bit dates exact', async () => {
      await using tested = await open();
      if (!tested.emitFull) return;
      await using heard = await listen(tested.bus, ['sensor']);
      const dates = [0, 1, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n];
      for (const date of dates) await tested.emitFull('sensor', new TimedEvent(date, 'motion', 'hall'));
      assert.deepEqual(
        (await heard.count(dates.length)).map(([, event]) => event.timestamp),
        dates,
      );
    }),

    contractCase('comes to be attached where everything is there, and stays it', async () => {
      await using tested = await open();
      await reaches(tested.bus, 'attached');
      await using heard = await listen(tested.bus, ['sensor']);
      await tested.bus.emit('sensor', makeBasicEvent('motion', 'hall'));
      await heard.count(1);
      assert.equal(tested.bus.state, 'attached');
    }),

    contractCase('says that it is away, takes no event meanwhile, and is back by itself', async () => {
      await using tested = await open();
      const { bus, outage } = tested;
      if (!outage) return;
      await reaches(bus, 'attached');
      const seen: BusState[] = [];
      const unwatch = bus.watch((state) => seen.push(state));
      let ignored = 0;
      bus.watch(() => ignored++)();
      await using heard = await listen(bus, ['sensor']);
      await outage.begin();
      await reaches(bus, 'away');
      await assert.rejects(bus.emit('sensor', makeBasicEvent('motion', 'hall', 'lost')), { code: 'bus_unreachable' });
      await outage.end();
      await reaches(bus, 'attached');
      await bus.emit('sensor', makeBasicEvent('motion', 'hall', 'heard'));
      assert.equal((await heard.count(1))[0]?.[1].value, 'heard');
      assert.deepEqual(seen, ['away', 'attached']);
      unwatch();
      await outage.begin();
      await reaches(bus, 'away');
      assert.equal(seen.length, 2);
      assert.equal(ignored, 0);
    }),

    contractCase('takes and ends subscriptions while it is away', async () => {
      await using tested = await open();
      const { bus, outage } = tested;
      if (!outage) return;
      await using before = await listen(bus, ['sensor']);
      await outage.begin();
      await reaches(bus, 'away');
      await using meanwhile = await listen(bus, ['sensor', 'control']);
      await before[Symbol.asyncDispose]();
      await outage.end();
      await reaches(bus, 'attached');
      await bus.emit('sensor', makeBasicEvent('motion', 'hall'));
      await bus.emit('control', makeBasicEvent('switch', 'lamp', true));
      await meanwhile.count(2);
      assert.equal(before.all.length, 0);
    }),

    contractCase('delivers each event once and in order, whatever outages there were', async () => {
      await using tested = await open();
      const { bus, outage } = tested;
      if (!outage) return;
      await using heard = await listen(bus, ['sensor']);
      const rounds = [0, 1, 2];
      for (const round of rounds) {
        await reaches(bus, 'attached');
        const numbers = Array.from({ length: 50 }, (_, index) => round * 50 + index);
        await Promise.all(numbers.map((n) => bus.emit('sensor', makeBasicEvent('energy', 'meter', n))));
        await heard.count((round + 1) * 50);
        await outage.begin();
        await reaches(bus, 'away');
        await outage.end();
      }
      assert.deepEqual(
        heard.all.map(([, event]) => event.value),
        Array.from({ length: rounds.length * 50 }, (_, n) => n),
      );
    }),

    contractCase('settles every event that is emitted while it goes away', async () => {
      await using tested = await open();
      const { bus, outage } = tested;
      if (!outage) return;
      await reaches(bus, 'attached');
      const emitted = Array.from({ length: 200 }, (_, n) => bus.emit('sensor', makeBasicEvent('energy', 'meter', n)));
      const settled = Promise.allSettled(emitted);
      await outage.begin();
      for (const result of await settled) {
        if (result.status === 'rejected') assert.equal(result.reason.code, 'bus_unreachable');
      }
    }),

    contractCase('is of no use after it was closed, says so, and is silent', async () => {
      await using tested = await open();
      const { bus, close } = tested;
      if (!close) return;
      await reaches(bus, 'attached');
      const seen: BusState[] = [];
      bus.watch((state) => seen.push(state));
      await using heard = await listen(bus, ['sensor']);
      await close();
      await close();
      assert.equal(bus.state, 'closed');
      assert.deepEqual(seen, ['closed']);
      await assert.rejects(bus.emit('sensor', makeBasicEvent('motion', 'hall')), { code: 'closed' });
      await assert.rejects(listen(bus, ['sensor']), { code: 'closed' });
      assert.equal(heard.all.length, 0);
    }),
  ];
}

/** Waits until the bus is in a state. */
async function reaches(bus: EventBus, state: BusState): Promise<void> {
  if (bus.state === state) return;
  const deadline = AbortSignal.timeout(10_000);
  let unwatch = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      deadline.addEventListener('abort', () => reject(new Error(`the bus is ${bus.state}, not ${state}`)));
      unwatch = bus.watch((now) => now === state && resolve());
    });
  } finally {
    unwatch();
  }
}

type Heard = readonly [channel: string, event: TimedEvent];

async function listen(bus: EventBus, channels: readonly string[]) {
  const all: Heard[] = [];
  let onEvent = () => {};
  const subscription = await bus.subscribe(channels, {
    event(channel, event) {
      all.push([channel, event]);
      onEvent();
    },
    malformed(reason, detail) {
      throw new Error(`malformed: ${reason}: ${detail}`);
    },
  });
  return {
    all,
    /** The first so many events, as soon as they are there. */
    async count(wanted: number): Promise<Heard[]> {
      const deadline = AbortSignal.timeout(10_000);
      await new Promise<void>((resolve, reject) => {
        deadline.addEventListener('abort', () => reject(new Error(`heard ${all.length} of ${wanted} events`)));
        onEvent = () => {
          if (all.length >= wanted) resolve();
        };
        onEvent();
      });
      assert.equal(all.length, wanted);
      return all;
    },
    [Symbol.asyncDispose]: () => subscription.unsubscribe(),
  };
}
