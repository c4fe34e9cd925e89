import { describe, expect, it } from 'vitest';
import { percentile, spread } from './statistics.js';

describe('spread', () => {
  it('takes the middle of an odd number of values', () => {
    expect(spread([30, 9, 100])).toEqual({ median: 30, min: 9, max: 100 });
  });

  it('takes the mean of the two in the middle of an even number', () => {
    expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  it('leaves the values as they were', () => {
    const values = [3, 1, 2];
    spread(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('needs a value', () => {
    expect(() => spread([])).toThrow(RangeError);
  });
});

describe('percentile', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);

  it('is a value that occurred', () => {
    expect([0, 1, 50, 99, 99.5, 100].map((percent) => percentile(values, percent))).toEqual([1, 1, 50, 99, 100, 100]);
  });

  it('is the only value there is', () => {
    expect([0, 50, 99].map((percent) => percentile([7], percent))).toEqual([7, 7, 7]);
  });

  it('needs a value', () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
  });
});
