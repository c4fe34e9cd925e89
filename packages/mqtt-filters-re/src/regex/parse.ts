import { Scanner } from '../scanner.js';
import type { CharNode, Node, Pattern } from './ast.js';
import { takeClass } from './character-class.js';
import { takeClassName } from './character-escape.js';
import { CharacterSet } from './character-set.js';
import type { Dialect } from './dialect.js';
import { takeGlobalFlags } from './flags.js';
import { PYTHON } from './python-dialect.js';

const PLAIN = /[^\\()[\]{}*+?|.^$]+/uy;
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

/** So that those who walk through the tree may recurse. */
const MAX_DEPTH = 250;
const INSTEAD_OF_ATOMIC = 'write (?=(?<name>…))\\k<name> instead';

/** A group, or the whole pattern, up to where it is read. */
interface Open {
  /** The alternatives before the one that is being read. */
  readonly options: Node[];
  items: Node[];
  /** Makes a node of what it has inside. */
  readonly close: (inside: Node) => Node;
  /** Its number, when it captures. */
  readonly number?: number;
  /** For a look behind: how many groups there were before it. */
  readonly groupsBefore?: number;
}

/** What a quantifier would find before it. */
type Previous = 'nothing' | 'atom' | 'quantifier';

/**
 * Reads a pattern. That of Python's `re` may have JavaScript's named groups, too.
 *
 * @param dialect the language of the pattern; default: Python's
 * @throws {SyntaxError} for what that language refuses, and for what is not supported, with what to write instead
 */
export function parsePattern(source: string, dialect = PYTHON): Pattern {
  return new Parser(source, dialect).parse();
}

class Parser {
  readonly #source: string;
  readonly #dialect: Dialect;
  readonly #scanner: Scanner;
  readonly #outer: Open[] = [];
  #open: Open = { options: [], items: [], close: (inside) => inside };
  readonly #names = new Map<string, number>();
  #groupCount = 0;
  #flags: ReadonlySet<string> = new Set();
  #ignoreCase = false;
  #previous: Previous = 'nothing';

  constructor(source: string, dialect: Dialect) {
    this.#source = source;
    this.#dialect = dialect;
    this.#scanner = new Scanner(source);
  }

  parse(): Pattern {
    this.#flags = takeGlobalFlags(this.#scanner);
    this.#ignoreCase = this.#flags.has('i');
    while (!this.#scanner.done) this.#takeToken();
    if (this.#outer.length > 0) throw new SyntaxError('missing ), unterminated group');
    return {
      source: this.#source,
      root: inside(this.#open),
      groups: this.#names,
      groupCount: this.#groupCount,
      ignoreCase: this.#ignoreCase,
    };
  }

  #takeToken(): void {
    const plain = this.#scanner.take(PLAIN)?.[0];
    if (plain !== undefined) {
      for (const character of plain) this.#character(character.codePointAt(0) as number);
      return;
    }
    if (this.#scanner.take(COMMENT)) return;
    const braces = this.#scanner.take(BRACES);
    if (braces) return this.#repeatByCount(braces);
    const opening = this.#scanner.take(OPENING)?.[0];
    if (opening !== undefined) return this.#openGroup(opening);
    const character = this.#scanner.next();
    switch (character) {
      case ')':
        return this.#closeGroup();
      case '|':
        this.#open.options.push(sequence(this.#open.items));
        this.#open.items = [];
        this.#previous = 'nothing';
        return;
      case '*':
        return this.#repeat(character, 0, Number.POSITIVE_INFINITY);
      case '+':
        return this.#repeat(character, 1, Number.POSITIVE_INFINITY);
      case '?':
        return this.#repeat(character, 0, 1);
      case '[':
        return this.#set(takeClass(this.#scanner, this.#ignoreCase, this.#dialect));
      case '\\':
        return this.#takeEscape();
      case '.':
        return this.#set(this.#flags.has('s') ? CharacterSet.any() : this.#dialect.anyInLine());
      case '^':
        return this.#place({ kind: 'start', multiline: this.#flags.has('m') });
      case '$':
        return this.#place({ kind: 'end', multiline: this.#flags.has('m') });
      default:
        return this.#character(character.codePointAt(0) as number);
    }
  }

  #atom(node: Node): void {
    this.#previous = 'atom';
    this.#open.items.push(node);
  }

  #set(set: CharacterSet): void {
    this.#atom({ kind: 'char', set });
  }

  #character(codePoint: number): void {
    this.#atom(plainCharacter(codePoint, this.#ignoreCase));
  }

