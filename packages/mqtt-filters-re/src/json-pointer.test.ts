import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePointer } from './json-pointer.js';

const find = (pointer: string, document: unknown) => compilePointer(pointer)(document);

describe('a JSON Pointer', () => {
  // The document and the pointers of RFC 6901, section 5.
  const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'm~n': 8, ' ': 7, 'k"l': 6 };

  it.each([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/m~0n', 8],
    ['/ ', 7],
    ['/k"l', 6],
  ])('%j leads where the standard says', (pointer, value) => {
    expect(find(pointer, document)).toEqual(value);
  });

  it.each([
    '/foo/2',
    '/foo/01',
    '/foo/-',
    '/foo/length',
    '/foo/0/length',
    '/toString',
    '/constructor/name',
    '/__proto__',
  ])('%j leads nowhere', (pointer) => {
    expect(find(pointer, document)).toBeUndefined();
  });

  it('sees a key __proto__ that the JSON has', () => {
    expect(find('/__proto__/a', JSON.parse('{"__proto__":{"a":1}}'))).toBe(1);
  });

  it.each(['foo', '#/foo', '/~', '/a~2b'])('%j is refused', (pointer) => {
    expect(() => compilePointer(pointer)).toThrow(SyntaxError);
  });

  it('finds every value of every document', () => {
    const visit = (document: unknown, value: unknown, pointer: string): void => {
      expect(find(pointer, document)).toBe(value);
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        visit(document, inner, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      }
    };
    fc.assert(fc.property(fc.jsonValue(), (document) => visit(document, document, '')));
  });
});
