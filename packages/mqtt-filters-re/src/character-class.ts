import { classLiteral, takeCharacterEscape, takeClassEscape } from './character-escape.js';
import type { Scanner } from './scanner.js';

const NEGATION = /\^/uy;
const END = /\]/uy;
/** A hyphen before the end of the class stands for itself. */
const RANGE = /-(?!\])/uy;
const BACKSLASH = /\\/uy;
const BACKSPACE = /b/uy;
const OCTAL = /[0-7]{1,3}/uy;

/**
 * Translates a character class of Python into one of JavaScript with the flag `v`. The scanner stands behind the
 * opening bracket, and behind the closing one afterwards.
 *
 * @throws {SyntaxError} when Python would not take it either
 */
export function translateClass(scanner: Scanner): string {
  let translated = scanner.take(NEGATION) ? '[^' : '[';
  // The first member is read before the end is looked for: a bracket in the first place is a member.
  do {
    translated += takeMember(scanner);
  } while (!scanner.take(END));
  return `${translated}]`;
}

function takeMember(scanner: Scanner): string {
  const first = takeAtom(scanner);
  if (!scanner.take(RANGE)) return show(first);
  const last = takeAtom(scanner);
  if (typeof first === 'string' || typeof last === 'string' || last < first) {
    throw new SyntaxError(`bad character range ${show(first)}-${show(last)}`);
  }
  return `${show(first)}-${show(last)}`;
}

/** A code point, or a class within the class. */
function takeAtom(scanner: Scanner): number | string {
  if (scanner.done) throw new SyntaxError('unterminated character set');
  if (!scanner.take(BACKSLASH)) return scanner.next().codePointAt(0) as number;
  if (scanner.take(BACKSPACE)) return 8;
  return takeClassEscape(scanner) ?? takeCharacterEscape(scanner, OCTAL);
}

function show(atom: number | string): string {
  return typeof atom === 'string' ? atom : classLiteral(atom);
}
