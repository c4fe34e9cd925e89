import { translateClass } from './character-class.js';
import { literal, NO_WORD_BOUNDARY, takeCharacterEscape, takeClassEscape, WORD_BOUNDARY } from './character-escape.js';
import { Scanner } from './scanner.js';

/** A pattern of Python in JavaScript's words. */
export interface Translation {
  /** For `new RegExp`, with the flag `v` and {@link flags}. */
  readonly pattern: string;
  readonly flags: string;
  /** The names of its groups. */
  readonly groups: ReadonlySet<string>;
}

const GLOBAL_FLAGS = /\(\?(?!P)([a-zA-Z]+)\)/uy;
const COMMENT = /\(\?#[^)]*\)/uy;
const OPENING = /\((?:\?(?:P?<(?![=!])|P=|<?[=!:]|P.|[a-zA-Z-]+[:)]|.)?)?/suy;
const NAME_TO_ANGLE = /([^>]*)>/uy;
const NAME_TO_PARENTHESIS = /([^)]*)\)/uy;
const NAME = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u;
const ANCHOR = /[AZbB]/uy;
const JS_BACKREFERENCE = /k</uy;
const BACKREFERENCE = /(?![1-7][0-7]{2})[1-9]\d?/uy;
const OCTAL = /0[0-7]{0,2}|[1-7][0-7]{2}/uy;
const BRACES = /\{(?!\})(\d*)(,?)(\d*)\}/uy;
const LAZY = /\?/uy;
const POSSESSIVE = /\+/uy;

const INSTEAD_OF_ATOMIC = 'write (?=(?<name>…))\\k<name> instead';

/** Flags of Python's that are JavaScript's own (`s`), need nothing (`u`), or are done in the translation (`m`). */
const FLAGS: Readonly<Record<string, string>> = { i: 'i', s: 's', m: '', u: '' };
const REFUSED_FLAGS: Readonly<Record<string, string>> = {
  a: 'write [0-9], [A-Za-z0-9_] for \\d, \\w',
  L: 'patterns are Unicode',
  x: 'write the pattern without white space and comments',
};

/** What a quantifier would find before it. */
type Previous = 'nothing' | 'atom' | 'quantifier';

interface OpenGroup {
  /** What its closing parenthesis becomes. */
  readonly close: string;
  /** Its number, when it captures. */
  readonly number?: number;
}

/**
 * Translates a pattern of Python's `re` into one for JavaScript's flag `v`.
 *
 * @throws {SyntaxError} for what Python refuses, and for what has no equivalent, with what to write instead
 */
export function translate(source: string): Translation {
  return new Translator(source).translate();
}

class Translator {
  readonly #scanner: Scanner;
  readonly #open: OpenGroup[] = [];
  /** Numbers of the named groups. */
  readonly #names = new Map<string, number>();
  #groupCount = 0;
  #flags = new Set<string>();
  #previous: Previous = 'nothing';

  constructor(source: string) {
    this.#scanner = new Scanner(source);
  }

