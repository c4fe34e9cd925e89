import type { Budget } from './budget.js';
import { codePointBefore, fold, isPair } from './code-point.js';
import { Op, type Program, STRIDE } from './program.js';
import { Visited } from './visited.js';

/** Where a match ends, or: there is none; the budget did not suffice to find out. */
export const NO_MATCH = -1;
export const TOO_COSTLY = -2;

/** What is kept from one text to the next, in numbers. */
const KEPT = 1 << 12;

/** Steps for taking the case out of a character. */
const FOLDING = 16;

/** Characters from which on V8 finds the end of a run faster than a loop does, though it has to compile a pattern. */
const LONG = 500;
/** Steps for getting ready. */
const STARTING = 20;
/** Steps for remembering that something was tried. */
const SPLITTING = 3;

/** Where characters of a set stand one after the other. */
interface Span {
  from: number;
  to: number;
  /** The run that went there. */
  run: number;
}

const NONE: never[] = [];
const noSpan = (): Span => ({ from: -1, to: -1, run: 0 });

/**
 * Finds the match of a program as Python does, and what its groups have captured: it tries one way after the other, and
 * goes back to the last choice where one does not lead on. In contrast to Python, it remembers which choices at which
 * places came to nothing, and does not try them again: so its steps are at most the instructions times the characters,
 * if there are no looks and no references back. With them, the budget is the bound.
 *
 * There is one for all programs, as it reuses its memory.
 */
class Matcher {
  readonly #visited = new Visited();
  /** Choices to come back to, as an instruction and a place; and kept places to restore, as -1 - slot and the place. */
  #stack = new Int32Array(KEPT);
  #top = 0;
  #slots = new Int32Array(0);
  /** For each look, the run that looked last, if it found nothing: what it tried need not be tried again. 0: none. */
  #looked: number[] = [];
  /** For each loop, and each run of characters, where it went last. */
  #loops: Span[] = [];
  #runs: Span[] = [];
  #program!: Program;
  #text = '';
  #budget!: Budget;

  /** The places of the groups in the last match: the start and the end of the group n at 2n and 2n + 1; -1 for unset. */
  get slots(): Int32Array {
    return this.#slots;
  }

