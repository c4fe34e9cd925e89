import { describe, expect, it } from 'vitest';
import { Tally } from './tally.js';

function tallyOf(arrivals: number[], count = 6, variables = 2) {
  const tally = new Tally(count, variables);
  for (const event of arrivals) tally.record(event, event % variables);
  return { isComplete: tally.isComplete, ...tally.figures() };
}

const none = { lost: 0, doubled: 0, outOfOrder: 0, outOfOrderPerVariable: 0, misrouted: 0, stray: 0 };

describe('Tally', () => {
  it('finds nothing wrong where nothing is', () => {
    expect(tallyOf([0, 1, 2, 3, 4, 5])).toEqual({ ...none, count: 6, isComplete: true });
  });

  it('counts what is missing', () => {
    expect(tallyOf([0, 2, 5])).toMatchObject({ ...none, lost: 3, isComplete: false });
  });

  it('counts doubles, which make nothing complete and nothing disordered', () => {
    expect(tallyOf([0, 1, 2, 0, 3, 4, 4])).toMatchObject({ ...none, lost: 1, doubled: 2, isComplete: false });
  });

  it('tells order within a variable from order among all', () => {
    expect(tallyOf([1, 0, 2, 3, 4, 5])).toMatchObject({ ...none, outOfOrder: 1, outOfOrderPerVariable: 0 });
    expect(tallyOf([2, 0, 1, 3, 4, 5])).toMatchObject({ ...none, outOfOrder: 2, outOfOrderPerVariable: 1 });
  });

  it('counts events under the topic of another variable', () => {
    const tally = new Tally(2, 2);
    tally.record(0, 1);
    tally.record(1, -1);
    expect(tally.figures()).toMatchObject({ ...none, misrouted: 2 });
  });

  it('counts what does not belong to the sequence', () => {
    expect(tallyOf([0, 1, 2, 3, 4, 5, 6, -1, Number.NaN])).toMatchObject({ ...none, stray: 3, isComplete: true });
  });

  it('keeps a million apart, in whatever order they come', () => {
    const count = 1_000_003;
    const tally = new Tally(count, 7);
    const left = new Set([0, 7, 8, 500_001, count - 1]);
    // 48,271 shares no factor with the count, so that each event is met once.
    for (let i = 0, event = 0; i < count; i++, event = (event + 48_271) % count) {
      if (!left.has(event)) tally.record(event, event % 7);
    }
    expect(tally.figures()).toMatchObject({ lost: left.size, doubled: 0, stray: 0, misrouted: 0 });
    for (const event of left) expect(tally.record(event, event % 7)).toBe(true);
    for (const event of left) expect(tally.record(event, event % 7)).toBe(false);
    expect(tally.figures()).toMatchObject({ lost: 0, doubled: left.size });
    expect(tally.isComplete).toBe(true);
  });

  it('says which arrivals are news', () => {
    const tally = new Tally(2, 1);
    expect([0, 0, 7, 1].map((event) => tally.record(event, 0))).toEqual([true, false, false, true]);
  });
});
