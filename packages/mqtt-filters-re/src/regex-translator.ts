import type { Node } from './regex/ast.js';
import { parsePattern } from './regex/parse.js';

/** A pattern of Python in JavaScript's words. */
export interface Translation {
  /** For `new RegExp`, with the flag `v` and {@link flags}. */
  readonly pattern: string;
  readonly flags: string;
  /** The names of its groups. */
  readonly groups: ReadonlySet<string>;
}

/**
 * Translates a pattern of Python's `re` into one for JavaScript's flag `v`, for those who look at patterns with tools
 * for JavaScript. Matching is not done with it.
 *
 * @throws {SyntaxError} for what Python refuses, and for what is not supported, with what to write instead
 */
export function translate(source: string): Translation {
  const { root, groups, ignoreCase } = parsePattern(source);
  return { pattern: print(root), flags: ignoreCase ? 'i' : '', groups: new Set(groups.keys()) };
}

/** A part of a pattern in JavaScript's words. */
function print(node: Node): string {
  switch (node.kind) {
    case 'char':
      return node.set.pattern;
    case 'sequence':
      return node.items.map((item) => (item.kind === 'alternatives' ? `(?:${print(item)})` : print(item))).join('');
    case 'alternatives':
      return node.options.map(print).join('|');
    case 'repeat':
      return `${printAtom(node.node)}${printQuantifier(node.min, node.max)}${node.greedy ? '' : '?'}`;
    case 'group':
      return `(${node.name === undefined ? '' : `?<${node.name}>`}${print(node.node)})`;
    case 'look':
      return `(?${node.ahead ? '' : '<'}${node.negative ? '!' : '='}${print(node.node)})`;
    case 'start':
      // JavaScript's flag m takes U+2028 for the end of a line, so it is never set.
      return node.multiline ? '(?<![^\\n])' : '^';
    case 'end':
      return node.multiline ? '(?![^\\n])' : '$';
    case 'boundary':
      return printBoundary(node.word.pattern, node.negative);
    case 'backreference':
      // In a group of its own, so that a digit that follows does not become a part of the number.
      return `(?:\\${node.index})`;
  }
}

function printAtom(node: Node): string {
  const isAtom = node.kind === 'char' || node.kind === 'group' || node.kind === 'backreference';
  return isAtom ? print(node) : `(?:${print(node)})`;
}

function printQuantifier(min: number, max: number): string {
  if (max === min) return `{${min}}`;
  if (max === 1) return '?';
  if (max < Number.POSITIVE_INFINITY) return `{${min},${max}}`;
  return min > 1 ? `{${min},}` : min === 1 ? '+' : '*';
}

/** JavaScript's own boundary knows the letters of ASCII only. */
function printBoundary(word: string, negative: boolean): string {
  return negative
    ? `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`
    : `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
}
