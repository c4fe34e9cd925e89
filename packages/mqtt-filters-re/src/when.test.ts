import { describe, expect, it } from 'vitest';
import { type Condition, compileCondition } from './when.js';

const holds = (condition: Condition, data: unknown) => compileCondition(condition)(data as never);

describe('a condition', () => {
  it.each<[Condition, unknown, boolean]>([
    [{ value: 'on' }, { value: 'on' }, true],
    [{ value: 'on' }, { value: 'off' }, false],
    [{ value: 1 }, { value: '1' }, false],
    [{ value: null }, { value: null }, true],
    [{ value: null }, {}, false],
    [{ value: { gt: 20, lte: 30 } }, { value: 30 }, true],
    [{ value: { gt: 20, lte: 30 } }, { value: 20 }, false],
    [{ value: { gt: 20, lte: 30 } }, { value: 30.1 }, false],
    [{ value: { gte: 20, lt: 30 } }, { value: 20 }, true],
    [{ value: { gte: 20, lt: 30 } }, { value: 30 }, false],
    [{ value: { gt: 20 } }, { value: '30' }, false],
    [{ value: { lt: 20 } }, { value: null }, false],
    [{ value: { lt: 20 } }, {}, false],
    [{ value: { gt: '2026-01-01' } }, { value: '2026-02-01' }, true],
    [{ value: { gt: '2026-01-01' } }, { value: 3_000 }, false],
    [{ value: { eq: 'on' } }, { value: 'on' }, true],
    [{ value: { ne: 'on' } }, { value: 'off' }, true],
    [{ value: { ne: 'on' } }, { value: 'on' }, false],
    [{ value: { ne: 'on' } }, {}, true],
    [{ value: { in: ['on', 1, null] } }, { value: 1 }, true],
    [{ value: { in: ['on', 1] } }, { value: '1' }, false],
    [{ value: { in: [null] } }, {}, false],
    [{ delta: { exists: true } }, { delta: null }, true],
    [{ delta: { exists: true } }, {}, false],
    [{ delta: { exists: false } }, {}, true],
    [{ value: { gt: 1 }, unit: 'W' }, { value: 2, unit: 'W' }, true],
    [{ value: { gt: 1 }, unit: 'W' }, { value: 2, unit: 'kW' }, false],
    [{ 'room.floor': 2 }, { room: { floor: 2 } }, true],
    [{ 'room.floor': 2 }, { room: 2 }, false],
    [{ 'list.0': 2 }, { list: [2] }, true],
    [{ any: [{ value: 1 }, { unit: 'W' }] }, { value: 2, unit: 'W' }, true],
    [{ any: [{ value: 1 }, { unit: 'W' }] }, { value: 2 }, false],
    [{ value: 1, any: [{ unit: 'W' }, { any: [{ unit: 'kW' }] }] }, { value: 1, unit: 'kW' }, true],
    [{ value: 2, any: [{ unit: 'W' }] }, { value: 1, unit: 'W' }, false],
  ])('%j, of %j: %s', (condition, data, expected) => {
    expect(holds(condition, data)).toBe(expected);
  });

  it("looks at nothing but the data's own keys", () => {
    for (const field of ['__proto__', 'constructor', 'toString', '__proto__.constructor', 'value.length', 'value.0']) {
      expect(holds({ [field]: { exists: true } }, { value: 'text' }), field).toBe(false);
    }
    expect(holds({ ['__proto__']: 7 }, JSON.parse('{"__proto__":7}'))).toBe(true);
    expect(holds({ '__proto__.a': 7 }, JSON.parse('{"__proto__":{"a":7}}'))).toBe(true);
  });
});
