import type { Scanner } from '../scanner.js';
import { takeCharacterEscape } from './character-escape.js';
import { CharacterSet } from './character-set.js';
import type { Dialect } from './dialect.js';

const CONTROL = /c([A-Za-z])/uy;
const BRACES = /u\{([\da-fA-F]+)\}/uy;
/** Two escaped surrogates are one character, as in V8. */
const PAIR = /u([dD][89abAB][\da-fA-F]{2})\\u([dD][c-fC-F][\da-fA-F]{2})/uy;

/** Patterns of ECMAScript with the flag `u`, which V8 has found to be right. */
export const ECMASCRIPT: Dialect = {
  namedClass: (name, ignoreCase) => CharacterSet.tested(`\\${name}`, ignoreCase),
  takeCharacterEscape: takeEscape,
  anyInLine: () => CharacterSet.tested('[^\\n\\r\\u2028\\u2029]', false),
  wordCharacters: () => CharacterSet.tested('\\w', false),
  hasEmptyClass: true,
  hasReferences: false,
};

function takeEscape(scanner: Scanner, octal: RegExp): number {
  const letter = scanner.take(CONTROL)?.[1];
  if (letter !== undefined) return (letter.codePointAt(0) as number) % 32;
  const digits = scanner.take(BRACES)?.[1];
  if (digits !== undefined) return Number.parseInt(digits, 16);
  const [, high, low] = scanner.take(PAIR) ?? [];
  if (high !== undefined && low !== undefined) {
    return String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)).codePointAt(0) as number;
  }
  return takeCharacterEscape(scanner, octal);
}
