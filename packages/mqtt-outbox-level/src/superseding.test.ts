import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutboxEntry } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { diskUse, temporaryDirectory, Used, until } from './fixture.js';
import { LevelStore } from './store.js';

const DURABILITIES = ['spill', 'always'] as const;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Item {
  readonly payload: string;
  readonly topic: string;
  readonly latest: boolean;
  entry?: OutboxEntry;
}

/** Knows of each message whether it waits; and nothing of where. */
class Model {
  count = 0;
  superseded = 0;
  items: Item[] = [];

  put(topic: string, latest: boolean): Item {
    const before = latest ? this.#newestOn(topic) : undefined;
    const item: Item = { payload: String(++this.count), topic, latest };
    this.items.push(item);
    if (before && !before.entry) this.#supersede(before);
    return item;
  }

  get taken(): Item[] {
    return this.items.filter(({ entry }) => entry);
  }

  remove(item: Item): void {
    this.items = this.items.filter((each) => each !== item);
  }

  giveBack(item: Item): void {
    delete item.entry;
    this.#settleWithNewest(item);
  }

  /** What was taken is ready again. */
  restart(): void {
    this.superseded = 0;
    for (const item of this.items) delete item.entry;
    for (const item of [...this.items]) this.#settleWithNewest(item);
  }

  #settleWithNewest(item: Item): void {
    if (!item.latest) return;
    for (const other of this.items.filter(({ topic, latest, entry }) => latest && topic === item.topic && !entry)) {
      if (other !== this.#newestOn(item.topic)) this.#supersede(other);
    }
  }

  #newestOn(topic: string): Item | undefined {
    return this.items.findLast((item) => item.latest && item.topic === topic);
  }

  #supersede(item: Item): void {
    this.remove(item);
    this.superseded++;
  }
}

describe.each(DURABILITIES)('of messages of which only the newest is wanted, with durability %s,', (durability) => {
  it('the plainest model says which wait, over any number of restarts', { timeout: 60_000 }, async () => {
    type Step = ['put' | 'take' | 'settle' | 'giveBack' | 'reopen' | 'wait', number];
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(fc.constant<Step[0]>('put'), fc.integer({ min: 1, max: 400 })) },
      { weight: 2, arbitrary: fc.tuple(fc.constant<Step[0]>('take'), fc.integer({ min: 1, max: 300 })) },
      { weight: 2, arbitrary: fc.tuple(fc.constant<Step[0]>('settle'), fc.integer({ min: 1, max: 300 })) },
      { weight: 1, arbitrary: fc.tuple(fc.constant<Step[0]>('giveBack'), fc.nat(9)) },
      { weight: 2, arbitrary: fc.tuple(fc.constantFrom<Step[0]>('reopen', 'wait'), fc.nat(10)) },
    );
    const scenario = fc.record({
      steps: fc.array(step, { minLength: 1, maxLength: 40 }),
      topics: fc.constantFrom(1, 7, 500),
      share: fc.constantFrom(0.1, 0.7, 1),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ steps, topics, share }) => {
        await using place = await temporaryDirectory();
        const times = { commitIntervalMs: 1, spillAfterMs: 2, memoryMessages: 20_000 };
        const options = { directory: place.path, durability, ...times };
        const model = new Model();
        let used = await Used.open(options);
        try {
          for (const [what, amount] of steps) {
            if (what === 'put') {
              for (let left = amount; left > 0; left--) {
                const dice = Math.imul(model.count, 2_654_435_761) >>> 0;
                const { topic, payload, latest } = model.put(`t${dice % topics}`, (dice >>> 8) % 100 < share * 100);
                used.outbox.put({ topic, payload, qos: 1, retain: false, rule: 'r', latest });
                if (left % 100 === 0) await pause(3);
              }
            } else if (what === 'take') {
              for (let left = amount; left > 0 && model.taken.length < model.items.length; left--) {
                const entry = await used.next();
                const oldest = model.items.find((item) => !item.entry);
                expect(entry?.message.payload).toBe(oldest?.payload);
                if (oldest && entry) oldest.entry = entry;
              }
            } else if (what === 'settle') {
              for (const item of model.taken.splice(amount % 3, amount)) {
                if (item.entry) used.outbox.settle(item.entry);
                model.remove(item);
              }
            } else if (what === 'giveBack') {
              for (const item of model.taken.splice(amount)) {
                if (item.entry) used.outbox.giveBack(item.entry);
                model.giveBack(item);
              }
            } else if (what === 'wait') {
              await pause(amount);
            } else {
              expect(await used.close()).toBe(0);
              used = await Used.open(options);
              expect(used.keptCount).toBe(model.items.length);
              model.restart();
            }
            expect(used.losses.every(([reason]) => reason === 'superseded')).toBe(true);
            expect(used.lost()).toBe(model.superseded);
            expect(used.outbox.waiting).toBe(model.items.length);
            expect(used.lines).toEqual([]);
          }
          for (const item of model.taken) {
            if (item.entry) used.outbox.giveBack(item.entry);
            model.giveBack(item);
          }
          expect(await used.drain()).toEqual(model.items.map(({ payload }) => payload));
        } finally {
          await used.close();
        }
      }),
      { numRuns: 25 },
    );
  });

  it('those that were superseded before the end do not come back', async () => {
    await using place = await temporaryDirectory();
    {
      await using first = await Used.open({ directory: place.path, durability });
      for (let topic = 1; topic <= 600; topic++) first.putLatest(`t${topic}`, `${topic} old`);
      first.count(1, 600);
    }
    {
      await using second = await Used.open({ directory: place.path, durability });
      expect(second.kept).toEqual([
        { rule: 'latest', count: 600 },
        { rule: 'r', count: 600 },
      ]);
      for (let topic = 1; topic <= 600; topic += 2) second.putLatest(`t${topic}`, `${topic} new`);
      expect(second.losses).toEqual(Array(300).fill(['superseded', 1, 'latest']));
      expect(second.outbox.waiting).toBe(1_200);
    }
    await using third = await Used.open({ directory: place.path, durability });
    expect(third.kept).toEqual(second(600));
    const payloads = await third.drain();
    expect(payloads.filter((payload) => payload.endsWith('old')).map(Number.parseInt)).toHaveLength(300);
    expect(payloads.slice(-300).every((payload) => payload.endsWith('new'))).toBe(true);
    expect(third.losses).toEqual([]);

    function second(count: number) {
      return expect.arrayContaining([
        { rule: 'latest', count },
        { rule: 'r', count: 600 },
      ]);
    }
  });
});

