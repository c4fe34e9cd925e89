import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convert } from './conversion.js';
import { cpuMs } from './inbound.fixtures.js';

describe('convert', () => {
  it.each([
    ['007', 'd', '7'],
    ['-012', 'd', '-12'],
    ['+5', 'd', '5'],
    ['123456789012345678901234567890', 'd', '123456789012345678901234567890'],
    ['255', 'x', 'ff'],
    ['-255', 'x', '-ff'],
    ['1.5', 'f', '1.500000'],
    ['7', 'f', '7.000000'],
    ['.5', 'f', '0.500000'],
    ['1e3', 'f', '1000.000000'],
    ['1e22', 'f', '10000000000000000000000.000000'],
    ['-0', 'f', '-0.000000'],
    ['007', 's', '007'],
    ['', 's', ''],
  ] as const)("writes '%s' with %s as '%s'", (text, conversion, expected) => {
    expect(convert(text, conversion)).toBe(expected);
  });

  // printf rounds the exact value, and half-way to even: '%f' % 0.0078125 is 0.007812 in Python.
  it.each([
    ['0.0078125', '0.007812'],
    ['0.0234375', '0.023438'],
    ['-0.0078125', '-0.007812'],
    ['0.9921875', '0.992188'],
    ['3.0078125', '3.007812'],
    ['0.1234565', '0.123456'],
  ])("rounds '%s' as Python does, to '%s'", (text, expected) => {
    expect(convert(text, 'f')).toBe(expected);
  });

  it.each([
    ['', 'd'],
    ['1.5', 'd'],
    ['0x10', 'd'],
    ['1_000', 'd'],
    [' 7', 'd'],
    ['٣', 'd'],
    ['ff', 'x'],
    ['', 'f'],
    ['.', 'f'],
    ['inf', 'f'],
    ['nan', 'f'],
    ['1e999', 'f'],
  ] as const)("takes '%s' for no number with %s", (text, conversion) => {
    expect(convert(text, conversion)).toBeUndefined();
  });

  it('keeps every integer as it is', () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        expect(convert(`${value}`, 'd')).toBe(`${value}`);
        expect(BigInt(`0x${convert(`${value < 0 ? -value : value}`, 'x')}`)).toBe(value < 0 ? -value : value);
      }),
    );
  });

  it('takes no longer for a long text than it has characters', () => {
    const cost = cpuMs(() => {
      for (const text of [`${'1'.repeat(65_000)}x`, `${'1'.repeat(30_000)}.${'1'.repeat(30_000)}e`]) {
        for (const conversion of ['d', 'f', 'x'] as const) expect(convert(text, conversion)).toBeUndefined();
      }
    });
    // Milliseconds; seconds where each digit is tried in two places.
    expect(cost).toBeLessThan(1_000);
  });

  it('takes no integer of more characters than 300, which take long to convert', () => {
    expect(convert('1'.repeat(300), 'd')).toBe('1'.repeat(300));
    expect(convert('1'.repeat(301), 'd')).toBeUndefined();
    expect(convert('1'.repeat(301), 'x')).toBeUndefined();
  });
});
