import type { CharacterSet } from './character-set.js';

/** A regular expression, parsed. */
export interface Pattern {
  /** As it was written. */
  readonly source: string;
  readonly root: Node;
  /** The numbers of the named groups, in the order of the names. */
  readonly groups: ReadonlyMap<string, number>;
  /** How many groups there are; the first has the number 1. */
  readonly groupCount: number;
  /** Whether case does not matter, `(?i)`: {@link CharacterSet}s know it already, references back do not. */
  readonly ignoreCase: boolean;
}

/** A part of a pattern. Parts may be shared between patterns. */
export type Node =
  | CharNode
  | SequenceNode
  | AlternativesNode
  | RepeatNode
  | GroupNode
  | LookNode
  | StartNode
  | EndNode
  | BoundaryNode
  | BackreferenceNode;

/** One character out of a set. */
export interface CharNode {
  readonly kind: 'char';
  readonly set: CharacterSet;
}

/** One after the other; without items, the empty text. */
export interface SequenceNode {
  readonly kind: 'sequence';
  readonly items: readonly Node[];
}

/** The first of at least two that leads to a match. */
export interface AlternativesNode {
  readonly kind: 'alternatives';
  readonly options: readonly Node[];
}

export interface RepeatNode {
  readonly kind: 'repeat';
  readonly node: Node;
  readonly min: number;
  /** `Infinity`: any number of times. */
  readonly max: number;
  /** Whether more turns are tried before fewer. */
  readonly greedy: boolean;
}

/** A group that captures; one that does not leaves no trace in the tree. */
export interface GroupNode {
  readonly kind: 'group';
  readonly index: number;
  readonly name?: string;
  readonly node: Node;
}

/** What follows, or what came before, looks like this or (`negative`) does not. */
export interface LookNode {
  readonly kind: 'look';
  readonly ahead: boolean;
  readonly negative: boolean;
  readonly node: Node;
}

/** The start of the text, or of a line: lines are ended by a new line alone. */
export interface StartNode {
  readonly kind: 'start';
  readonly multiline: boolean;
}

/** The very end of the text, or the end of a line. */
export interface EndNode {
  readonly kind: 'end';
  readonly multiline: boolean;
}

/** A place between a character of a word and one of none, where text ends count as none; or (`negative`) no such place. */
export interface BoundaryNode {
  readonly kind: 'boundary';
  readonly negative: boolean;
  readonly word: CharacterSet;
}

/** The text that a group has captured, once more. */
export interface BackreferenceNode {
  readonly kind: 'backreference';
  readonly index: number;
}
