import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BasicEvent, eventToJson, makeBasicEvent, TimedEvent, toTimestamp } from './event.js';

describe('makeBasicEvent', () => {
  it('puts value and unit where CSTBox looks for them', () => {
    expect(makeBasicEvent('temperature', 'kitchen', 21.5, 'degC', { delta: 0.1 })).toEqual(
      new BasicEvent('temperature', 'kitchen', { value: 21.5, unit: 'degC', delta: 0.1 }),
    );
  });

  it('leaves out what there is not: a motion has no value', () => {
    expect(makeBasicEvent('motion', 'hall').data).toEqual({});
    expect(makeBasicEvent('motion', 'hall', null, '').data).toEqual({});
  });

  it('keeps values that are falsy', () => {
    expect(makeBasicEvent('switch', 'lamp', false).value).toBe(false);
    expect(makeBasicEvent('dim', 'lamp', 0).value).toBe(0);
    expect(makeBasicEvent('text', 'display', '').value).toBe('');
  });
});

describe('an event', () => {
  it('is a dated one too when it has a date', () => {
    expect(new TimedEvent(1, 'motion', 'hall')).toBeInstanceOf(BasicEvent);
  });
});

describe('the default payload', () => {
  it('is a JSON object with timestamp, var_type, var_name and data', () => {
    expect(JSON.parse(eventToJson(1_700_000_000_000, 'temperature', 'kitchen', { value: 21.5 }))).toEqual({
      timestamp: 1_700_000_000_000,
      var_type: 'temperature',
      var_name: 'kitchen',
      data: { value: 21.5 },
    });
  });

  it('keeps 64 bit timestamps exact', () => {
    expect(eventToJson(2n ** 64n - 1n, 'a', 'b', {})).toContain('"timestamp":18446744073709551615,');
  });

  it('is JSON whatever the names', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (varType, varName, data) => {
          const parsed = JSON.parse(eventToJson(0, varType, varName, data));
          expect(parsed.var_type).toBe(varType);
          expect(parsed.var_name).toBe(varName);
          expect(parsed.data).toEqual(JSON.parse(JSON.stringify(data)));
        },
      ),
    );
  });
});

describe('a timestamp', () => {
  it('is a number as far as that is exact, and a bigint beyond', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (milliseconds) => {
        const timestamp = toTimestamp(milliseconds);
        expect(BigInt(timestamp)).toBe(milliseconds);
        expect(typeof timestamp).toBe(milliseconds < 2n ** 53n ? 'number' : 'bigint');
      }),
    );
  });
});
