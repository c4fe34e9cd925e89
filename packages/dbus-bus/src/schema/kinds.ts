import { describeError } from '@cstbox/mqtt-core';
import * as z from 'zod';

/** A text that says something. */
export const text = (what: string) => z.string(`expected ${what}`).min(1, `expected ${what}, not an empty text`);

/** Ages may be years; what a timer counts, as the other durations, may not be more than 24 days. */
export const age = () =>
  z.number('expected a number of seconds above 0').positive('expected a number of seconds above 0');

/** Durations are seconds in the file, as in the original; a fraction is one too. */
export const seconds = () => age().max(2_000_000, 'expected at most 2,000,000 seconds');

export function integer(what: string, min: number, max = Number.MAX_SAFE_INTEGER) {
  const range = max === Number.MAX_SAFE_INTEGER ? `an integer from ${min} on` : `an integer from ${min} to ${max}`;
  const message = `expected ${what}, ${range}`;
  return z.int(message).min(min, message).max(max, message);
}

/** Takes what a function takes that throws when it does not like its argument. */
export const check =
  (parse: (value: string) => unknown) => (value: string, context: { addIssue(message: string): void }) => {
    const fault = faultOf(() => parse(value));
    if (fault) context.addIssue(fault);
  };

/** What is wrong, or `undefined`. */
export function faultOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

/** Of two keys, one at most. */
export function exclude<A extends string, B extends string>(one: A, other: B) {
  const check = (section: { [K in A | B]?: unknown }, context: z.core.$RefinementCtx) => {
    if (section[one] === undefined || section[other] === undefined) return;
    const message = `${one} and ${other} exclude each other: leave one out`;
    context.addIssue({ code: 'custom', message, path: [other] });
  };
  return { check, schema: { not: { required: [one, other] } } };
}
