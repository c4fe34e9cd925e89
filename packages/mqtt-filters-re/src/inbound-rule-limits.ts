import type { Refusal } from '@cstbox/mqtt-core';
import type { ReadSpec, Word } from './inbound-rule-read.js';
import { compileValueSchema } from './inbound-rule-value-schema.js';
import type { Problems } from './problems.js';
import { show } from './quote.js';

/** What a value must be; everything that is said must hold. */
export interface ValueLimits {
  /** The least number. What is no number is refused as `not_a_number`, what is beyond as `out_of_range`. */
  readonly min?: number;
  /** The greatest number. */
  readonly max?: number;
  /** The distance between two allowed numbers, from `min` on, or from 0 without one; else `out_of_range`. */
  readonly step?: number;
  /** The allowed words, numbers or booleans, to the letter; else `not_allowed`. */
  readonly in?: readonly Word[];
  /** A JSON Schema (2020-12) that the value must fit; else `schema`. Without references to itself or elsewhere. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** Says why a value is not allowed, or nothing. */
export type Limit = (value: unknown) => Refusal | undefined;

/** What a value is, by the way in which it is read; those that are not here may give anything. */
const TYPES: Partial<Record<string, 'number' | 'string' | 'boolean'>> = {
  number: 'number',
  text: 'string',
  boolean: 'boolean',
};

/** So far may a number be from a step, in parts of itself: decimal fractions are not exact. */
const TOLERANCE = 4 * Number.EPSILON;

/** Compiles what a value must be. */
export function compileLimits(limits: ValueLimits, problems: Problems): Limit {
  const { min = -Infinity, max = Infinity, step, in: words, schema } = limits;
  if (min > max) problems.at('min').add(`invalid limits (${show(limits)}) : min is above max`);
  const fits = schema && compileValueSchema(schema, problems.at('schema'));
  const all: (Limit | undefined)[] = [
    isNumeric(limits) ? range(min, max, step) : undefined,
    words && among(words),
    fits,
  ];
  const given = all.filter((limit) => limit !== undefined);
  return (value) => {
    for (const limit of given) {
      const refusal = limit(value);
      if (refusal) return refusal;
    }
    return undefined;
  };
}

/** Checks that a value which is read so can be what it must be. */
export function checkThatItFits(limits: ValueLimits, read: ReadSpec, problems: Problems): void {
  const type = TYPES[typeof read === 'string' ? read : (Object.keys(read)[0] as string)];
  if (!type) return;
  if (isNumeric(limits) && type !== 'number') {
    problems.add(`invalid limits (${show(limits)}) : what is read as ${show(read)} is no number`);
  }
  for (const word of limits.in ?? []) {
    if (typeof word === type) continue;
    problems.add(`invalid limits (${show(limits)}) : what is read as ${show(read)} is a ${type}, never ${show(word)}`);
  }
}

function isNumeric(limits: ValueLimits): boolean {
  return (['min', 'max', 'step'] as const).some((key) => limits[key] !== undefined);
}

function range(min: number, max: number, step: number | undefined): Limit {
  const from = min === -Infinity ? 0 : min;
  const refuse = (detail: string): Refusal => ({ reason: 'out_of_range', detail });
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return { reason: 'not_a_number', detail: `${show(value)} is no number` };
    }
    if (value < min) return refuse(`${value} is below ${min}`);
    if (value > max) return refuse(`${value} is above ${max}`);
    if (step === undefined) return undefined;
    const steps = (value - from) / step;
    const isStep = Math.abs(steps - Math.round(steps)) <= (TOLERANCE * (Math.abs(value) + Math.abs(from))) / step;
    return isStep
      ? undefined
      : refuse(`${value} is no multiple of ${step}${from === 0 ? '' : `, counted from ${from}`}`);
  };
}

function among(words: readonly Word[]): Limit {
  const allowed = new Set<unknown>(words);
  const list = show(words);
  return (value) =>
    allowed.has(value) ? undefined : { reason: 'not_allowed', detail: `${show(value)} is none of ${list}` };
}
