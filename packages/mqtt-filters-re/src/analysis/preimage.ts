import type { CharSet } from 'refa';
import type { Alphabet } from './alphabet.js';
import { type Automaton, closureOf, explore } from './automaton.js';
import type { Filling, Output } from './output.js';

/**
 * How far the writing of one part has come, in the automaton of what may be written: not begun, from a state on, or
 * from one state to another.
 */
type Progress = undefined | { readonly from: number; readonly at: number; readonly isDone: boolean };

interface Reading {
  /** State of the automaton of the texts. */
  readonly text: number;
  readonly progress: readonly Progress[];
}

/**
 * The texts that are written as a word of a target: exact where each group captures once.
 *
 * The text is read from its start to its end, while the parts are written at the places where the groups are, in any
 * order: where a part begins in the target is guessed, and checked when the part before it is done.
 *
 * @param marked the texts, with markers where the groups begin and end
 * @throws {TooLargeError}
 */
export function preimage(marked: Automaton, output: Output, target: Automaton, alphabet: Alphabet): Automaton {
  // Literal words are taken together with the beginning of the group behind them.
  const before: (readonly CharSet[])[] = [];
  const groups: { group: number; filling: Filling; number?: Automaton }[] = [];
  let literal: CharSet[] = [];
  for (const part of output) {
    if ('word' in part) {
      literal.push(...part.word);
      continue;
    }
    before.push(literal);
    groups.push(part);
    literal = [];
  }
  const end = literal;
  const everywhere = target.out.map((_, state) => state);
  const starts = new Map<string, readonly number[]>();

  const walk = (from: Iterable<number>, word: readonly CharSet[]): Set<number> => {
    let states = new Set(from);
    for (const letter of word) {
      const next = new Set<number>();
      for (const state of states) {
        for (const [to, on] of target.out[state] ?? []) if (!on.isDisjointWith(letter)) next.add(to);
      }
      states = next;
    }
    return states;
  };
  const walkFrom = (from: number | 'anywhere', index: number): readonly number[] => {
    const key = `${from};${index}`;
    let known = starts.get(key);
    if (!known) {
      known = [...walk(from === 'anywhere' ? everywhere : [from], before[index] as readonly CharSet[])];
      starts.set(key, known);
    }
    return known;
  };
  const startsOf = (index: number, progress: readonly Progress[]): readonly number[] => {
    if (index === 0) return walkFrom(0, 0);
    const previous = progress[index - 1];
    return walkFrom(previous?.isDone ? previous.at : 'anywhere', index);
  };
  const endsWell = (state: number): boolean => [...walk([state], end)].some((each) => target.finals[each]);
  const emptyEnds = groups.length === 0 && [...walk([0], end)].some((each) => target.finals[each]);
  const throughNumber = (number: Automaton, from: number): Set<number> => {
    const pairs = closureOf([`${from};0`], (pair) => {
      const [state, at] = pair.split(';').map(Number) as [number, number];
      const next: string[] = [];
      for (const [to, on] of target.out[state] ?? []) {
        for (const [numberTo, digits] of number.out[at] ?? []) {
          if (!on.isDisjointWith(digits)) next.push(`${to};${numberTo}`);
        }
      }
      return next;
    });
    const pairList = [...pairs].map((pair) => pair.split(';').map(Number) as [number, number]);
    return new Set(pairList.filter(([, at]) => number.finals[at]).map(([state]) => state));
  };
  /** Whether what was done of a part fits to those beside it. */
  const fits = (index: number, progress: readonly Progress[]): boolean => {
    const current = progress[index];
    if (!current?.isDone) return true;
    if (index === groups.length - 1) return endsWell(current.at);
    const next = progress[index + 1];
    return !next || walkFrom(current.at, index + 1).includes(next.from);
  };

  return explore<Reading>({
    maxCharacter: marked.maxCharacter,
    initial: { text: 0, progress: groups.map(() => undefined) },
    keyOf: ({ text, progress }) =>
      `${text};${progress.map((each) => (each ? `${each.from},${each.at},${each.isDone}` : '')).join(';')}`,
    expand({ text, progress }, add) {
      const open = progress.flatMap((each, index) => (each && !each.isDone ? [index] : []));
      for (const [to, on] of marked.out[text] ?? []) {
        readLetters(to, on.intersect(alphabet.letters));
        const markers = on.without(alphabet.letters);
        for (const { min, max } of markers.ranges) for (let each = min; each <= max; each++) readMarker(to, each);
      }

      function readLetters(to: number, letters: CharSet): void {
        if (letters.isEmpty) return;
        let found: [CharSet, readonly Progress[]][] = [[letters, progress]];
        for (const index of open) {
          found = found.flatMap(([on, each]) =>
            write(index, each[index]?.at as number, on).map(([kept, at]): [CharSet, readonly Progress[]] => [
              kept,
              each.with(index, { from: each[index]?.from as number, at, isDone: false }),
            ]),
          );
        }
        for (const [on, each] of found) add({ text: to, progress: each }, on);
      }

      function readMarker(to: number, marker: number): void {
        const number = marker - alphabet.size;
        const group = Math.floor(number / 2);
        const concerned = groups.flatMap((each, index) => (each.group === group ? [index] : []));
        let found: (readonly Progress[])[] = [progress];
        for (const index of concerned) {
          found = found.flatMap((each) => (number % 2 === 0 ? begin(index, each) : finish(index, each)));
        }
        for (const each of found) add({ text: to, progress: each }, null);
      }
    },
    isFinal: ({ text, progress }) =>
      marked.finals[text] === true && (groups.length === 0 ? emptyEnds : progress.every((each) => each?.isDone)),
  });

  function begin(index: number, progress: readonly Progress[]): (readonly Progress[])[] {
    // What a group captured in an earlier turn of a loop is forgotten.
    return startsOf(index, progress).map((from) => progress.with(index, { from, at: from, isDone: false }));
  }

  function finish(index: number, progress: readonly Progress[]): (readonly Progress[])[] {
    const current = progress[index];
    if (!current) return [];
    const { number } = groups[index] as { number?: Automaton };
    const ends = number ? throughNumber(number, current.at) : [current.at];
    return [...ends]
      .map((at) => progress.with(index, { from: current.from, at, isDone: true }))
      .filter((each) => fits(index, each) && (index === 0 || fits(index - 1, each)));
  }

  /** The letters that can be written from a state of the target on, and where that leads. */
  function write(index: number, at: number, on: CharSet): [CharSet, number][] {
    const { filling, number } = groups[index] as { filling: Filling; number?: Automaton };
    if (number) return [[on, at]];
    const found: [CharSet, number][] = [];
    const kept = on.intersect(filling.kept);
    for (const [to, taken] of target.out[at] ?? []) {
      const both = taken.intersect(kept);
      if (!both.isEmpty) found.push([both, to]);
    }
    for (const [letters, word] of filling.replaced) {
      const both = letters.intersect(on);
      if (!both.isEmpty) for (const to of walk([at], word)) found.push([both, to]);
    }
    return found;
  }
}
