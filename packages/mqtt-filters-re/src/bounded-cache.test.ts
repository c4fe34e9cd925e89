import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedCache } from './bounded-cache.js';

const value = { text: '' };

describe('BoundedCache', () => {
  it('gives back what was kept', () => {
    const cache = new BoundedCache();
    expect(cache.get('a')).toBeUndefined();
    cache.set('a', value);
    expect(cache.get('a')).toBe(value);
    expect(cache.get('__proto__')).toBeUndefined();
  });

  it('stays within its bounds, whatever is kept and looked up', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.string({ maxLength: 12 }), fc.nat(40)), { maxLength: 300 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 2, max: 20 }), (list, entries) => {
        const cache = new BoundedCache<{ chars: number }>({
          entries,
          chars: 100,
          keyChars: 8,
          sizeOf: ({ chars }) => chars,
        });
        for (const [set, key, chars] of list) {
          if (cache.get(key) === undefined && set) cache.set(key, { chars });
          expect(cache.size).toBeLessThanOrEqual(entries);
          expect(cache.chars).toBeLessThanOrEqual(100);
        }
      }),
    );
  });

  it('keeps 262,144 entries by default, and no key of more than 1,024 characters', () => {
    const cache = new BoundedCache();
    for (let index = 0; index < 600_000; index++) cache.set(`key ${index}`, value);
    expect(cache.size).toBeGreaterThan(131_072);
    expect(cache.size).toBeLessThanOrEqual(262_144);
    cache.set('a'.repeat(1_024), value);
    cache.set('b'.repeat(1_025), value);
    expect(cache.get('a'.repeat(1_024))).toBe(value);
    expect(cache.get('b'.repeat(1_025))).toBeUndefined();
  });

  it('holds 16 Mi characters at most by default', () => {
    const cache = new BoundedCache();
    for (let index = 0; index < 40_000; index++) cache.set(String(index).padEnd(1_000), value);
    expect(cache.chars).toBeGreaterThan(8_000_000);
    expect(cache.chars).toBeLessThanOrEqual(16_777_216);
  });

  it('loses none of 100,000 keys that come again and again', () => {
    const cache = new BoundedCache();
    const keys = Array.from({ length: 100_000 }, (_, index) => `key ${index}`);
    for (const key of keys) cache.set(key, value);
    for (let round = 0; round < 3; round++) expect(keys.filter((key) => cache.get(key) !== value)).toEqual([]);
  });

  it('does not lose a key in use to a flood of others', () => {
    const cache = new BoundedCache({ entries: 100 });
    cache.set('in use', value);
    for (let index = 0; index < 10_000; index++) {
      cache.set(`flood ${index}`, value);
      if (index % 10 === 0) expect(cache.get('in use')).toBe(value);
    }
    expect(cache.get('flood 1')).toBeUndefined();
  });
});
