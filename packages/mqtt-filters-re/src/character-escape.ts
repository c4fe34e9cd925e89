import type { Scanner } from './scanner.js';

/** What Python counts as a word character in a `str`: `str.isalnum()` and the underscore, but no combining marks. */
const WORD = '\\p{L}\\p{N}_';
/** What Python counts as white space: `str.isspace()`, which has the separators 1C to 1F and lacks U+FEFF. */
const SPACE = '\\t-\\r\\x1c-\\x1f\\x85\\p{Z}';

/** The classes with a name of one letter, fit for use by themselves and inside a class (flag `v`). */
const SHORTHANDS: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  s: `[${SPACE}]`,
  S: `[^${SPACE}]`,
  w: `[${WORD}]`,
  W: `[^${WORD}]`,
};

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const SHORTHAND = /[dDsSwW]/uy;
/** Passed on as it stands: Python has none, and JavaScript's own is of use. */
const PROPERTY = /[pP]\{[^}]*\}/uy;
const CONTROL = /[afnrtv]/uy;
const HEXADECIMAL = /x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})/uy;
const NAMED_CHARACTER = /N\{[^}]*\}?/uy;
const LETTER_OR_DIGIT = /[a-zA-Z\d]/uy;

/** The class that a shorthand or a property stands for, after its backslash; `undefined` when there is none here. */
export function takeClassEscape(scanner: Scanner): string | undefined {
  const shorthand = scanner.take(SHORTHAND)?.[0];
  if (shorthand !== undefined) return SHORTHANDS[shorthand];
  const property = scanner.take(PROPERTY)?.[0];
  return property === undefined ? undefined : `\\${property}`;
}

/**
 * The code point that an escape stands for, after its backslash.
 *
 * @param octal what counts as an octal number here: that differs inside and outside classes
 * @throws {SyntaxError} when Python knows no such escape
 */
export function takeCharacterEscape(scanner: Scanner, octal: RegExp): number {
  if (scanner.done) throw new SyntaxError('bad escape: a backslash ends the pattern');
  const control = scanner.take(CONTROL)?.[0];
  if (control !== undefined) return CONTROLS[control] as number;
  const hexadecimal = scanner.take(HEXADECIMAL);
  if (hexadecimal) return hexadecimalValue(hexadecimal);
  const digits = scanner.take(octal)?.[0];
  if (digits !== undefined) return octalValue(digits);
  const named = scanner.take(NAMED_CHARACTER)?.[0];
  if (named !== undefined) throw new SyntaxError(`named characters (\\${named}) are not supported: write \\uXXXX`);
  const unknown = scanner.take(LETTER_OR_DIGIT)?.[0];
  if (unknown !== undefined) throw new SyntaxError(`bad escape \\${unknown}`);
  return scanner.next().codePointAt(0) as number;
}

function hexadecimalValue([whole, ...digits]: RegExpExecArray): number {
  const value = Number.parseInt(digits.find((group) => group !== undefined) as string, 16);
  if (value > 0x10ffff) throw new SyntaxError(`bad escape \\${whole}: there is no such character`);
  return value;
}

function octalValue(digits: string): number {
  const value = Number.parseInt(digits, 8);
  if (value > 0o377) throw new SyntaxError(`octal escape value \\${digits} outside of range 0-0o377`);
  return value;
}

/** A character that stands for itself, outside a class. */
export function literal(codePoint: number): string {
  return String.fromCodePoint(codePoint).replace(/[\^$\\.*+?()[\]{}|/]/u, '\\$&');
}

/** A character that stands for itself inside a class, where the flag `v` gives a meaning to more of them. */
export function classLiteral(codePoint: number): string {
  return String.fromCodePoint(codePoint).replace(/[\^$\\.*+?()[\]{}|/&\-!#%,:;<=>@`~]/u, '\\$&');
}

const WORD_CLASS = `[${WORD}]`;

/** Assertions on the characters beside a place, which JavaScript's own make for ASCII only. */
export const WORD_BOUNDARY = `(?:(?<=${WORD_CLASS})(?!${WORD_CLASS})|(?<!${WORD_CLASS})(?=${WORD_CLASS}))`;
export const NO_WORD_BOUNDARY = `(?:(?<=${WORD_CLASS})(?=${WORD_CLASS})|(?<!${WORD_CLASS})(?!${WORD_CLASS}))`;
