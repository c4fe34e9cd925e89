import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveSenml } from './senml-pack.js';

const NOW = 1_700_000_000_000;
const short = (pack: unknown) => {
  const records = resolveSenml(pack, NOW);
  return typeof records === 'string'
    ? records
    : records.map(({ name, value, unit, time }) => [name, value, unit, time] as const);
};

describe('a SenML pack', () => {
  it('is resolved: bases hold from their record on, until they are said again', () => {
    expect(
      short([
        { bn: 'urn:dev:ow:10e2073a01080063:', bt: 1.276020076e9, bu: 'A', bver: 5, n: 'voltage', u: 'V', v: 120.1 },
        { n: 'current', t: -5, v: 1.2 },
        { n: 'current', t: -4, v: 1.3, bv: 10 },
        { bn: 'other', bu: 'W', n: '/on', vb: false },
        { vs: 'x', n: '/name', u: '/' },
        { vd: 'aGkgCg', n: '/nfc' },
      ]),
    ).toEqual([
      ['urn:dev:ow:10e2073a01080063:voltage', 120.1, 'V', 1.276020076e9],
      ['urn:dev:ow:10e2073a01080063:current', 1.2, 'A', 1.276020071e9],
      ['urn:dev:ow:10e2073a01080063:current', 11.3, 'A', 1.276020072e9],
      ['other/on', false, 'W', 1.276020076e9],
      ['other/name', 'x', '/', 1.276020076e9],
      ['other/nfc', 'aGkgCg', 'W', 1.276020076e9],
    ]);
  });

  it('takes a time below 2^28 as relative to now', () => {
    expect(short([{ n: 'a', v: 1 }])).toEqual([['a', 1, undefined, NOW / 1_000]]);
    expect(short([{ n: 'a', v: 1, t: -60 }])).toEqual([['a', 1, undefined, NOW / 1_000 - 60]]);
  });

  it('has records without a value, and some that say bases alone', () => {
    expect(short([{ bn: 'a' }, { n: 'b', s: 5 }, { foo: 1, n: 'c', v: 0 }])).toEqual([
      ['ab', undefined, undefined, NOW / 1_000],
      ['ac', 0, undefined, NOW / 1_000],
    ]);
  });

  it.each([
    [{ n: 'a', v: 1 }, 'list of records'],
    [[1], 'record 0: it is no object'],
    [[{ n: 'a', v: 1 }, []], 'record 1: it is no object'],
    [[{ v: 1 }], 'record 0: its name is empty'],
    [[{ n: 'é', v: 1 }], 'record 0: its name is empty or holds'],
    [[{ n: '-a', v: 1 }], 'record 0: its name'],
    [[{ n: 'a', v: '1' }], "record 0: its 'v' is no number"],
    [[{ n: 'a', vb: 1 }], "record 0: its 'vb' is no boolean"],
    [[{ n: 'a', v: 1, vs: 'x' }], 'record 0: it has several values'],
    [[{ n: 'a', v: 1, geo_: 1 }], 'record 0: it has a label that must be understood'],
    [[{ bver: 11, n: 'a', v: 1 }], 'record 0: version 11 is not understood'],
    [[{ n: 'a', v: 1.7e308, bv: 1.7e308 }], 'record 0: its value is beyond all numbers'],
  ])('%j is none', (pack, why) => {
    expect(short(pack)).toContain(why);
  });

  it('is resolved or refused, whatever it is, and takes nothing that is inherited', () => {
    const label = fc.constantFrom('bn', 'bt', 'bu', 'bv', 'n', 'u', 'v', 'vs', 'vb', 'vd', 't', '__proto__', 'x_');
    const record = fc.dictionary(label, fc.oneof(fc.jsonValue(), fc.constantFrom('a', 1, 'b')));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(record)), (pack) => {
        const records = resolveSenml(JSON.parse(JSON.stringify(pack)));
        for (const { name, value } of typeof records === 'string' ? [] : records) {
          expect(name).toMatch(/^[A-Za-z0-9]/);
          expect(['number', 'string', 'boolean', 'undefined']).toContain(typeof value);
        }
      }),
    );
  });
});
