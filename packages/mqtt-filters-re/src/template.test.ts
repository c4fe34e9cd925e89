import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Template } from './template.js';

const expand = (text: string, groups = {}) => new Template(text).expand(groups);

describe('Template', () => {
  it("fills in the original's parameters and those in braces", () => {
    expect(expand('home/%(room)s/{what}', { room: 'attic', what: 'light' })).toBe('home/attic/light');
    expect(expand('{n}-%(n)d-%(n)x-%(n)f', { n: '010' })).toBe('010-10-a-10.000000');
    expect(expand('{a}{a}', { a: '{b}%(c)s' })).toBe('{b}%(c)s{b}%(c)s');
  });

  it('writes doubled characters once', () => {
    expect(expand('100%% {{x}} {{{a}}} %%(a)s', { a: '1' })).toBe('100% {x} {1} %(a)s');
  });

  it('leaves a % alone that opens no parameter', () => {
    expect(expand('50% off, %s, %d, %')).toBe('50% off, %s, %d, %');
  });

  it('tells the names of its parameters, once each', () => {
    expect([...new Template('{b}/%(a)s/{b}/%(a)d').parameters]).toEqual(['b', 'a']);
  });

  it('says which group it lacks, or which is no number', () => {
    expect(expand('{a}', { a: undefined })).toEqual({ why: "group 'a' took no part in the match" });
    expect(expand('%(a)d', { a: 'x' })).toEqual({ why: "group 'a' is no number for %(a)d" });
    expect(expand('{a}', { a: '' })).toBe('');
  });

  it('hands each captured text to the escape, and says whether it comes first', () => {
    const seen: unknown[] = [];
    const mark = (...args: unknown[]) => `<${seen.push(args)}>`;
    expect(new Template('{a}{b}').expand({ a: '$', b: 'x' }, mark)).toBe('<1><2>');
    expect(seen).toEqual([
      ['$', true],
      ['x', false],
    ]);
  });

  it.each([
    ['a{', "unmatched '{': write {name} for a parameter, {{ for a plain {"],
    ['a}b', "unmatched '}': write {name} for a parameter, }} for a plain }"],
    ['{a{{b}', "unmatched '{'"],
    ['{a}}', "unmatched '}'"],
    ['%(a)q', "unsupported parameter '%(a)q': write %(name)s, or d, f, x in the place of s, or %% for a plain %"],
    ['%(a)03d', "unsupported parameter '%(a)03d'"],
    ['%(a)', "unsupported parameter '%(a)'"],
    ['%(a', "unsupported parameter '%(a'"],
    ['{}', 'a parameter has a name'],
    ['%()s', 'a parameter has a name'],
  ])('refuses %s', (text, why) => {
    expect(() => new Template(text)).toThrow(SyntaxError);
    expect(() => new Template(text)).toThrow(why);
  });

  it('gives any text back whose special characters are doubled', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab%{}()s/') });
    fc.assert(
      fc.property(text, (plain) => {
        expect(expand(plain.replace(/[%{}]/g, '$&$&'))).toBe(plain);
      }),
    );
  });

  it('gives the captured text itself, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (a) => {
        expect(expand('<{a}%(a)s>', { a })).toBe(`<${a}${a}>`);
      }),
    );
  });
});
