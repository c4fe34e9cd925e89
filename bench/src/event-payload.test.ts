import { describe, expect, it } from 'vitest';
import { BLANK_DATA, NumberFinder, STAMP_KEY, VALUE_KEY, writeDigits } from './event-payload.js';

describe('writeDigits', () => {
  it('fills the width with zeros and touches nothing else', () => {
    const buffer = Buffer.from('abcdefgh');
    writeDigits(buffer, 7, 5, 123);
    expect(buffer.toString()).toBe('ab00123h');
  });

  it('writes numbers beyond 32 bits', () => {
    const buffer = Buffer.alloc(10);
    writeDigits(buffer, 10, 10, 3_000_000_007);
    expect(buffer.toString()).toBe('3000000007');
  });
});

describe('NumberFinder', () => {
  const find = (finder: NumberFinder, text: string) => finder.find(Buffer.from(text), 0, Buffer.byteLength(text));

  it('finds the numbers of an event', () => {
    const data = BLANK_DATA.replace('0000000000,', '1000000042,').replace(/0{19}/, '0000012345678901234');
    expect(JSON.parse(data)).toEqual({ value: 1_000_000_042, unit: 'degC', sent: '0000012345678901234' });
    expect(find(new NumberFinder(VALUE_KEY), data)).toBe(1_000_000_042);
    expect(find(new NumberFinder(STAMP_KEY), data)).toBe(12_345_678_901_234);
  });

  it('finds the key again when it has moved', () => {
    const finder = new NumberFinder('"value":');
    expect(find(finder, '{"value":17}')).toBe(17);
    expect(find(finder, '{"other":99,"value": 18,"unit":"W"}')).toBe(18);
    expect(find(finder, '{"value":19}')).toBe(19);
  });

  it('looks no further than the end', () => {
    const finder = new NumberFinder('"value":');
    const buffer = Buffer.from('{"unit":"W"}{"value":17}');
    expect(finder.find(buffer, 0, 12)).toBe(-1);
    expect(finder.find(buffer, 12, buffer.length)).toBe(17);
  });

  it('takes only a number', () => {
    expect(find(new NumberFinder('"value":'), '{"value":"17"}')).toBe(-1);
  });
});