it('those that were given up at a bound are not superseded as well, nor do they stand in the way', async () => {
  const topics = 4_000;
  await using place = await temporaryDirectory();
  await using used = await Used.open({ directory: place.path, maxMessages: 2_000, spillAfterMs: 10 });
  for (let topic = 1; topic <= topics; topic++) {
    used.putLatest(`t${topic}`, `${topic} old`);
    if (topic % 100 === 0) await pause(5);
  }
  expect(used.lost('superseded')).toBe(0);
  const given = used.lost('outbox_full');
  expect(given).toBeGreaterThanOrEqual(2_000);
  // Half of these topics have nothing that waits.
  for (let topic = given - 99; topic <= given + 100; topic++) used.putLatest(`t${topic}`, `${topic} new`);
  const waiting = used.outbox.waiting;
  expect(waiting + used.lost()).toBe(topics + 200);
  expect(used.lost('superseded')).toBeLessThanOrEqual(100);
  const payloads = await used.drain();
  expect(payloads).toHaveLength(waiting);
  expect(payloads.filter((payload) => payload.endsWith('new'))).toHaveLength(200);
  expect(new Set(payloads.map((payload) => payload.split(' ')[0])).size).toBe(waiting);
});

it('an outage leaves one message of each topic, and little on disk, though others wait beside them', {
  timeout: 60_000,
}, async () => {
  const [topics, puts, size] = [1_000, 25_000, 3_000];
  await using place = await temporaryDirectory();
  await using used = await Used.open({ directory: place.path, spillAfterMs: 10 });
  let most = 0;
  for (let number = 1; number <= puts; number++) {
    // Each segment has one or two that are never superseded.
    if (number % 100 === 0) used.put(`alarm ${number}`);
    const payload = randomBytes(size);
    payload.writeUInt32LE(number);
    used.outbox.put({ topic: `t${number % topics}`, payload, qos: 1, retain: false, latest: true });
    if (number % 50 === 0) await pause(1);
    if (number % 1_000 === 0) most = Math.max(most, await diskUse(place.path));
  }
  expect(used.outbox.waiting).toBe(topics + puts / 100);
  expect(used.lost('superseded')).toBe(puts - topics);
  expect(used.lost()).toBe(puts - topics);
  // 75 MB were put. Some megabytes are what LevelDB lets come together before it gives anything back.
  expect(most).toBeLessThan(40 * 1_024);
  expect(await used.close()).toBe(0);

  await using after = await Used.open({ directory: place.path });
  expect(after.keptCount).toBe(topics + puts / 100);
  const numbers: number[] = [];
  for (let entry = await after.next(); entry; entry = await after.next()) {
    const { payload } = entry.message;
    if (typeof payload !== 'string') numbers.push(Buffer.from(payload).readUInt32LE());
    after.outbox.settle(entry);
  }
  expect(numbers).toEqual(Array.from({ length: topics }, (_, index) => puts - topics + 1 + index));
  expect([after.losses, after.lines]).toEqual([[], []]);
});

