import { describe, expect, it } from 'vitest';
import { quote, show } from './quote.js';

describe('quote', () => {
  it('keeps a text on one line, and short', () => {
    expect(quote('a\nb"\ud800')).toBe('"a\\nb\\"\\ud800"');
    expect(quote('x'.repeat(65_536))).toBe(`"${'x'.repeat(120)}…"`);
  });
});

describe('show', () => {
  it('bears every value', () => {
    const circular: unknown[] = [];
    circular.push(circular);
    const values = ['a', ['a', 1], { a: null }, undefined, null, 1n, circular, Symbol('s'), Object.create(null)];
    expect(values.map(show)).toEqual([
      '"a"',
      '["a",1]',
      '{"a":null}',
      'undefined',
      'null',
      '[object BigInt]',
      '[object Array]',
      'Symbol(s)',
      '{}',
    ]);
    expect(show(['x'.repeat(500)]).length).toBeLessThan(130);
  });
});
