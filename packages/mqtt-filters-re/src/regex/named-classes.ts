import { CharacterSet } from './character-set.js';

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

/**
 * The class that `\d` or `\p{Lu}` stands for.
 *
 * @param name without the backslash
 * @throws {SyntaxError} when there is no such property, or it is one of texts and not of characters
 */
export function namedClass(name: string, ignoreCase: boolean): CharacterSet {
  const pattern = SHORTHANDS[name] ?? `\\${name}`;
  return CharacterSet.tested(pattern, ignoreCase);
}

/** The characters that words are made of, for `\b`. */
export function wordCharacters(): CharacterSet {
  return namedClass('w', false);
}

/** All characters. (V8 of Node.js 20 is wrong about `[^]` with the flag v.) */
export function anyCharacter(): CharacterSet {
  return CharacterSet.tested('[\\s\\S]', false);
}

/** What the dot stands for in Python: JavaScript's own stops at U+2028, too. */
export function anyInLine(): CharacterSet {
  return CharacterSet.tested('[^\\n]', false);
}