it('beyond 131,072 topics, the messages of others are kept as if they said nothing', { timeout: 30_000 }, async () => {
  const known = 131_072;
  await using place = await temporaryDirectory();
  await using used = await Used.open({ directory: place.path, memoryMessages: known * 2, spillAfterMs: 600_000 });
  for (let topic = 1; topic <= known; topic++) used.putLatest(`t${topic}`, '1');
  used.putLatest('other', '1', '2');
  expect(used.losses).toEqual([]);
  used.putLatest(`t${known}`, '2');
  expect(used.losses).toEqual([['superseded', 1, 'latest']]);
  // Where one is done with, another one has room.
  await used.drain(1);
  used.putLatest('other', '3', '4');
  expect(used.lost('superseded')).toBe(2);
  expect(used.outbox.waiting).toBe(known + 2);
  const payloads = await used.drain();
  expect(payloads.slice(-4)).toEqual(['1', '2', '2', '4']);
});

describe('what is known only later of messages that an earlier life has left', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('is superseded by what came while their place was away', async () => {
    await using place = await temporaryDirectory();
    const directory = join(place.path, 'outbox');
    {
      await using before = await Used.open({ directory });
      before.putLatest('a', 'a1');
      before.putLatest('b', 'b1');
      before.putLatest('c', 'c1');
    }
    await rename(directory, join(place.path, 'away'));
    await writeFile(directory, '');
    await using used = await Used.open({ directory, retryAfterMs: 20 });
    used.putLatest('a', 'a2');
    used.putLatest('b', 'b2');
    const taken = await used.next();
    expect(taken?.message.payload).toBe('a2');
    await rm(directory);
    await rename(join(place.path, 'away'), directory);
    await until(() => used.outbox.fault === undefined);
    expect(used.keptLater).toEqual([{ rule: 'latest', count: 3 }]);
    expect(used.losses).toEqual([
      ['superseded', 1, 'latest'],
      ['superseded', 1, 'latest'],
    ]);
    used.putLatest('c', 'c2');
    expect(used.outbox.waiting).toBe(3);
    expect(await used.drain(2)).toEqual(['b2', 'c2']);
    expect(used.lines.filter((line) => line.includes('damaged'))).toEqual([]);
  });

  it('is superseded as soon as they can be read', async () => {
    await using place = await temporaryDirectory();
    {
      await using before = await Used.open({ directory: place.path });
      for (let topic = 1; topic <= 1_000; topic++) before.putLatest(`t${topic}`, '1');
    }
    const { read } = LevelStore.prototype;
    let calls = 0;
    vi.spyOn(LevelStore.prototype, 'read').mockImplementation(function (this: LevelStore, first) {
      return ++calls === 3 ? Promise.reject(new Error('Input/output error')) : read.call(this, first);
    });
    await using used = await Used.open({ directory: place.path, retryAfterMs: 50 });
    expect(used.outbox.fault).toBeDefined();
    expect(used.keptCount).toBe(1_000);
    for (let topic = 1; topic <= 1_000; topic++) used.putLatest(`t${topic}`, '2');
    expect(used.lost('superseded')).toBeLessThan(1_000);
    await until(() => used.lost('superseded') === 1_000);
    expect(used.outbox.waiting).toBe(1_000);
    const payloads = await used.drain();
    expect(payloads.every((payload) => payload === '2')).toBe(true);
    expect(used.lost()).toBe(1_000);
  });
});