  /** Something of no width: nothing that could be repeated. */
  #place(node: Node): void {
    this.#previous = 'nothing';
    this.#open.items.push(node);
  }

  #repeatByCount([, min = '', comma = '', max = '']: RegExpExecArray): void {
    if (max !== '' && Number(max) < Number(min)) throw new SyntaxError('min repeat greater than max repeat');
    const least = min || '0';
    const most = comma === '' ? Number(least) : max === '' ? Number.POSITIVE_INFINITY : Number(max);
    this.#repeat(`{${least}${comma}${max}}`, Number(least), most);
  }

  #repeat(quantifier: string, min: number, max: number): void {
    if (this.#previous === 'nothing') throw new SyntaxError(`nothing to repeat before ${quantifier}`);
    if (this.#previous === 'quantifier') throw new SyntaxError(`multiple repeat at ${quantifier}`);
    if (this.#scanner.take(POSSESSIVE)) {
      throw new SyntaxError(`the possessive quantifier ${quantifier}+ is not supported: ${INSTEAD_OF_ATOMIC}`);
    }
    this.#previous = 'quantifier';
    const greedy = !this.#scanner.take(LAZY);
    const node = this.#open.items.pop() as Node;
    this.#open.items.push({ kind: 'repeat', node, min, max, greedy });
  }

  #push(close: Open['close'], more: Pick<Open, 'number' | 'groupsBefore'> = {}): void {
    this.#outer.push(this.#open);
    if (this.#outer.length > MAX_DEPTH) throw new SyntaxError(`groups within groups, more than ${MAX_DEPTH} deep`);
    this.#open = { options: [], items: [], close, ...more };
  }

  #openGroup(opening: string): void {
    this.#previous = 'nothing';
    switch (opening) {
      case '(':
        return this.#openCapture();
      case '(?:':
        return this.#push((node) => node);
      case '(?=':
      case '(?!':
        return this.#push((node) => ({ kind: 'look', ahead: true, negative: opening.endsWith('!'), node }));
      case '(?<=':
      case '(?<!':
        return this.#push((node) => ({ kind: 'look', ahead: false, negative: opening.endsWith('!'), node }), {
          groupsBefore: this.#groupCount,
        });
      case '(?P<':
      case '(?<':
        return this.#openCapture(this.#takeName(NAME_TO_ANGLE, '>'));
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

  #openCapture(name?: string): void {
    const index = ++this.#groupCount;
    if (name !== undefined) {
      const earlier = this.#names.get(name);
      if (earlier !== undefined) {
        throw new SyntaxError(`redefinition of group name '${name}' as group ${index}; was group ${earlier}`);
      }
      this.#names.set(name, index);
    }
    const named = name === undefined ? {} : { name };
    this.#push((node) => ({ kind: 'group', index, ...named, node }), { number: index });
  }

  #closeGroup(): void {
    const closed = this.#open;
    const outer = this.#outer.pop();
    if (!outer) throw new SyntaxError('unbalanced parenthesis');
    this.#open = outer;
    this.#atom(closed.close(inside(closed)));
  }

  #takeEscape(): void {
    const name = takeClassName(this.#scanner);
    if (name !== undefined) return this.#set(this.#dialect.namedClass(name, this.#ignoreCase));
    const anchor = this.#scanner.take(ANCHOR)?.[0];
    if (anchor !== undefined) return this.#place(this.#anchor(anchor));
    if (this.#scanner.take(JS_BACKREFERENCE)) return this.#nameReference(this.#takeName(NAME_TO_ANGLE, '>'));
    const reference = this.#scanner.take(BACKREFERENCE)?.[0];
    if (reference !== undefined) return this.#reference(Number(reference));
    return this.#character(this.#dialect.takeCharacterEscape(this.#scanner, OCTAL));
  }

  #anchor(letter: string): Node {
    if (letter === 'A') return { kind: 'start', multiline: false };
    if (letter === 'Z') return { kind: 'end', multiline: false };
    return { kind: 'boundary', negative: letter === 'B', word: this.#dialect.wordCharacters() };
  }

  #takeName(token: RegExp, end: string): string {
    const name = this.#scanner.take(token)?.[1];
    if (name === undefined) throw new SyntaxError(`missing ${end}, unterminated name`);
    if (name === '') throw new SyntaxError('missing group name');
    if (!NAME.test(name)) throw new SyntaxError(`bad character in group name '${name}'`);
    return name;
  }

  #nameReference(name: string): void {
    this.#checkReferences();
    const index = this.#names.get(name);
    if (index === undefined) throw new SyntaxError(`unknown group name '${name}'`);
    this.#reference(index);
  }

  #checkReferences(): void {
    if (!this.#dialect.hasReferences) throw new SyntaxError('references back are not supported here');
  }

  #reference(index: number): void {
    this.#checkReferences();
    if (index > this.#groupCount) throw new SyntaxError(`invalid group reference ${index}`);
    for (const { number, groupsBefore = index } of [...this.#outer, this.#open]) {
      if (number === index) throw new SyntaxError('cannot refer to an open group');
      if (groupsBefore < index) throw new SyntaxError('cannot refer to a group defined in the same look behind');
    }
    this.#atom({ kind: 'backreference', index });
  }
}

function inside({ options, items }: Open): Node {
  const last = sequence(items);
  return options.length > 0 ? { kind: 'alternatives', options: [...options, last] } : last;
}

function sequence(items: readonly Node[]): Node {
  return items.length === 1 ? (items[0] as Node) : { kind: 'sequence', items };
}

/** Those of ASCII, which most patterns are made of: one of each is enough. */
const plainCharacters: CharNode[] = [];

function plainCharacter(codePoint: number, ignoreCase: boolean): CharNode {
  if (ignoreCase || codePoint >= 128) return { kind: 'char', set: CharacterSet.character(codePoint, ignoreCase) };
  plainCharacters[codePoint] ??= { kind: 'char', set: CharacterSet.character(codePoint, false) };
  return plainCharacters[codePoint];
}

function refuseFlags(opening: string): string {
  return opening.endsWith(')')
    ? `global flags ${opening} stand at the start of the pattern only`
    : `flags for a part of the pattern, ${opening}…), are not supported: write them at the start, as in (?i)`;
}
