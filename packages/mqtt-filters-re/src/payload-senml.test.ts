import type { EventData, Timestamp } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeSenml } from './payload-senml.js';

const NAME = 'urn:dev:ow:10e2073a01080063';

function senml(data: EventData, timestamp: Timestamp = 0, name = NAME) {
  const pack = writeSenml({ timestamp, varType: 'temperature', varName: 'x', channel: 'sensor', data }, name);
  return typeof pack === 'string' ? JSON.parse(pack) : pack.reason;
}

describe('SenML', () => {
  it('is as in the examples of RFC 8428, where they have one record', () => {
    // Section 5.1.1: a single datapoint.
    expect(
      writeSenml({ timestamp: 0, varType: '', varName: '', channel: '', data: { value: 23.1, unit: '°C' } }, NAME),
    ).toBe('[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]');
    // Section 5.1.3: the records of multiple measurements, resolved (section 4.6).
    const at = 1_320_067_464_000;
    const name = 'urn:dev:ow:10e2073a01080063';
    expect(senml({ value: 20, unit: '%RH' }, at, name)).toEqual([{ n: name, u: '%RH', v: 20, t: 1_320_067_464 }]);
    // Section 5.1.4: different data types.
    expect(senml({ value: 'Machine Room' }, 0, `${NAME}:label`)).toEqual([{ n: `${NAME}:label`, vs: 'Machine Room' }]);
    expect(senml({ value: false }, 0, `${NAME}:open`)).toEqual([{ n: `${NAME}:open`, vb: false }]);
  });

  it('tells the time in seconds, and leaves out one that would be relative to now', () => {
    expect(senml({ value: 1 }, 1_320_067_464_123)).toEqual([{ n: NAME, v: 1, t: 1_320_067_464.123 }]);
    expect(senml({ value: 1 }, 2 ** 28 * 1_000)).toEqual([{ n: NAME, v: 1, t: 2 ** 28 }]);
    expect(senml({ value: 1 }, 2 ** 28 * 1_000 - 1)).toEqual([{ n: NAME, v: 1 }]);
    expect(senml({ value: 1 }, 2n ** 63n)).toEqual([{ n: NAME, v: 1, t: 2 ** 63 / 1_000 }]);
  });

  it.each([
    ['degC', 21.5, 'Cel', 21.5],
    ['K', 294.65, 'K', 294.65],
    ['°F', 212, 'Cel', 100],
    ['W', 40, 'W', 40],
    ['kW', 1.5, 'W', 1_500],
    ['Wh', 2, 'J', 7_200],
    ['kWh', 2, 'J', 7_200_000],
    ['%', 45, '/', 0.45],
    ['%RH', 45, '%RH', 45],
    ['ppm', 400, '/', 0.0004],
    ['lux', 300, 'lx', 300],
    ['klx', 3, 'lx', 3_000],
    ['mA', 20, 'A', 0.02],
    ['mV', 5, 'V', 0.005],
    ['hPa', 1_013, 'Pa', 101_300],
    ['l/h', 36, 'm3/s', 0.00001],
    ['km/h', 36, 'm/s', 10],
    ['h', 2, 's', 7_200],
    ['g', 5, 'kg', 0.005],
    ['kvarh', 1, 'vars', 3_600_000],
    ['kVA', 1, 'VA', 1_000],
    ['VAh', 1, 'VAs', 3_600],
    ['Ah', 1, 'C', 3_600],
    ['KiB', 1, 'B', 1_024],
    ['MB/s', 1, 'bit/s', 8_000_000],
    ['Wh/km', 1, 'J/m', 3.6],
    ['dB', 3, 'dB', 3],
    ['pH', 7, 'pH', 7],
    ['deg', 180, 'rad', Math.PI],
  ])('tells %s in a unit of the registry (RFC 8428, section 12.1; RFC 8798)', (unit, value, u, v) => {
    const [record] = senml({ value, unit });
    expect(record).toEqual({ n: NAME, u, v: expect.closeTo(v, 9) });
  });

  it('refuses what it can not carry', () => {
    expect(senml({ value: 1, unit: 'kWh/m2' })).toBe('unknown_unit');
    expect(senml({ value: 1, unit: 'C' })).toBe('unknown_unit');
    expect(senml({ value: 1, unit: 7 })).toBe('unknown_unit');
    expect(senml({ value: 1e308, unit: 'kWh' })).toBe('not_a_number');
    expect(senml({ value: [1] })).toBe('illegal_value');
    expect(senml({ value: null })).toBe('no_value');
    expect(senml({})).toBe('no_value');
    for (const name of ['', '-a', 'a b', 'é', 'a"b', 'a\n']) expect(senml({ value: 1 }, 0, name)).toBe('illegal_name');
  });

  it('takes a number without a unit, and a text with one', () => {
    expect(senml({ value: 1, unit: '' })).toEqual([{ n: NAME, v: 1 }]);
    expect(senml({ value: 'on', unit: 'kWh' })).toEqual([{ n: NAME, vs: 'on' }]);
  });

  it('is JSON with one record of that value, whatever the event says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, unit) => {
        const pack = senml({ value, unit });
        if (typeof pack === 'string') return;
        expect(pack).toHaveLength(1);
        if (typeof value === 'string') expect(pack[0].vs).toBe(value);
      }),
    );
  });
});
