import type { Budget } from './budget.js';
import { classLiteral, literal } from './class-text.js';

/** Steps that an answer costs which is not known yet: of V8, which takes a tenth of a microsecond, or of a class. */
const ASKING_V8 = 12;
const ASKING_MEMBERS = 4;
const LATIN = 256;
const UNKNOWN = 0;
const YES = 2;
/** Sets that are shared: a bound for programs that load rules again and again. */
const MAX_SHARED = 8_192;

const shared = new Map<string, CharacterSet>();

/**
 * A set of characters, which are whole code points; lone surrogates count as such. Equal ones are shared, so that ten
 * thousand rules with `\w` hold one. What Unicode says about a character is asked of V8: there are no tables of ours.
 */
export class CharacterSet {
  /** In JavaScript's words with the flag `v`: one character, escaped, or one class. */
  readonly pattern: string;
  /** The same for equal sets, and for no others. */
  readonly key: string;
  /** Whether it stands for the other case of its characters, too: the flag `i`. */
  readonly ignoreCase: boolean;
  /** The only code point in it. Not given where case does not matter, unless no character has that other case. */
  readonly literal: number | undefined;
  readonly #contains: (codePoint: number, budget: Budget | undefined) => boolean;
  /** What is known of the code points below 256. */
  #latin: Uint8Array | undefined;
  #run: RegExp | undefined;

  private constructor(
    pattern: string,
    ignoreCase: boolean,
    contains: (codePoint: number, budget: Budget | undefined) => boolean,
    only?: number,
  ) {
    this.pattern = pattern;
    this.ignoreCase = ignoreCase;
    this.key = keyOf(pattern, ignoreCase);
    this.#contains = contains;
    this.literal = only;
  }

  /** All characters. (V8 of Node.js 20 is wrong about `[^]` with the flag `v`.) */
  static any(): CharacterSet {
    return CharacterSet.tested('[\\s\\S]', false);
  }

  /** The set of one character; with its other cases where case does not matter. */
  static character(codePoint: number, ignoreCase: boolean): CharacterSet {
    const pattern = literal(codePoint);
    if (ignoreCase && hasCase(codePoint)) return CharacterSet.tested(pattern, true);
    return share(pattern, ignoreCase, () => {
      return new CharacterSet(pattern, ignoreCase, (other) => other === codePoint, codePoint);
    });
  }

  /** The characters from one to another, both included. */
  static range(from: number, to: number, ignoreCase: boolean): CharacterSet {
    const pattern = `[${classLiteral(from)}-${classLiteral(to)}]`;
    if (ignoreCase && !isAsciiWithoutLetters(from, to)) return CharacterSet.tested(pattern, true);
    return share(pattern, ignoreCase, () => {
      return new CharacterSet(pattern, ignoreCase, (codePoint) => codePoint >= from && codePoint <= to);
    });
  }

  /** A class in brackets, out of its members. */
  static class(pattern: string, ignoreCase: boolean, members: readonly CharacterSet[], negated: boolean): CharacterSet {
    return share(pattern, ignoreCase, () => {
      return new CharacterSet(pattern, ignoreCase, (codePoint, budget) => {
        if (budget) budget.left -= ASKING_MEMBERS;
        return negated !== members.some((member) => member.has(codePoint, budget));
      });
    });
  }

  /**
   * Whatever V8 says.
   *
   * @throws {SyntaxError} when V8 does not know the class, or a member of it is more than one character
   */
  static tested(pattern: string, ignoreCase: boolean): CharacterSet {
    return share(pattern, ignoreCase, () => {
      const regex = new RegExp(pattern, ignoreCase ? 'vi' : 'v');
      if (isOfTexts(pattern)) throw new SyntaxError(`${pattern} stands for more than one character`);
      // V8 compiles at the first use, once more at the second, and both again for texts beyond Latin-1: that is for the
      // time of loading.
      for (const text of ['a', 'b', 'Ω', 'ω']) regex.test(text);
      return new CharacterSet(pattern, ignoreCase, (codePoint, budget) => {
        if (budget) budget.left -= ASKING_V8;
        return regex.test(String.fromCodePoint(codePoint));
      });
    });
  }

  /** @param budget pays for answers that were not known */
  has(codePoint: number, budget?: Budget): boolean {
    if (this.literal !== undefined) return codePoint === this.literal;
    const known = codePoint < LATIN ? (this.#latin?.[codePoint] ?? UNKNOWN) : UNKNOWN;
    return known === UNKNOWN ? this.#ask(codePoint, budget) : known === YES;
  }

  /** The end of the characters of the set that follow one another from a place on: for many of them at once. */
  endOfRun(text: string, start: number): number {
    this.#run ??= new RegExp(`(?:${this.pattern})*`, this.ignoreCase ? 'viy' : 'vy');
    this.#run.lastIndex = start;
    return this.#run.test(text) ? this.#run.lastIndex : start;
  }

  #ask(codePoint: number, budget: Budget | undefined): boolean {
    const answer = this.#contains(codePoint, budget);
    if (codePoint < LATIN) {
      this.#latin ??= new Uint8Array(LATIN);
      this.#latin[codePoint] = answer ? YES : 1;
    }
    return answer;
  }
}

function hasCase(codePoint: number): boolean {
  const character = String.fromCodePoint(codePoint);
  return character.toLowerCase() !== character || character.toUpperCase() !== character;
}

function isAsciiWithoutLetters(from: number, to: number): boolean {
  return to < 0x41 || (from > 0x5a && to < 0x61) || (from > 0x7a && to < 0x80);
}

/** Whether V8 knows a property with the flag `v` alone: that has members such as a flag out of two code points. */
function isOfTexts(pattern: string): boolean {
  if (!pattern.startsWith('\\p{')) return false;
  try {
    new RegExp(pattern, 'u');
    return false;
  } catch {
    return true;
  }
}

function keyOf(pattern: string, ignoreCase: boolean): string {
  return ignoreCase ? `(?i)${pattern}` : pattern;
}

function share(pattern: string, ignoreCase: boolean, make: () => CharacterSet): CharacterSet {
  const key = keyOf(pattern, ignoreCase);
  let set = shared.get(key);
  if (set === undefined) {
    if (shared.size >= MAX_SHARED) shared.clear();
    set = make();
    shared.set(key, set);
  }
  return set;
}
