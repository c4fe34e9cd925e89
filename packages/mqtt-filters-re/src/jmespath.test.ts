import { describe, expect, it } from 'vitest';
import { compileJmespath } from './jmespath.js';

const find = (expression: string, document: unknown) => compileJmespath(expression)(document);

describe('a JMESPath expression', () => {
  it.each([
    ['a.b', { a: { b: 1 } }, 1],
    ["sensors[?kind=='temperature'] | [0].value", { sensors: [{ kind: 'a' }, { kind: 'temperature', value: 21 }] }, 21],
    ['max(@)', [1, 3, 2], 3],
    ['a', { b: 1 }, null],
    ['@', 5, 5],
  ])('%j finds', (expression, document, value) => {
    expect(find(expression, document)).toEqual(value);
  });

  it.each([
    'toString',
    'constructor',
    'a.hasOwnProperty',
    '__proto__',
    'a.__proto__',
    'toString.length',
    'b[*].__proto__ | [0]',
  ])('%j finds nothing that is inherited', (expression) => {
    expect(find(expression, { a: {}, b: [{}, 1] }) ?? null).toBeNull();
  });

  it('finds what has such a name', () => {
    expect(find('a[0].__proto__.toString', JSON.parse('{"a":[{"__proto__":{"toString":5}}]}'))).toBe(5);
  });

  it('pads a text no further than the expression says', () => {
    expect(find("pad_left(a, `4`, ' ')", { a: 'x' })).toBe('   x');
    for (const width of ['n', '`1025`', 'to_number(n)', "'8'"]) {
      for (const pad of ['pad_left', 'pad_right']) {
        expect(() => compileJmespath(`[${pad}(a, ${width}, ' ')]`)).toThrow(
          /width of pad_\w+\(\) is a number up to 1024/,
        );
      }
    }
  });

  it.each([
    ['a.[', 'invalid token'],
    ['', 'invalid token'],
    ['lenght(@)', 'there is no function lenght()'],
    ['a[?contains(@, foo(@))]', 'there is no function foo()'],
  ])('%j is refused', (expression, why) => {
    expect(() => compileJmespath(expression)).toThrow(new RegExp(why.replace(/[()]/g, '\\$&')));
    expect(() => compileJmespath(expression)).toThrow(SyntaxError);
  });

  it('throws for a document of the wrong types', () => {
    expect(() => find('length(@)', 5)).toThrow('length');
  });
});
