import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areCompatible, conversion, findUnit } from './unit-conversion.js';
import { type Unit, usualUnit } from './units.js';

const unit = (name: string) => {
  const found = findUnit(name);
  if ('reason' in found) throw new Error(found.detail);
  return found;
};
const convert = (value: number, from: string, to: string) => conversion(unit(from), unit(to))(value);

describe('conversions of units', () => {
  it.each([
    [21.5, 'Wh', 'kWh', 0.0215],
    [0.0215, 'kWh', 'Wh', 21.5],
    [1, 'kWh', 'J', 3_600_000],
    [7, 'kWh', 'MJ', 25.2],
    [230, 'mV', 'V', 0.23],
    [90, 'km/h', 'm/s', 25],
    [25, 'm/s', 'km/h', 90],
    [1_013.25, 'mbar', 'hPa', 1_013.25],
    [1.01325, 'bar', 'Pa', 101_325],
    [36, 'l/h', 'm³/h', 0.036],
    [2, 'klx', 'lx', 2_000],
    [50, '%', '/', 0.5],
    [12, '‰', '%', 1.2],
    [25, 'µg/m³', 'mg/m3', 0.025],
    [3, 'kvarh', 'varh', 3_000],
    [1, 'KiB', 'B', 1_024],
    [21.5, '°C', '°F', 70.7],
    [212, '°F', '°C', 100],
    [-40, 'degF', 'Cel', -40],
    [21.5, 'degC', 'K', 294.65],
    [273.15, 'K', '°C', 0],
    [21.5, 'degC', '°C', 21.5],
    [32, '°F', 'K', 273.15],
  ])('%d %s → %s is %d', (value, from, to, expected) => {
    expect(convert(value, from, to)).toBe(expected);
  });

  it('lead back, and keep the order', () => {
    const pairs = fc.constantFrom(
      ['W', 'kW'],
      ['°C', '°F'],
      ['°C', 'K'],
      ['km/h', 'm/s'],
      ['psi', 'Pa'],
      ['kWh', 'MJ'],
    );
    const values = fc.double({ min: -200, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(pairs, values, values, ([a, b], first, second) => {
        const there = conversion(unit(a as string), unit(b as string));
        const back = conversion(unit(b as string), unit(a as string));
        expect(back(there(first))).toBeCloseTo(first, 6);
        expect(Math.sign(there(first) - there(second)) * Math.sign(first - second)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('are not between what only looks alike', () => {
    for (const [a, b] of [
      ['W', 'var'],
      ['kWh', 'kvarh'],
      ['VA', 'W'],
      ['VA', 'var'],
      ['dB', '%'],
      ['pH', '%'],
      ['count', '%'],
      ['°C', 'W'],
    ] as const) {
      expect(areCompatible(unit(a), unit(b)), `${a} and ${b}`).toBe(false);
    }
    expect(areCompatible(unit('%'), unit('ppm'))).toBe(true);
  });
});

describe('names of units', () => {
  it('are all understood by the library', () => {
    const names = [
      'W',
      'm3/h',
      'L',
      'Wh/km',
      'MVAh',
      'dB(A)',
      'pH',
      'imp',
      '1',
      '/1000',
      'Ω',
      '°',
      'GiB',
      'As',
      'inHg',
    ];
    for (const name of names) expect(areCompatible(usualUnit(name) as Unit, unit(name)), name).toBe(true);
  });

  it('may be others that the library knows, in a configuration', () => {
    expect(convert(1, 'yd', 'm')).toBe(0.9144);
    expect(usualUnit('yd')).toBeUndefined();
  });

  it.each(['', ' ', '7', '5 m', 'frob', 'kwh', '__proto__', 'constructor', 'toString', 'm'.repeat(33)])(
    'are not %j',
    (name) => {
      expect(findUnit(name)).toMatchObject({ reason: 'unknown_unit' });
    },
  );

  it.each(['C', 'F'])("are told from one another: '%s' is refused, with what to write", (name) => {
    expect(findUnit(name)).toMatchObject({ detail: expect.stringMatching(/to others: write °/) });
  });

  it('are found in no time, whatever a bus says', () => {
    const start = performance.now();
    for (const name of ['a'.repeat(100_000), 'm*'.repeat(50_000)]) {
      expect(usualUnit(name)).toBeUndefined();
      expect(findUnit(name)).toMatchObject({ reason: 'unknown_unit' });
    }
    // The library itself takes seconds.
    expect(performance.now() - start).toBeLessThan(500);
  });
});