  /**
   * Matches at one place or, for a search, at one after the other.
   *
   * @param last the last place to start at
   * @returns where the match ends; {@link NO_MATCH} or {@link TOO_COSTLY}
   */
  match(program: Program, text: string, budget: Budget, last = 0): number {
    budget.left -= STARTING;
    this.#program = program;
    this.#text = text;
    this.#budget = budget;
    this.#slots = new Int32Array(program.slotCount).fill(-1);
    this.#looked = program.looks.length > 0 ? program.looks.map(() => 0) : NONE;
    this.#loops = program.loops > 0 ? Array.from({ length: program.loops }, noSpan) : NONE;
    this.#runs = program.runs.length > 0 ? program.runs.map(noSpan) : NONE;
    this.#visited.clear();
    if (this.#stack.length > KEPT) this.#stack = new Int32Array(KEPT);
    this.#top = 0;
    const run = this.#visited.newRun();
    let end = NO_MATCH;
    for (let start = 0; start <= last && end === NO_MATCH; start += isPair(text, start) ? 2 : 1) {
      end = this.#run(program.entry, start, run);
    }
    return budget.isSpent ? TOO_COSTLY : end;
  }

  #push(instruction: number, place: number): void {
    if (this.#top === this.#stack.length) {
      const larger = new Int32Array(this.#stack.length * 2);
      larger.set(this.#stack);
      this.#stack = larger;
    }
    this.#stack[this.#top++] = instruction;
    this.#stack[this.#top++] = place;
  }

  #run(entry: number, start: number, run: number): number {
    const { code, sets } = this.#program;
    const text = this.#text;
    const budget = this.#budget;
    const base = this.#top;
    let pc = entry;
    let at = start;
    for (;;) {
      if (--budget.left < 0 && budget.isSpent) return TOO_COSTLY;
      const address = STRIDE * pc;
      const a = code[address + 1] as number;
      // Where to go on; negative: nowhere.
      let next = code[address + 2] as number;
      switch (code[address]) {
        case Op.MATCH:
          return at;
        case Op.CHAR: {
          const codePoint = text.codePointAt(at);
          if (codePoint === a) at += a > 0xffff ? 2 : 1;
          else next = -1;
          break;
        }
        case Op.SET: {
          const codePoint = text.codePointAt(at);
          if (codePoint !== undefined && sets[a]?.has(codePoint, budget)) at += codePoint > 0xffff ? 2 : 1;
          else next = -1;
          break;
        }
        case Op.CHAR_BACK: {
          if (codePointBefore(text, at) === a) at -= a > 0xffff ? 2 : 1;
          else next = -1;
          break;
        }
        case Op.SET_BACK: {
          const codePoint = codePointBefore(text, at);
          if (codePoint >= 0 && sets[a]?.has(codePoint, budget)) at -= codePoint > 0xffff ? 2 : 1;
          else next = -1;
          break;
        }
        case Op.SPLIT:
          budget.left -= SPLITTING;
          if (!this.#visited.isFirst(pc, at, run)) next = -1;
          else this.#push(code[address + 3] as number, at);
          break;
        case Op.SPLIT_AGAIN:
          this.#push(code[address + 3] as number, at);
          break;
        case Op.LOOP:
        case Op.LOOP_AGAIN:
          this.#loop(pc, at, run);
          next = -1;
          break;
        case Op.RUN: {
          const end = this.#takeRun(a, at);
          if (end === at) next = code[address + 3] as number;
          if (end < 0) next = -1;
          else at = end;
          break;
        }
        case Op.SAVE:
          this.#push(-1 - a, this.#slots[a] as number);
          this.#slots[a] = at;
          break;
        case Op.START:
          if (at !== 0) next = -1;
          break;
        case Op.END:
          if (at !== text.length) next = -1;
          break;
        case Op.LINE_START:
          if (at !== 0 && text[at - 1] !== '\n') next = -1;
          break;
        case Op.LINE_END:
          if (at !== text.length && text[at] !== '\n') next = -1;
          break;
        case Op.BOUNDARY:
          if (!this.#isBoundary(a, at)) next = -1;
          break;
        case Op.NO_BOUNDARY:
          if (this.#isBoundary(a, at)) next = -1;
          break;
        case Op.LOOK: {
          const seen = this.#look(a, at);
          if (seen === TOO_COSTLY) return TOO_COSTLY;
          if (seen === NO_MATCH) next = -1;
          break;
        }
        case Op.REFERENCE:
        case Op.REFERENCE_BACK: {
          const end = this.#refer(a, at, code[address] === Op.REFERENCE_BACK);
          if (end === at) next = code[address + 3] as number;
          if (end < 0) next = -1;
          else at = end;
          break;
        }
      }
      if (next >= 0) {
        pc = next;
        continue;
      }
      // Back to the last choice.
      for (;;) {
        if (this.#top === base) return NO_MATCH;
        at = this.#stack[--this.#top] as number;
        pc = this.#stack[--this.#top] as number;
        if (pc >= 0) break;
        this.#slots[-1 - pc] = at;
      }
    }
  }

  /** Takes as many characters as there are, and leaves a choice at each place, the last of them on top. */
  #loop(pc: number, start: number, run: number): void {
    const { code, sets } = this.#program;
    const text = this.#text;
    const budget = this.#budget;
    const address = STRIDE * pc;
    const set = sets[code[address + 1] as number] as Program['sets'][number];
    const next = code[address + 2] as number;
    const span = this.#loops[code[address + 3] as number] as Span;
    const isKnown = code[address] === Op.LOOP && span.run === run;
    // Places only grow from one choice to the next: those of an earlier time were tried, or are being tried.
    if (isKnown && start >= span.from && start <= span.to) return;
    let at = start;
    for (;;) {
      this.#push(next, at);
      if (--budget.left < 0 && budget.isSpent) return;
      const codePoint = text.codePointAt(at);
      if (codePoint === undefined || !set.has(codePoint, budget)) break;
      at += codePoint > 0xffff ? 2 : 1;
      if (isKnown && at === span.from) {
        at = span.to;
        break;
      }
    }
    span.run = run;
    span.from = start;
    span.to = at;
  }

  /** The end of the run of characters from a place; -1 when they are too few. */
  #takeRun(index: number, start: number): number {
    const { set, min, max } = this.#program.runs[index] as Program['runs'][number];
    const text = this.#text;
    const budget = this.#budget;
    const isSimple = min <= 1 && max === Number.POSITIVE_INFINITY;
    const span = this.#runs[index] as Span;
    let at = start;
    if (isSimple && start >= span.from && start <= span.to) {
      at = span.to;
    } else {
      let count = 0;
      if (isSimple && text.length - start > LONG) {
        at = set.endOfRun(text, start);
        budget.left -= (at - start) >> 3;
        count = at - start;
      }
      for (; count < max && !budget.isSpent; count++) {
        const codePoint = text.codePointAt(at);
        if (codePoint === undefined || !set.has(codePoint, budget)) break;
        at += codePoint > 0xffff ? 2 : 1;
        if (count & 1) budget.left--;
      }
      if (count < min) return -1;
      if (!isSimple) return at;
      span.from = start;
      span.to = at;
    }
    return at - start < min ? -1 : at;
  }

  /** Whether the look at a place allows to go on: 0, or {@link NO_MATCH}, or {@link TOO_COSTLY}. */
  #look(index: number, at: number): number {
    const { entry, negative } = this.#program.looks[index] as Program['looks'][number];
    const base = this.#top;
    const run = this.#looked[index] || this.#visited.newRun();
    const end = this.#run(entry, at, run);
    if (end === TOO_COSTLY) return TOO_COSTLY;
    this.#looked[index] = end === NO_MATCH ? run : 0;
    if (end === NO_MATCH) return negative ? 0 : NO_MATCH;
    this.#dropChoices(base);
    if (!negative) return 0;
    while (this.#top > base) {
      const place = this.#stack[--this.#top] as number;
      this.#slots[-1 - (this.#stack[--this.#top] as number)] = place;
    }
    return NO_MATCH;
  }

  /** What was found by a look is not looked for in another way; what its groups have captured may be restored yet. */
  #dropChoices(base: number): void {
    const top = this.#top;
    this.#top = base;
    for (let entry = base; entry < top; entry += 2) {
      const instruction = this.#stack[entry] as number;
      if (instruction < 0) this.#push(instruction, this.#stack[entry + 1] as number);
    }
  }

  #isBoundary(set: number, at: number): boolean {
    const word = this.#program.sets[set] as Program['sets'][number];
    const before = codePointBefore(this.#text, at);
    const after = this.#text.codePointAt(at) ?? -1;
    const isIn = (codePoint: number) => codePoint >= 0 && word.has(codePoint, this.#budget);
    return isIn(before) !== isIn(after);
  }

  /** The place behind the text of a group, or (`back`) before it; -1 when it is not there, or the group is unset. */
  #refer(group: number, at: number, back: boolean): number {
    const start = this.#slots[2 * group] as number;
    const end = this.#slots[2 * group + 1] as number;
    if (start < 0 || end < 0) return -1;
    const captured = this.#text.slice(start, end);
    const [from, to] = back ? [at - captured.length, at] : [at, at + captured.length];
    if (from < 0 || to > this.#text.length) return -1;
    const found = this.#text.slice(from, to);
    return this.#isSame(found, captured) ? (back ? from : to) : -1;
  }

  #isSame(found: string, captured: string): boolean {
    this.#budget.left -= captured.length >> 3;
    if (found === captured || !this.#program.ignoreCase) return found === captured;
    this.#budget.left -= captured.length * FOLDING;
    return fold(found) === fold(captured);
  }
}

export const matcher = new Matcher();
