import { Budget } from './budget.js';
import { compile } from './compile.js';
import { ECMASCRIPT } from './ecmascript-dialect.js';
import { matcher, TOO_COSTLY } from './matcher.js';
import { parsePattern } from './parse.js';

/** What it takes of a `RegExp` to say whether a text contains a match. */
export interface SafeRegExp {
  /**
   * Whether there is a match anywhere in the text, as `RegExp.prototype.test` with the flag `u` says.
   *
   * @throws {RangeError} when the text takes too long to find out: see {@link Budget}
   */
  test(text: string): boolean;
}

/**
 * A stand-in for `new RegExp(pattern, 'u')` that nobody can bring to a standstill by a text: for patterns out of a JSON
 * Schema, applied to what strangers send.
 *
 * @param budgetFor what a text may cost; default: each as much as one topic. Several can share one
 * @throws {SyntaxError} for what V8 refuses, and for references back and flags within the pattern
 */
export function safeRegExp(pattern: string, budgetFor: () => Budget = () => new Budget()): SafeRegExp {
  new RegExp(pattern, 'u');
  const program = compile(parsePattern(pattern, ECMASCRIPT));
  return {
    test(text) {
      const end = matcher.match(program, text, budgetFor(), text.length);
      if (end === TOO_COSTLY) {
        throw new RangeError(`it takes too long to match /${pattern}/ against ${text.length} characters`);
      }
      return end >= 0;
    },
  };
}
