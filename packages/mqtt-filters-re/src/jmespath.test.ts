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

  it.each(['toString', 'constructor', 'a.hasOwnProperty'])('%j finds nothing that is inherited', (expression) => {
    expect(find(expression, { a: {} })).toBeUndefined();
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
