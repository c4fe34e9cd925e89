import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.js';

const limit = { messages: 3, perMs: 600 };
const takes = (bucket: TokenBucket, times: readonly number[]) => times.map((now) => bucket.take(now));

describe('a token bucket', () => {
  it('lets a burst pass, and then one for each part of its time', () => {
    const bucket = new TokenBucket(limit);
    expect(takes(bucket, [5, 5, 5, 5, 204, 205, 206])).toEqual([true, true, true, false, false, true, false]);
  });

  it('never holds more than a burst', () => {
    const bucket = new TokenBucket(limit);
    bucket.take(0);
    expect(takes(bucket, [1e9, 1e9, 1e9, 1e9])).toEqual([true, true, true, false]);
    bucket.giveBack();
    expect(takes(bucket, [1e9, 1e9])).toEqual([true, false]);
  });

  it('neither opens nor closes when the clock goes back', () => {
    const bucket = new TokenBucket(limit);
    expect(takes(bucket, [1_000, 1_000, 0, 0])).toEqual([true, true, true, false]);
    expect(takes(bucket, [1_000, 1_200, 1_200])).toEqual([false, true, false]);
  });

  it('lets no more pass in any time than a burst and what the time brings', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 });
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 5_000 }),
        (gaps, messages, perMs) => {
          const bucket = new TokenBucket({ messages, perMs });
          let now = 0;
          const passed: number[] = [];
          for (const gap of gaps) {
            now += gap;
            if (bucket.take(now)) passed.push(now);
          }
          for (const [index, from] of passed.entries()) {
            for (const [further, to] of passed.slice(index).entries()) {
              expect(further + 1).toBeLessThanOrEqual(messages + ((to - from) / perMs) * messages + 1e-6);
            }
          }
        },
      ),
    );
  });
});
