import type { Scanner } from '../scanner.js';
import type { CharacterSet } from './character-set.js';

/** In what the languages of patterns differ, as far as one parser reads them. */
export interface Dialect {
  /** The class that `\d` or `\p{Lu}` stands for, by its name without the backslash. */
  namedClass(name: string, ignoreCase: boolean): CharacterSet;
  /**
   * The code point that an escape stands for, after its backslash.
   *
   * @param octal what counts as an octal number here: that differs inside and outside classes
   * @throws {SyntaxError} when there is no such escape
   */
  takeCharacterEscape(scanner: Scanner, octal: RegExp): number;
  /** What the dot stands for. */
  anyInLine(): CharacterSet;
  /** What words are made of, for `\b`. */
  wordCharacters(): CharacterSet;
  /** Whether a class may be empty, `[]`; otherwise the bracket is its first member. */
  readonly hasEmptyClass: boolean;
  /** Whether references back are understood. */
  readonly hasReferences: boolean;
}
