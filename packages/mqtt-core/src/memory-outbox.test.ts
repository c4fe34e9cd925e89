import { describe, expect, it } from 'vitest';
import { MemoryOutbox } from './memory-outbox.js';
import { outboxContract } from './testing.js';

describe('a memory outbox', () => {
  const create = async (bounds: ConstructorParameters<typeof MemoryOutbox>[0]) => {
    const outbox = new MemoryOutbox(bounds);
    return { outbox, [Symbol.asyncDispose]: async () => void (await outbox.close()) };
  };
  for (const { name, run } of outboxContract(create)) it(name, run);

  it('takes no more memory for what came and went while one message stayed taken', () => {
    const outbox = new MemoryOutbox({ maxMessages: 100 });
    const put = () => outbox.put({ topic: 't', payload: '', qos: 2, retain: false });
    put();
    const taken = outbox.take();
    const before = process.memoryUsage();
    for (let count = 0; count < 6_000_000; count++) put();
    const after = process.memoryUsage();
    expect(outbox.waiting).toBe(100);
    // A place for each of them would be 48 MB.
    expect(after.heapUsed - before.heapUsed).toBeLessThan(32e6);
    if (taken) outbox.giveBack(taken);
    expect(outbox.take()).toBe(taken);
  });

  it('takes no more memory for topics on which nothing waits any more', () => {
    const outbox = new MemoryOutbox({ maxMessages: 100 });
    const before = process.memoryUsage();
    for (let count = 0; count < 500_000; count++) {
      outbox.put({ topic: `state/${count}`, payload: '', qos: 1, retain: false, latest: true });
    }
    const after = process.memoryUsage();
    expect(outbox.waiting).toBe(100);
    // An index of them would be more than 50 MB, with the topics.
    expect(after.heapUsed - before.heapUsed).toBeLessThan(32e6);
  });
});
