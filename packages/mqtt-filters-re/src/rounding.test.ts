import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { round } from './rounding.js';

describe('rounding', () => {
  it.each([
    [1.005, 2, 1.01],
    [-1.005, 2, -1.01],
    [1.00499, 2, 1],
    [2.5, 0, 3],
    [-2.5, 0, -3],
    [0.5, 0, 1],
    [-0.4, 0, 0],
    [8.345, 2, 8.35],
    [1.45, 1, 1.5],
    [10.235, 2, 10.24],
    [21.54, 1, 21.5],
    [0.1 + 0.2, 12, 0.3],
    [5e-7, 6, 1e-6],
    [1e-7, 6, 0],
    [1e21, 3, 1e21],
    [2_251_799_813_685_247.5, 0, 2_251_799_813_685_248],
    [999_999_999_999_999.9, 3, 999_999_999_999_999.9],
    [123, 5, 123],
    [-6964.2471955365045, 11, -6964.2471955365],
  ])('%d to %i decimals is %d', (value, decimals, expected) => {
    expect(round(value, decimals)).toBe(expected);
  });

  /** On the digits, as on paper. */
  function onPaper(value: number, decimals: number): number {
    const [digits = '', exponent = '0'] = Math.abs(value).toString().split('e');
    const [whole = '', fraction = ''] = digits.split('.');
    const shift = fraction.length - Number(exponent);
    if (shift <= decimals) return value === 0 ? 0 : value;
    const unit = 10n ** BigInt(shift - decimals);
    const units = (BigInt(whole + fraction) + unit / 2n) / unit;
    return units === 0n ? 0 : Math.sign(value) * Number(`${units}e-${decimals}`);
  }

  const decimal = fc
    .tuple(fc.integer({ min: -99_999_999, max: 99_999_999 }), fc.integer({ min: 0, max: 8 }))
    .map(([digits, shift]) => Number(`${digits}e-${shift}`));

  it('does what one does on paper, with any number', () => {
    fc.assert(
      fc.property(
        fc.oneof(decimal, fc.double({ noNaN: true, min: -1e15, max: 1e15 })),
        fc.nat(12),
        (value, decimals) => {
          fc.pre(Math.abs(value) * 10 ** decimals < 2 ** 52);
          expect(round(value, decimals)).toBe(onPaper(value, decimals));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.double(), fc.nat(12), (value, decimals) => {
        const once = round(value, decimals);
        expect(round(once, decimals)).toBe(once);
      }),
    );
  });
});
