import { describe, expect, it } from 'vitest';
import { rest } from './connector.fixtures.js';
import { Recent } from './recent.js';

const any = () => true;

describe('what happened lately', () => {
  it('is taken once, the oldest that fits first', () => {
    const recent = new Recent<number>(10_000, 10);
    for (const value of [1, 2, 2, 3]) recent.keep('a', value);
    expect(recent.take('b', any)).toBeUndefined();
    expect([recent.take('a', any), recent.take('a', (value) => value > 2), recent.take('a', any)]).toEqual([1, 3, 2]);
    expect(recent.isEmpty).toBe(false);
    expect([recent.take('a', any), recent.take('a', any)]).toEqual([2, undefined]);
    expect(recent.isEmpty).toBe(true);
  });

  it('is forgotten after its time', async () => {
    const recent = new Recent<number>(30, 10);
    recent.keep('a', 1);
    recent.keep('b', 1);
    await rest(60);
    expect(recent.take('c', any)).toBeUndefined();
    expect(recent.isEmpty).toBe(true);
    recent.keep('a', 2);
    expect(recent.take('a', any)).toBe(2);
  });

  it('is forgotten in the order in which it came, whatever else came under the same key', () => {
    const recent = new Recent<number>(10_000, 3);
    for (const [value, key] of ['a', 'b', 'a', 'b'].entries()) recent.keep(key, value);
    expect([recent.take('a', any), recent.take('a', any)]).toEqual([2, undefined]);
    expect([recent.take('b', any), recent.take('b', any)]).toEqual([1, 3]);
  });

  it('is bounded: the oldest is forgotten', () => {
    const recent = new Recent<number>(10_000, 3);
    for (let n = 0; n < 5; n++) recent.keep(`key ${n}`, n);
    expect([0, 1, 2, 3, 4].map((n) => recent.take(`key ${n}`, any))).toEqual([undefined, undefined, 2, 3, 4]);
    for (let n = 0; n < 5; n++) recent.keep('one', n);
    expect([recent.take('one', any), recent.take('one', any)]).toEqual([2, 3]);
  });
});
