import { MQTTGatewayError } from '@cstbox/mqtt-core';
import { outboxContract } from '@cstbox/mqtt-core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diskUse, numbered, temporaryDirectory, Used, until } from './fixture.js';
import { LevelOutbox } from './level-outbox.js';

const DURABILITIES = ['spill', 'always'] as const;

const numbersOf = (payloads: readonly string[]) => payloads.map((payload) => Number.parseInt(payload, 10));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(DURABILITIES)('a LevelDB outbox with durability %s', (durability) => {
  const cases = outboxContract(async (bounds) => {
    const place = await temporaryDirectory();
    const outbox = new LevelOutbox({ directory: place.path, durability, ...bounds, commitIntervalMs: 5 });
    return {
      outbox,
      async [Symbol.asyncDispose]() {
        await outbox.close();
        await place[Symbol.asyncDispose]();
      },
    };
  });
  for (const { name, run } of cases) it.concurrent(name, run);

  it('keeps what waits over a restart: taken, given back or neither, as it was put', async () => {
    await using place = await temporaryDirectory();
    await using before = await Used.open({ directory: place.path, durability });
    const bytes = Uint8Array.from([0, 255, 128]);
    before.outbox.put({ topic: 'a/ü', payload: bytes, qos: 2, retain: true, rule: 'bytes' });
    before.outbox.put({ topic: '', payload: '', qos: 0, retain: false });
    before.outbox.put({ topic: 'gone', payload: 'x', qos: 1, retain: false, rule: 'gone' });
    before.outbox.put({ topic: 'text', payload: '台所 👩‍🚀 \u0000', qos: 1, retain: false, rule: '' });
    const [, second, third] = [await before.next(), await before.next(), await before.next()];
    if (second && third) {
      before.outbox.giveBack(second);
      before.outbox.settle(third);
    }
    const { oldest } = before.outbox;
    expect(await before.close()).toBe(0);

    await using after = await Used.open({ directory: place.path, durability });
    expect(after.outbox.oldest).toBe(oldest);
    expect(after.kept).toEqual(
      expect.arrayContaining([
        { rule: 'bytes', count: 1 },
        { rule: undefined, count: 1 },
        { rule: '', count: 1 },
      ]),
    );
    expect(after.keptCount).toBe(3);
    const taken = [await after.next(), await after.next(), await after.next()].map((entry) => entry?.message);
    expect(taken).toEqual([
      { topic: 'a/ü', payload: bytes, qos: 2, retain: true, rule: 'bytes' },
      { topic: '', payload: '', qos: 0, retain: false, rule: undefined },
      { topic: 'text', payload: '台所 👩‍🚀 \u0000', qos: 1, retain: false, rule: '' },
    ]);
  });

  it('behaves like the plainest model over any number of restarts', { timeout: 60_000 }, async () => {
    type Step = ['put' | 'take' | 'settle' | 'giveBack' | 'reopen' | 'wait', number];
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.tuple(fc.constant<Step[0]>('put'), fc.integer({ min: 1, max: 400 })) },
      { weight: 4, arbitrary: fc.tuple(fc.constant<Step[0]>('take'), fc.integer({ min: 1, max: 400 })) },
      { weight: 4, arbitrary: fc.tuple(fc.constant<Step[0]>('settle'), fc.integer({ min: 1, max: 400 })) },
      { weight: 1, arbitrary: fc.tuple(fc.constant<Step[0]>('giveBack'), fc.integer({ min: 0, max: 9 })) },
      { weight: 1, arbitrary: fc.tuple(fc.constantFrom<Step[0]>('reopen', 'wait'), fc.nat(10)) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        await using place = await temporaryDirectory();
        // It spills at every opportunity, and loses nothing even where the disk is slow.
        const times = { commitIntervalMs: 1, spillAfterMs: 2, memoryMessages: 20_000 };
        const options = { directory: place.path, durability, ...times };
        let used = await Used.open(options);
        let count = 0;
        let waiting: number[] = [];
        let taken: NonNullable<Awaited<ReturnType<Used['next']>>>[] = [];
        const number = (entry: (typeof taken)[number]) => Number(entry.message.payload);
        try {
          for (const [what, amount] of steps) {
            if (what === 'put') {
              for (let left = amount; left > 0; left--) {
                used.put(String(++count));
                waiting.push(count);
                if (left % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
              }
            } else if (what === 'take') {
              for (let left = amount; left > 0 && taken.length < waiting.length; left--) {
                const entry = await used.next();
                if (!entry) break;
                taken.push(entry);
              }
            } else if (what === 'settle') {
              for (const entry of taken.splice(amount % 3, amount)) {
                used.outbox.settle(entry);
                waiting = waiting.filter((each) => each !== number(entry));
              }
            } else if (what === 'giveBack') {
              for (const entry of taken.splice(amount)) used.outbox.giveBack(entry);
            } else if (what === 'wait') {
              await new Promise((resolve) => setTimeout(resolve, amount));
            } else {
              expect(await used.close()).toBe(0);
              const lastSequence = used.outbox.lastSequence;
              used = await Used.open(options);
              taken = [];
              expect(used.keptCount).toBe(waiting.length);
              expect(used.outbox.lastSequence).toBe(lastSequence);
            }
            expect(used.losses).toEqual([]);
            expect(used.outbox.waiting).toBe(waiting.length);
            expect(taken.map(number)).toEqual(taken.map(number).sort((a, b) => a - b));
          }
          for (const entry of taken) used.outbox.giveBack(entry);
          expect((await used.drain()).map(Number)).toEqual(waiting);
        } finally {
          await used.close();
        }
      }),
      { numRuns: 25 },
    );
  });

  it('leaves nothing behind in a hundred lives, and its sequence numbers go on', { timeout: 60_000 }, async () => {
    await using place = await temporaryDirectory();
    let last = 0;
    for (let life = 0; life < 100; life++) {
      await using used = await Used.open({ directory: place.path, durability, commitIntervalMs: 1 });
      used.count(1, 3);
      const entry = await used.next();
      expect(entry?.sequence).toBeGreaterThan(last);
      expect(await used.drain(2)).toHaveLength(2);
      if (entry) used.outbox.settle(entry);
      last = used.outbox.lastSequence;
      expect(await used.close()).toBe(0);
    }
    expect(last).toBe(300);
    expect(await diskUse(place.path)).toBeLessThan(512);
  });

  it('keeps a backlog on disk, drains it in order, and leaves the disk', { timeout: 60_000 }, async () => {
    await using place = await temporaryDirectory();
    await using used = await Used.open({ directory: place.path, durability, memoryMessages: 100_000 });
    for (let from = 1; from <= 100_000; from += 2_000) {
      used.count(from, from + 1_999, 200);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    expect(used.lost()).toBe(0);
    await until(async () => (await diskUse(place.path)) > 10_000, 30_000);
    const drained = await used.drain();
    expect(drained.length).toBe(100_000);
    expect(drained.every((payload, index) => payload === numbered(index + 1, 200))).toBe(true);
    await until(async () => (await diskUse(place.path)) < 1_024, 30_000);
  });
});

