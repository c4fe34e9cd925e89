import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Deadband, LastPublished } from './deadband.js';

/** What of the values is published, one event in a second. */
function published(deadband: Deadband, values: readonly unknown[]): unknown[] {
  const last = new LastPublished(deadband);
  return values.filter((value, second) => {
    if (last.isUnchanged(value, second * 1_000)) return false;
    last.published(value, second * 1_000);
    return true;
  });
}

describe('a deadband', () => {
  const half: Deadband = { width: 0.5, isShare: false };

  it('compares with what was published last, not with what came last', () => {
    expect(published(half, [20, 20.3, 20.5, 20.6, 20.9, 21.1, 21.2])).toEqual([20, 20.6, 21.2]);
  });

  it('takes a difference on paper for one', () => {
    const tenth: Deadband = { width: 0.1, isShare: false };
    expect(published(tenth, [21, 21.1, 20.9, 21.10001])).toEqual([21, 21.10001]);
    expect(published(tenth, [0.3, 0.2, 0.1])).toEqual([0.3, 0.1]);
  });

  it('of 0 lets through what is different', () => {
    expect(published({ width: 0, isShare: false }, [1, 1, 1 + Number.EPSILON, 1, 1])).toEqual([
      1,
      1 + Number.EPSILON,
      1,
    ]);
  });

  it('may be a share of the last one', () => {
    const share: Deadband = { width: 0.05, isShare: true };
    expect(published(share, [100, 105, 95, 105.1, 110])).toEqual([100, 105.1]);
    expect(published(share, [-100, -96, -94])).toEqual([-100, -94]);
    expect(published(share, [0, 0, 0.001, 0])).toEqual([0, 0.001, 0]);
  });

  it('lets a value through that is another one of another kind, or equal', () => {
    expect(published(half, ['on', 'on', 'off', true, true, 1, '1', null, null, { a: 1 }, { a: 1 }, [1]])).toEqual([
      'on',
      'off',
      true,
      1,
      '1',
      null,
      { a: 1 },
      [1],
    ]);
  });

  it('holds nothing back that has no value, or a long text for one', () => {
    const long = 'x'.repeat(100);
    expect(published(half, [undefined, undefined, long, long, [long], [long]])).toHaveLength(6);
  });

  it('lets what comes after the longest interval through, whatever it says', () => {
    const slow: Deadband = { ...half, maxIntervalMs: 3_000 };
    expect(published(slow, [1, 1, 1, 1.1, 1, 1, 1.2])).toEqual([1, 1.1, 1.2]);
  });

  it('is not silenced by a number beyond all others', () => {
    const infinite = Number.POSITIVE_INFINITY;
    for (const deadband of [half, { width: 0.05, isShare: true }, { width: 0, isShare: false }]) {
      expect(published(deadband, [1, infinite, infinite, 2, -infinite, infinite, 3])).toEqual([
        1,
        infinite,
        2,
        -infinite,
        infinite,
        3,
      ]);
    }
  });

  it('does not trust a clock that was set back', () => {
    const last = new LastPublished({ ...half, maxIntervalMs: 3_000 });
    last.published(1, 10_000_000_000_000_000_000n);
    expect(last.isUnchanged(1, 10_000_000_000_000_002_000n)).toBe(true);
    expect(last.isUnchanged(1, 5_000)).toBe(false);
  });

  it('never leaves a reader further from the truth than its width', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 100, noNaN: true }), (list, width) => {
        const last = new LastPublished({ width, isShare: false });
        let known = Number.NaN;
        for (const value of list) {
          if (!last.isUnchanged(value, 0)) {
            last.published(value, 0);
            known = value;
          }
          expect(Math.abs(known - value)).toBeLessThanOrEqual(width + 1e-8);
        }
      }),
    );
  });
});
