import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from './budget.js';
import { safeRegExp } from './safe-regexp.js';

describe('safeRegExp', () => {
  it.each([
    ['^[a-z]+$', 'abc'],
    ['b', 'abc'],
    ['^b', 'abc'],
    ['\\d', '٣'],
    ['\\w', 'é'],
    ['\\bé', 'é'],
    ['a\\B', 'ab'],
    ['a\\B', 'a-'],
    ['a.c', 'a\u2028c'],
    ['\\s', '\ufeff'],
    ['[]', 'a'],
    ['[^]', '\n'],
    ['^[^]$', '🏠'],
    ['\\cJ', '\n'],
    ['[\\cA-\\cC]', '\x02'],
    ['^\\u{1F3E0}$', '🏠'],
    ['^\\ud83c\\udfe0$', '🏠'],
    ['^[\\ud83c\\udfe0]$', '🏠'],
    ['\\udfe0', '🏠'],
    ['\\0', '\0'],
    ['[\\-\\]]', ']'],
    ['\\/\\.\\$', '/.$'],
    ['(?<year>\\d{4})-(?:0\\d|1[0-2])', 'on 2026-11'],
    ['(?<!a)b(?=c)', 'abc bc'],
    ['(?!a)$', ''],
    ['\\p{Lu}', 'aB'],
    ['^(?:a|b|)*$', 'abba'],
  ])('says of /%s/ and %j what V8 says', (pattern, text) => {
    expect(safeRegExp(pattern).test(text)).toBe(new RegExp(pattern, 'u').test(text));
  });

  it('says what V8 says, whatever the pattern and the text', () => {
    // Without \\B, which V8 finds between the two halves of a character.
    const piece = fc.constantFrom(
      ...[
        'a',
        'b',
        '.',
        '\\d',
        '\\w',
        '\\W',
        '\\s',
        '[a-c]',
        '[^a]',
        '[^]',
        '[]',
        '(?:a|b)',
        '(?=a)',
        '(?!b)',
        '(?<=a)',
      ],
      ...['(?<!b)', '^', '$', '\\b', '|', '(a)', '(?:ab)*', '(?:a?)+', 'é', '🏠', '\\u{1F3E0}', '\\p{L}', '\\.'],
    );
    const quantified = fc
      .tuple(piece, fc.constantFrom('', '', '', '*', '+?', '{2}', '{1,2}', '?'))
      .map((parts) => parts.join(''));
    const pattern = fc.array(fc.oneof(piece, quantified), { maxLength: 6 }).map((pieces) => pieces.join(''));
    const text = fc.array(fc.constantFrom(...'aab1_ .-é', '🏠', '\ud83c', '\n'), { maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (source, characters) => {
        let regex: RegExp;
        try {
          regex = new RegExp(source, 'u');
        } catch {
          expect(() => safeRegExp(source)).toThrow(SyntaxError);
          return;
        }
        expect(safeRegExp(source).test(characters.join(''))).toBe(regex.test(characters.join('')));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['(', 'a**', '\\k<a>', '(a)\\1', '(?<a>b)\\k<a>'])('refuses /%s/', (pattern) => {
    expect(() => safeRegExp(pattern)).toThrow(SyntaxError);
  });

  it('searches a long text in steps that grow with its length', () => {
    // Without a clock: a busy machine is no reason to fail.
    const steps = () => new Budget(undefined, Number.POSITIVE_INFINITY);
    expect(safeRegExp('(a|aa)+$', steps).test(`${'a'.repeat(200)}b`)).toBe(false);
    expect(safeRegExp('x$', steps).test('a'.repeat(10_000))).toBe(false);
  });

  it('throws where a text would take too long', () => {
    expect(() => safeRegExp('(?:(?=.*x)a)*y').test('a'.repeat(60_000))).toThrow(RangeError);
  });
});
