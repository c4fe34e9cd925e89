import { Budget } from './regex/budget.js';
import { compile } from './regex/compile.js';
import { matcher, TOO_COSTLY } from './regex/matcher.js';
import { parsePattern } from './regex/parse.js';

/** What is left for the value that is looked at. Whoever looks at one does so in one go, so one is enough. */
let budget = new Budget();

/** Does something with one value, all of whose texts together may cost what one topic may. */
export function withBudget<T>(work: () => T): T {
  budget = new Budget();
  return work();
}

/** A pattern, as far as a validator needs it. */
export interface SchemaPattern {
  /** @throws {RangeError} when it would take too long to find out */
  test(text: string): boolean;
  /** As it is written: by that, a validator tells one from another. */
  toString(): string;
}

/**
 * Compiles a pattern of a JSON Schema, which is sought anywhere in a text. It is read as the regex of a rule is, and runs
 * within a budget.
 *
 * @throws {SyntaxError} the pattern is none
 */
export function schemaPattern(pattern: string): SchemaPattern {
  const program = compile(parsePattern(pattern));
  return {
    test(text) {
      const end = matcher.match(program, text, budget, text.length);
      if (end === TOO_COSTLY) throw new RangeError(`takes too long to compare with pattern "${pattern}"`);
      return end >= 0;
    },
    toString: () => pattern,
  };
}
