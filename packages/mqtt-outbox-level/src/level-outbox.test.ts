import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outboxContract } from '@cstbox/mqtt-core/testing';
import { describe, it } from 'vitest';
import { LevelOutbox } from './level-outbox.js';

describe.each(['spill', 'always'] as const)('a LevelDB outbox with durability %s', (durability) => {
  const cases = outboxContract(async (bounds) => {
    const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-test-'));
    const outbox = new LevelOutbox({ directory, durability, ...bounds, commitIntervalMs: 5 });
    return {
      outbox,
      async [Symbol.asyncDispose]() {
        await outbox.close();
        await rm(directory, { recursive: true });
      },
    };
  });
  for (const { name, run } of cases) it.concurrent(name, run);
});
