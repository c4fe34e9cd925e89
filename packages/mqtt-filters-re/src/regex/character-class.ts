import type { Scanner } from '../scanner.js';
import { takeClassName } from './character-escape.js';
import { CharacterSet } from './character-set.js';
import { classLiteral } from './class-text.js';
import type { Dialect } from './dialect.js';

const NEGATION = /\^/uy;
const END = /\]/uy;
/** A hyphen before the end of the class stands for itself. */
const RANGE = /-(?!\])/uy;
const BACKSLASH = /\\/uy;
const BACKSPACE = /b/uy;
const OCTAL = /[0-7]{1,3}/uy;

/**
 * Reads a character class. The scanner stands behind the opening bracket, and behind the closing one
 * afterwards.
 *
 * @throws {SyntaxError} when the language of the pattern has no such class
 */
export function takeClass(scanner: Scanner, ignoreCase: boolean, dialect: Dialect): CharacterSet {
  const negated = scanner.take(NEGATION) !== null;
  const members: CharacterSet[] = [];
  let pattern = negated ? '[^' : '[';
  if (dialect.hasEmptyClass && scanner.take(END)) return CharacterSet.class(`${pattern}]`, ignoreCase, [], negated);
  // The first member is read before the end is looked for: a bracket in the first place is a member.
  do {
    const first = takeAtom(scanner, ignoreCase, dialect);
    if (scanner.take(RANGE)) {
      const last = takeAtom(scanner, ignoreCase, dialect);
      if (typeof first !== 'number' || typeof last !== 'number' || last < first) {
        throw new SyntaxError(`bad character range ${show(first)}-${show(last)}`);
      }
      pattern += `${show(first)}-${show(last)}`;
      members.push(CharacterSet.range(first, last, ignoreCase));
    } else {
      pattern += show(first);
      members.push(typeof first === 'number' ? CharacterSet.character(first, ignoreCase) : first);
    }
  } while (!scanner.take(END));
  return CharacterSet.class(`${pattern}]`, ignoreCase, members, negated);
}

/** A code point, or a class within the class. */
function takeAtom(scanner: Scanner, ignoreCase: boolean, dialect: Dialect): number | CharacterSet {
  if (scanner.done) throw new SyntaxError('unterminated character set');
  if (!scanner.take(BACKSLASH)) return scanner.next().codePointAt(0) as number;
  if (scanner.take(BACKSPACE)) return 8;
  const name = takeClassName(scanner);
  return name === undefined ? dialect.takeCharacterEscape(scanner, OCTAL) : dialect.namedClass(name, ignoreCase);
}

function show(atom: number | CharacterSet): string {
  return typeof atom === 'number' ? classLiteral(atom) : atom.pattern;
}
