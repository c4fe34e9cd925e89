import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryDirectory, Used } from './fixture.js';
import { LevelStore } from './store.js';

/** A disk that does not answer: what it is asked for is done when it answers again. At the end of the scope it does. */
function stall<K extends 'read' | 'write'>(call: K) {
  let answer: () => void = () => {};
  let ask: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const stalled = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const prototype = LevelStore.prototype as unknown as Record<K, (...parameters: unknown[]) => Promise<unknown>>;
  const original = prototype[call];
  const spy = vi.spyOn(prototype, call as never) as unknown as { mockImplementation(by: typeof original): void };
  spy.mockImplementation(async function (this: LevelStore, ...parameters) {
    ask();
    await stalled;
    return original.apply(this, parameters);
  });
  return { asked, answer, [Symbol.dispose]: answer };
}

/** Resolves as soon as something holds; time passes on the way. */
const until = (holds: () => boolean) => vi.waitFor(() => expect(holds(), String(holds)).toBe(true), 60_000);

const payloadsAtHand = ({ outbox }: Used): unknown[] => {
  const payloads: unknown[] = [];
  for (let entry = outbox.take(); entry; entry = outbox.take()) {
    payloads.push(entry.message.payload);
    outbox.settle(entry);
  }
  return payloads;
};

describe('a disk that does not answer', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('is at fault after some seconds: messages are given from memory, and kept again when it answers', async () => {
    await using place = await temporaryDirectory();
    await using used = await Used.open({ directory: place.path, durability: 'always' });
    using disk = stall('write');
    used.put('1', '2', '3');
    await vi.advanceTimersByTimeAsync(4_000);
    expect(payloadsAtHand(used)).toEqual([]);
    expect(used.outbox.fault).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(used.outbox.fault).toMatch(/the disk has not answered for 5 s/);
    expect(payloadsAtHand(used)).toEqual(['1', '2', '3']);
    used.put('4', '5');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(used.lines).toEqual([`error: ${used.outbox.fault}`]);

    disk.answer();
    await until(() => used.outbox.fault === undefined);
    expect(used.lines.at(-1)).toContain('again');
    used.put('6');
    expect(await used.close()).toBe(0);
    await using after = await Used.open({ directory: place.path });
    expect(await after.drain()).toEqual(['4', '5', '6']);
    expect(used.losses).toEqual([]);
    expect(after.losses).toEqual([]);
  });

  it('holds up what can not be read, and not what came after it', async () => {
    await using place = await temporaryDirectory();
    {
      await using before = await Used.open({ directory: place.path });
      before.count(1, 3);
    }
    await using used = await Used.open({ directory: place.path });
    using disk = stall('read');
    used.put('4');
    expect(payloadsAtHand(used)).toEqual([]);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(used.outbox.fault).toMatch(/has not answered/);
    expect(payloadsAtHand(used)).toEqual(['4']);
    disk.answer();
    await until(() => used.outbox.fault === undefined);
    expect(await used.drain()).toEqual(['1 ', '2 ', '3 ']);
    expect(used.losses).toEqual([]);
  });

  it('does not hold up the start: what it has kept comes late', async () => {
    await using place = await temporaryDirectory();
    {
      await using before = await Used.open({ directory: place.path });
      before.put('kept');
    }
    using disk = stall('write');
    const opening = Used.open({ directory: place.path });
    await disk.asked;
    await vi.advanceTimersByTimeAsync(11_000);
    await using used = await opening;
    expect(used.outbox.fault).toMatch(/has not answered/);
    used.put('later');
    disk.answer();
    await until(() => used.outbox.fault === undefined);
    expect(await used.drain()).toEqual(['kept', 'later']);
  });

  it('does not hold up the end, which says what is lost', async () => {
    await using place = await temporaryDirectory();
    const used = await Used.open({ directory: place.path });
    using disk = stall('write');
    used.put('1', '2');
    const closing = used.close();
    await disk.asked;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await closing).toBe(2);
    expect(vi.getTimerCount()).toBe(0);

    // What is left of it leaves the place when the disk answers.
    disk.answer();
    await vi.waitFor(async () => {
      await using after = await Used.open({ directory: place.path });
      expect(after.outbox.fault).toBeUndefined();
    }, 60_000);
  });
});
