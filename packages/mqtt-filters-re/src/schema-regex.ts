import { Budget } from './regex/budget.js';
import { type SafeRegExp, safeRegExp } from './regex/safe-regexp.js';

/** Milliseconds for the texts of a value: a command is rarer than a topic, and often the first text that an engine meets. */
const MS_PER_VALUE = 50;

const ofValue = () => new Budget(undefined, MS_PER_VALUE);

/** What is left for the value that is looked at. Whoever looks at one does so in one go, so one is enough. */
let budget = ofValue();

/** Does something with one value, all of whose texts together may cost the steps that one topic may. */
export function withBudget<T>(work: () => T): T {
  budget = ofValue();
  return work();
}

/**
 * Compiles a pattern of a JSON Schema. By its text, which it shows, a validator tells it from others.
 *
 * @throws {SyntaxError} the pattern is none, or can't be run safely
 */
export function schemaPattern(pattern: string): SafeRegExp {
  return Object.assign(
    safeRegExp(pattern, () => budget),
    { toString: () => pattern },
  );
}