  translate(): Translation {
    this.#takeGlobalFlags();
    let pattern = '';
    while (!this.#scanner.done) pattern += this.#takeToken();
    if (this.#open.length > 0) throw new SyntaxError('missing ), unterminated group');
    const flags = [...this.#flags].map((flag) => FLAGS[flag]).join('');
    return { pattern, flags, groups: new Set(this.#names.keys()) };
  }

  #takeGlobalFlags(): void {
    for (;;) {
      const flags = this.#scanner.take(GLOBAL_FLAGS)?.[1];
      if (flags === undefined && !this.#scanner.take(COMMENT)) return;
      for (const flag of flags ?? '') {
        const remedy = REFUSED_FLAGS[flag];
        if (remedy !== undefined) throw new SyntaxError(`the flag (?${flag}) is not supported: ${remedy}`);
        if (FLAGS[flag] === undefined) throw new SyntaxError(`unknown flag (?${flag})`);
        this.#flags.add(flag);
      }
    }
  }

  #takeToken(): string {
    if (this.#scanner.take(COMMENT)) return '';
    const braces = this.#scanner.take(BRACES);
    if (braces) return this.#quantifyByCount(braces);
    const opening = this.#scanner.take(OPENING)?.[0];
    if (opening !== undefined) return this.#openGroup(opening);
    const character = this.#scanner.next();
    switch (character) {
      case ')':
        return this.#closeGroup();
      case '|':
        return this.#assertion('|');
      case '*':
      case '+':
      case '?':
        return this.#quantify(character);
      case '[':
        return this.#atom(translateClass(this.#scanner));
      case '\\':
        return this.#takeEscape();
      case '.':
        // JavaScript's own dot stops at U+2028, too.
        return this.#atom(this.#flags.has('s') ? '.' : '[^\\n]');
      case '^':
        // JavaScript's flag m takes U+2028 for the end of a line, so it is never set.
        return this.#assertion(this.#flags.has('m') ? '(?<![^\\n])' : '^');
      case '$':
        return this.#assertion(this.#flags.has('m') ? '(?![^\\n])' : '$');
      default:
        return this.#atom(literal(character.codePointAt(0) as number));
    }
  }

  #atom(translated: string): string {
    this.#previous = 'atom';
    return translated;
  }

  /** Something of no width: nothing that could be repeated. */
  #assertion(translated: string): string {
    this.#previous = 'nothing';
    return translated;
  }

  #quantifyByCount([, min = '', comma, max = '']: RegExpExecArray): string {
    if (max !== '' && Number(max) < Number(min)) throw new SyntaxError('min repeat greater than max repeat');
    return this.#quantify(`{${min || '0'}${comma}${max}}`);
  }

  #quantify(quantifier: string): string {
    if (this.#previous === 'nothing') throw new SyntaxError(`nothing to repeat before ${quantifier}`);
    if (this.#previous === 'quantifier') throw new SyntaxError(`multiple repeat at ${quantifier}`);
    if (this.#scanner.take(POSSESSIVE)) {
      throw new SyntaxError(`the possessive quantifier ${quantifier}+ is not supported: ${INSTEAD_OF_ATOMIC}`);
    }
    this.#previous = 'quantifier';
    return this.#scanner.take(LAZY) ? `${quantifier}?` : quantifier;
  }

  #openGroup(opening: string): string {
    this.#previous = 'nothing';
    switch (opening) {
      case '(':
        this.#open.push({ close: ')', number: ++this.#groupCount });
        return '(';
      case '(?:':
        this.#open.push({ close: ')' });
        return '(?:';
      case '(?=':
      case '(?!':
      case '(?<=':
      case '(?<!':
        // Python lets a lookaround be repeated, the flag v does not; within a group of its own it does.
        this.#open.push({ close: '))' });
        return `(?:${opening}`;
      case '(?P<':
      case '(?<': {
        const name = this.#takeName(NAME_TO_ANGLE, '>');
        const number = ++this.#groupCount;
        const earlier = this.#names.get(name);
        if (earlier !== undefined) {
          throw new SyntaxError(`redefinition of group name '${name}' as group ${number}; was group ${earlier}`);
        }
        this.#names.set(name, number);
        this.#open.push({ close: ')', number });
        return `(?<${name}>`;
      }
      case '(?P=':
        return this.#nameReference(this.#takeName(NAME_TO_PARENTHESIS, ')'));
      case '(?>':
        throw new SyntaxError(`the atomic group (?>…) is not supported: ${INSTEAD_OF_ATOMIC}`);
      case '(?(':
        throw new SyntaxError('the conditional (?(…)…) is not supported: write the alternatives out with |');
      case '(?#':
        throw new SyntaxError('missing ), unterminated comment');
      case '(?':
        throw new SyntaxError('unexpected end of pattern');
    }
    if (/[a-zA-Z-][:)]$/.test(opening)) throw new SyntaxError(refuseFlags(opening));
    throw new SyntaxError(`unknown extension ${opening.slice(1)}`);
  }

  #closeGroup(): string {
    const group = this.#open.pop();
    if (!group) throw new SyntaxError('unbalanced parenthesis');
    return this.#atom(group.close);
  }

  #takeEscape(): string {
    const shorthand = takeClassEscape(this.#scanner);
    if (shorthand !== undefined) return this.#atom(shorthand);
    const anchor = this.#scanner.take(ANCHOR)?.[0];
    if (anchor !== undefined) return this.#assertion(ANCHORS[anchor] as string);
    if (this.#scanner.take(JS_BACKREFERENCE)) return this.#nameReference(this.#takeName(NAME_TO_ANGLE, '>'));
    const reference = this.#scanner.take(BACKREFERENCE)?.[0];
    if (reference !== undefined) return this.#reference(Number(reference));
    return this.#atom(literal(takeCharacterEscape(this.#scanner, OCTAL)));
  }

  #takeName(token: RegExp, end: string): string {
    const name = this.#scanner.take(token)?.[1];
    if (name === undefined) throw new SyntaxError(`missing ${end}, unterminated name`);
    if (name === '') throw new SyntaxError('missing group name');
    if (!NAME.test(name)) throw new SyntaxError(`bad character in group name '${name}'`);
    return name;
  }

  #nameReference(name: string): string {
    const number = this.#names.get(name);
    if (number === undefined) throw new SyntaxError(`unknown group name '${name}'`);
    return this.#reference(number);
  }

  #reference(number: number): string {
    if (number > this.#groupCount) throw new SyntaxError(`invalid group reference ${number}`);
    if (this.#open.some((group) => group.number === number)) throw new SyntaxError('cannot refer to an open group');
    // In a group of its own, so that a digit that follows does not become a part of the number.
    return this.#atom(`(?:\\${number})`);
  }
}

const ANCHORS: Readonly<Record<string, string>> = { A: '^', Z: '$', b: WORD_BOUNDARY, B: NO_WORD_BOUNDARY };

function refuseFlags(opening: string): string {
  return opening.endsWith(')')
    ? `global flags ${opening} stand at the start of the pattern only`
    : `flags for a part of the pattern, ${opening}…), are not supported: write them at the start, as in (?i)`;
}
