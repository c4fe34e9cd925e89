import { takeCharacterEscape } from './character-escape.js';
import { CharacterSet } from './character-set.js';
import type { Dialect } from './dialect.js';

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

function namedClass(name: string, ignoreCase: boolean): CharacterSet {
  return CharacterSet.tested(SHORTHANDS[name] ?? `\\${name}`, ignoreCase);
}

/** Patterns as Python's `re` understands them, for `str`. */
export const PYTHON: Dialect = {
  namedClass,
  takeCharacterEscape,
  // JavaScript's own dot stops at U+2028, too.
  anyInLine: () => CharacterSet.tested('[^\\n]', false),
  wordCharacters: () => namedClass('w', false),
  hasEmptyClass: false,
  hasReferences: true,
};
