import { describe, expect, it } from 'vitest';
import { formatCount, formatDuration } from './duration.js';

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [-1, '0 ms'],
    [40.4, '40 ms'],
    [99.6, '0.1 s'],
    [4_230, '4.2 s'],
    [9_960, '10 s'],
    [59.4 * S, '59 s'],
    [59.6 * S, '1 min'],
    [125 * S, '2 min 5 s'],
    [59 * MIN + 59.9 * S, '1 h'],
    [3 * H + 2 * MIN, '3 h 2 min'],
    [23 * H + 59 * MIN + 40 * S, '1 d'],
    [52 * H, '2 d 4 h'],
    [500 * 24 * H, '500 d'],
  ])('of %s ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('stands beside counts of which thousands can be read', () => expect(formatCount(1_234_567)).toBe('1,234,567'));
});
