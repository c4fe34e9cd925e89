import type { CharacterSet } from './character-set.js';

/**
 * What an instruction does. Each has an operation and three operands, `a`, `b` and `c`; where it goes on is `b`.
 *
 * Those with BACK read the text from right to left: they stand in what looks behind.
 */
export const Op = {
  MATCH: 0,
  /** One character, the code point `a`. */
  CHAR: 1,
  CHAR_BACK: 2,
  /** One character out of the set `a`. */
  SET: 3,
  SET_BACK: 4,
  /** Tries to go on at `b`, and then at `c`. What was tried at a place once is not tried there again. */
  SPLIT: 5,
  /** The same, where it depends on captured text what comes of it: it is tried each time. */
  SPLIT_AGAIN: 6,
  /** As many characters as the run `a` takes, and never fewer. Goes on at `c` where these are none. */
  RUN: 7,
  /** Any number of characters out of the set `a`, then fewer, one less each time; no place is tried again. */
  LOOP: 8,
  /** The same, where it depends on captured text what comes of it. */
  LOOP_AGAIN: 9,
  /** Keeps the place in the slot `a`. */
  SAVE: 10,
  START: 11,
  END: 12,
  LINE_START: 13,
  LINE_END: 14,
  /** A boundary of words, which are made of the characters of the set `a`; and the opposite. */
  BOUNDARY: 15,
  NO_BOUNDARY: 16,
  /** Looks ahead or behind: the look `a`. */
  LOOK: 17,
  /** What the group `a` has captured; goes on at `c` where that is the empty text. */
  REFERENCE: 18,
  REFERENCE_BACK: 19,
} as const;

/** Numbers that an instruction takes in {@link Program.code}. */
export const STRIDE = 4;

/** Characters out of a set, one after the other. */
export interface Run {
  readonly set: CharacterSet;
  readonly min: number;
  readonly max: number;
}

export interface Look {
  readonly entry: number;
  readonly negative: boolean;
}

/** A pattern as instructions for the {@link Matcher}. */
export interface Program {
  readonly code: Int32Array;
  readonly entry: number;
  readonly sets: readonly CharacterSet[];
  /** How many loops there are. */
  readonly loops: number;
  readonly runs: readonly Run[];
  readonly looks: readonly Look[];
  /** Two for each group, its start and its end; the first two stay unused. */
  readonly slotCount: number;
  readonly ignoreCase: boolean;
}
