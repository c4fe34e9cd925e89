import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CharNode } from './ast.js';
import { isPair } from './code-point.js';
import { parsePattern } from './parse.js';

const setOf = (source: string) => (parsePattern(source).root as CharNode).set;

const CLASSES = [
  ...['a', '.', '\\w', '\\W', '\\d', '\\S', '[a-z]', '[^a-z]', '[^\\W\\d_é]', '[\\w.-]', '\\p{Lu}', '[🏠-🏡]', '[]a]'],
  ...['(?i)k', '(?i)é', '(?i)[a-z]', '(?i)[^K]', '(?i)\\w', '(?i)[^\\Wß]', '(?i)1', '(?s).', '\\ud83c'],
];

describe('a set of characters', () => {
  const text = fc.array(fc.constantFrom(...'aAkK\u212aéÉ1_/. \n\u2028ßẞſs', '🏠', '🏢', '\ud83c', '\udfe0', '中'), {
    maxLength: 12,
  });

  it('has what V8 says, and ends its runs where the first character stands that it has not', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CLASSES), text, (source, characters) => {
        const set = setOf(source);
        const whole = characters.join('');
        const regex = new RegExp(set.pattern, set.ignoreCase ? 'vi' : 'v');
        let at = 0;
        while (at < whole.length) {
          const codePoint = whole.codePointAt(at) as number;
          const isIn = set.has(codePoint);
          expect(isIn).toBe(regex.test(String.fromCodePoint(codePoint)));
          if (!isIn) break;
          at += isPair(whole, at) ? 2 : 1;
        }
        expect(set.endOfRun(whole, 0)).toBe(at);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is one and the same for all who write it', () => {
    for (const source of CLASSES) expect(setOf(source)).toBe(setOf(source));
    expect(setOf('(?i)a')).not.toBe(setOf('a'));
  });

  it('is a single character where that is sure', () => {
    expect(setOf('a').literal).toBe(97);
    expect(setOf('(?i)1').literal).toBe(49);
    expect(setOf('(?i)中').literal).toBe(0x4e2d);
    for (const source of ['(?i)a', '(?i)é', '[a]', '.']) expect(setOf(source).literal).toBeUndefined();
  });
});
