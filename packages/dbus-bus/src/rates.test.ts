import { describe, expect, it } from 'vitest';
import { RateSampler } from './rates.js';

describe('rates', () => {
  it('are those of the last seconds and minutes', () => {
    let now = 0;
    let count = 0;
    const sampler = new RateSampler(
      () => ({ events: count }),
      () => now,
    );
    sampler.sample();
    const pass = (seconds: number, perSecond: number) => {
      for (let second = 0; second < seconds; second++) {
        now += 1_000;
        count += perSecond;
        if (now % 2_000 === 0) sampler.sample();
      }
    };
    pass(600, 1);
    expect(sampler.rates.events).toEqual({ last10s: 1, last1min: 1, last10min: 1 });
    pass(60, 11);
    expect(sampler.rates.events).toEqual({ last10s: 11, last1min: 11, last10min: 2 });
    pass(10, 0);
    expect(sampler.rates.events).toMatchObject({ last10s: 0, last1min: (50 * 11) / 60 });
    pass(100_000, 0);
    expect(sampler.rates.events).toEqual({ last10s: 0, last1min: 0, last10min: 0 });
  });

  it('are those since the start while that is not long ago, and none before the first look', () => {
    let now = 0;
    let count = 0;
    const sampler = new RateSampler(
      () => ({ events: count }),
      () => now,
    );
    expect(sampler.rates.events.last10s).toBe(0);
    sampler.sample();
    count = 8;
    now = 500;
    expect(sampler.rates.events.last10min).toBe(8);
    now = 4_000;
    expect(sampler.rates.events.last10min).toBe(2);
  });
});
