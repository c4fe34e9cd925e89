import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.js';

describe('pauses between attempts', () => {
  it('double up to the longest, each between half and all of it, and begin anew after success', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 100 }), (min, factor) => {
        const max = min * factor;
        const backoff = new Backoff({ min, max });
        for (let n = 0; n < 2; n++) {
          for (let attempt = 0; attempt < 12; attempt++) {
            const full = Math.min(max, min * 2 ** attempt);
            const pause = backoff.next();
            expect(pause).toBeGreaterThanOrEqual(full / 2);
            expect(pause).toBeLessThanOrEqual(full);
          }
          backoff.reset();
        }
      }),
    );
  });

  it('differ', () => {
    const first = () => new Backoff({ min: 1000, max: 1000 }).next();
    expect(new Set(Array.from({ length: 20 }, first)).size).toBeGreaterThan(1);
  });
});
