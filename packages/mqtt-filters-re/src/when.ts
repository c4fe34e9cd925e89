import type { EventData } from '@cstbox/mqtt-core';
import { show } from './quote.js';

/** What a field is compared with. */
export type Scalar = string | number | boolean | null;

/** Comparisons of one field; all must hold. */
export interface Comparison {
  /** Equal, of the same type. */
  readonly eq?: Scalar;
  /** Not equal; a field that is absent or of another type is not. */
  readonly ne?: Scalar;
  /** Less than: numbers with numbers, texts with texts (by their UTF-16 units); anything else does not hold. */
  readonly lt?: number | string;
  /** Less than or equal. */
  readonly lte?: number | string;
  /** Greater than. */
  readonly gt?: number | string;
  /** Greater than or equal. */
  readonly gte?: number | string;
  /** One of these. */
  readonly in?: readonly Scalar[];
  /** Whether the field is there, whatever it holds. */
  readonly exists?: boolean;
}

/**
 * A condition on an event's data: the keys are its fields, with dots between the levels (`room.floor`), the values what
 * they must be equal to, or comparisons. All must hold; of `any`, one.
 */
export interface Condition {
  readonly any?: readonly Condition[];
  readonly [field: string]: Scalar | Comparison | readonly Condition[] | undefined;
}

/** Whether an event's data meet a condition. */
export type Test = (data: EventData) => boolean;

type FieldTest = (value: unknown) => boolean;

/** Compiles a condition that was checked. */
export function compileCondition(condition: Condition): Test {
  const tests = Object.entries(condition).map(([field, wanted]): Test => {
    if (field === 'any') {
      const alternatives = (wanted as readonly Condition[]).map(compileCondition);
      return (data) => alternatives.some((test) => test(data));
    }
    const path = field.split('.');
    const test = compileField(wanted as Scalar | Comparison);
    return (data) => test(fieldAt(data, path));
  });
  const [only] = tests;
  return tests.length === 1 && only ? only : (data) => tests.every((test) => test(data));
}

/** The first field of a condition that is not as it must be, in words; `undefined`: the data meet it. */
export function unmet(condition: Condition, data: EventData): string | undefined {
  const failed = Object.entries(condition).find(([field, wanted]) => !compileCondition({ [field]: wanted })(data));
  if (!failed) return undefined;
  const [field, wanted] = failed;
  if (field === 'any') return `none of these holds: ${show(wanted)}`;
  const found = fieldAt(data, field.split('.'));
  return `${field} is ${found === undefined ? 'not there' : show(found)}, and must be ${show(wanted)}`;
}

const OPERATORS: { readonly [K in keyof Required<Comparison>]: (operand: never) => FieldTest } = {
  eq: (operand: Scalar) => (value) => value === operand,
  ne: (operand: Scalar) => (value) => value !== operand,
  lt: (operand: number | string) => (value) => isLike(value, operand) && value < operand,
  lte: (operand: number | string) => (value) => isLike(value, operand) && value <= operand,
  gt: (operand: number | string) => (value) => isLike(value, operand) && value > operand,
  gte: (operand: number | string) => (value) => isLike(value, operand) && value >= operand,
  in: (operands: readonly Scalar[]) => {
    const set = new Set<unknown>(operands);
    return (value) => set.has(value);
  },
  exists: (operand: boolean) => (value) => (value !== undefined) === operand,
};

function isLike<T extends number | string>(value: unknown, operand: T): value is T {
  return typeof value === typeof operand;
}

function compileField(wanted: Scalar | Comparison): FieldTest {
  if (typeof wanted !== 'object' || wanted === null) return (value) => value === wanted;
  const tests = (Object.keys(wanted) as (keyof Comparison)[]).map((operator) =>
    OPERATORS[operator](wanted[operator] as never),
  );
  const [only] = tests;
  return tests.length === 1 && only ? only : (value) => tests.every((test) => test(value));
}

/** What data hold at a path of keys of their own; `undefined`: nothing. */
export function fieldAt(data: unknown, path: readonly string[]): unknown {
  let found = data;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}
