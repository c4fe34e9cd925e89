import type { Scanner } from '../scanner.js';

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** Passed on as it stands: Python has none, and JavaScript's own is of use. */
const CLASS = /[dDsSwW]|[pP]\{[^}]*\}/uy;
const CONTROL = /[afnrtv]/uy;
const HEXADECIMAL = /x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})/uy;
const NAMED_CHARACTER = /N\{[^}]*\}?/uy;
const LETTER_OR_DIGIT = /[a-zA-Z\d]/uy;

/** The name of a class, `d` or `p{Lu}`, after its backslash; `undefined` when there is none here. */
export function takeClassName(scanner: Scanner): string | undefined {
  return scanner.take(CLASS)?.[0];
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
