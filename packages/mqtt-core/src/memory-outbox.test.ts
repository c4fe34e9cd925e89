import { describe, it } from 'vitest';
import { MemoryOutbox } from './memory-outbox.js';
import { outboxContract } from './testing.js';

describe('a memory outbox', () => {
  const create = async (bounds: ConstructorParameters<typeof MemoryOutbox>[0]) => {
    const outbox = new MemoryOutbox(bounds);
    return { outbox, [Symbol.asyncDispose]: async () => void (await outbox.close()) };
  };
  for (const { name, run } of outboxContract(create)) it(name, run);
});