describe('the bounds of a LevelDB outbox', () => {
  it.each([
    ['messages', { maxMessages: 2_000 }],
    ['bytes', { maxBytes: 2_000 * 101 }],
  ])('hold for the number of %s on disk, up to a segment', async (_, bounds) => {
    await using place = await temporaryDirectory();
    await using used = await Used.open({ directory: place.path, ...bounds, memoryMessages: 2_100, spillAfterMs: 10 });
    for (let from = 1; from <= 6_000; from += 200) {
      for (let number = from; number < from + 200; number++) used.put(String(number).padStart(100, '0'));
      expect(used.outbox.waiting).toBeLessThanOrEqual(2_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(used.outbox.waiting).toBeGreaterThan(2_000 - 257);
    expect(used.outbox.waiting + used.lost('outbox_full')).toBe(6_000);
    expect(used.losses.every(([, , rule]) => rule === 'r')).toBe(true);
    const numbers = numbersOf(await used.drain());
    expect(numbers).toEqual(range(6_000 - numbers.length + 1, 6_000));
  });

  it('hold for memory when messages come faster than they can be written', async () => {
    await using place = await temporaryDirectory();
    await using used = await Used.open({ directory: place.path, memoryMessages: 1_000 });
    used.count(1, 5_000);
    expect(used.outbox.waiting + used.lost('outbox_full')).toBe(5_000);
    expect(used.outbox.waiting).toBeLessThanOrEqual(1_000);
    const given = numbersOf(await used.drain());
    expect(given.length + used.lost()).toBe(5_000);
    expect(given.at(-1)).toBe(5_000);
  });

  it('hold for age on disk too, while nobody takes anything and over a restart', async () => {
    await using place = await temporaryDirectory();
    {
      await using before = await Used.open({ directory: place.path, maxAgeMs: 60_000 });
      before.count(1, 1_000);
    }
    await using used = await Used.open({ directory: place.path, maxAgeMs: 1 });
    expect(used.keptCount).toBe(1_000);
    await until(() => used.outbox.waiting === 0);
    expect(used.losses.every(([reason]) => reason === 'outbox_expired')).toBe(true);
    expect(used.lost()).toBe(1_000);
  });

  it('survive a clock that is set back or forward', async () => {
    await using place = await temporaryDirectory();
    await using used = await Used.open({ directory: place.path, maxAgeMs: 3_600_000, spillAfterMs: 10 });
    const now = Date.now;
    try {
      used.count(1, 10);
      Date.now = () => now() - 50 * 365 * 86_400_000;
      used.count(11, 20);
      await until(async () => (await diskUse(place.path)) > 0);
      expect(numbersOf(await used.drain(15))).toEqual(range(1, 15));
      expect(await used.close()).toBe(0);
      Date.now = () => now() + 86_400_000;
      await using after = await Used.open({ directory: place.path, maxAgeMs: 3_600_000 });
      expect(await after.drain()).toEqual([]);
      expect(after.lost('outbox_expired')).toBe(5);
    } finally {
      Date.now = now;
    }
  });
});

describe('two outboxes on one directory', () => {
  it('are one too many', async () => {
    await using place = await temporaryDirectory();
    await using first = await Used.open({ directory: place.path });
    const refusal = await Used.open({ directory: place.path }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MQTTGatewayError);
    expect(refusal).toMatchObject({ code: 'outbox_locked', message: expect.stringContaining(place.path) });
    first.count(1, 3);
    expect(await first.drain()).toHaveLength(3);
  });
});
