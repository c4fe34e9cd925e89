import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryOutbox, type OutboundMessage } from './outbox.js';

const message = (payload: string): OutboundMessage => ({ topic: 't', payload, qos: 1, retain: false });

describe('a memory outbox', () => {
  it('gives messages in the order they were put', () => {
    const outbox = new MemoryOutbox();
    for (const payload of ['1', '2', '3']) outbox.put(message(payload));
    expect([outbox.take(), outbox.take(), outbox.take(), outbox.take()].map((each) => each?.payload)).toEqual([
      '1',
      '2',
      '3',
      undefined,
    ]);
    expect(outbox.waiting).toBe(3);
  });

  it('gives again, in order and before what came later, what was taken and not settled', () => {
    const outbox = new MemoryOutbox();
    for (const payload of ['1', '2', '3', '4']) outbox.put(message(payload));
    const [, second] = [outbox.take(), outbox.take(), outbox.take()];
    outbox.settle(second as OutboundMessage);
    outbox.rewind();
    expect([outbox.take(), outbox.take(), outbox.take()].map((each) => each?.payload)).toEqual(['1', '3', '4']);
  });

  it('gives up the oldest beyond its number of messages', () => {
    const outbox = new MemoryOutbox({ maxMessages: 2 });
    expect(['1', '2', '3'].map((payload) => outbox.put(message(payload)))).toEqual([0, 0, 1]);
    expect(outbox.take()?.payload).toBe('2');
  });

  it('gives up the oldest beyond its number of bytes', () => {
    const outbox = new MemoryOutbox({ maxBytes: 10 });
    outbox.put(message('1'));
    outbox.put(message('2'));
    expect(outbox.put(message('x'.repeat(8)))).toBe(2);
    expect(outbox.take()?.payload).toBe('x'.repeat(8));
  });

  it('gives up a message that is beyond its bounds by itself, and no other for it', () => {
    const outbox = new MemoryOutbox({ maxBytes: 10 });
    outbox.put(message('1'));
    expect(outbox.put(message('x'.repeat(10)))).toBe(1);
    expect(outbox.take()?.payload).toBe('1');
    expect(outbox.take()).toBeUndefined();
  });

  it('does not give up what is on the wire', () => {
    const outbox = new MemoryOutbox({ maxMessages: 1 });
    outbox.put(message('1'));
    const taken = outbox.take() as OutboundMessage;
    expect(outbox.put(message('2'))).toBe(1);
    outbox.settle(taken);
    expect(outbox.waiting).toBe(0);
  });

  it('behaves like the plainest model, whatever is done to it', () => {
    const command = fc.oneof(
      { weight: 4, arbitrary: fc.constant('put' as const) },
      { weight: 3, arbitrary: fc.constant('take' as const) },
      { weight: 2, arbitrary: fc.nat(5).map((index) => ({ settle: index })) },
      { weight: 1, arbitrary: fc.constant('rewind' as const) },
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 300 }), (commands) => {
        const outbox = new MemoryOutbox({ maxMessages: 10 });
        let ready: OutboundMessage[] = [];
        let taken: OutboundMessage[] = [];
        let number = 0;
        for (const each of commands) {
          if (each === 'put') {
            const next = message(String(number++));
            ready.push(next);
            const over = Math.min(Math.max(ready.length + taken.length - 10, 0), ready.length);
            ready = ready.slice(over);
            expect(outbox.put(next)).toBe(over);
          } else if (each === 'take') {
            const next = ready.shift();
            if (next) taken.push(next);
            expect(outbox.take()).toBe(next);
          } else if (each === 'rewind') {
            ready = [...taken, ...ready];
            taken = [];
            outbox.rewind();
          } else {
            const [settled] = taken.splice(each.settle, 1);
            if (settled) outbox.settle(settled);
          }
          expect(outbox.waiting).toBe(ready.length + taken.length);
        }
      }),
    );
  });

  it('keeps the order over many messages, through the moving of its queue', () => {
    const outbox = new MemoryOutbox({ maxMessages: 1e6 });
    const seen: string[] = [];
    for (let index = 0; index < 20_000; index++) {
      outbox.put(message(String(index)));
      if (index % 3 === 0) continue;
      const next = outbox.take() as OutboundMessage;
      seen.push(next.payload as string);
      outbox.settle(next);
    }
    expect(seen).toEqual(seen.map((_, index) => String(index)));
    expect(outbox.waiting).toBe(20_000 - seen.length);
  });
});
