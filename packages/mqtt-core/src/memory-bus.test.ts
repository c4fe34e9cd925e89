import { describe, expect, it } from 'vitest';
import { makeBasicEvent, type TimedEvent } from './event.js';
import { MemoryEventBus } from './memory-bus.js';
import { eventBusContract } from './testing.js';

describe('a memory bus', () => {
  const open = async () => {
    const bus = new MemoryEventBus();
    return {
      bus,
      emitFull: (channel: string, event: TimedEvent) => bus.emitFull(channel, event),
      close: () => bus.close(),
      [Symbol.asyncDispose]: () => bus.close(),
    };
  };
  for (const { name, run } of eventBusContract(open)) it(name, run);

  it('takes its dates from where it is told', async () => {
    const bus = new MemoryEventBus({ now: () => 42 });
    const dates: unknown[] = [];
    await bus.subscribe(['sensor'], { event: (_channel, { timestamp }) => dates.push(timestamp), malformed: () => {} });
    await bus.emit('sensor', makeBasicEvent('motion', 'hall'));
    expect(dates).toEqual([42]);
  });
});
