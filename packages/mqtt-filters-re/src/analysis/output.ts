import type { CharSet } from 'refa';
import type { Conversion } from '../conversion.js';
import type { Parameter } from '../template.js';
import type { Alphabet } from './alphabet.js';
import { type Automaton, explore } from './automaton.js';

/** What becomes of a captured group where it is filled in. */
export interface Filling {
  /** Letters that stay as they are. */
  readonly kept: CharSet;
  /** Other letters, and the words that they become. Letters that are neither can't stand there. */
  readonly replaced: readonly (readonly [letters: CharSet, word: readonly CharSet[]])[];
}

/** A literal word, or a group and what becomes of it. */
export type OutputPart =
  | { readonly word: readonly CharSet[] }
  | { readonly group: number; readonly filling: Filling; readonly number?: Automaton };

/** A template as the automata see it: words between groups. */
export type Output = readonly OutputPart[];

/** How the parts of a template are filled in. */
export interface OutputOptions {
  readonly alphabet: Alphabet;
  /** The groups that have markers. */
  readonly groups: readonly string[];
  readonly filling: Filling;
  /** What the first part is filled in with, where that differs. */
  readonly fillingAtStart?: Filling;
  /** What a conversion to a number may give. */
  readonly numbers: Readonly<Record<Exclude<Conversion, 's'>, Automaton>>;
}

/** The parts of a template, in letters. */
export function outputOf(parts: readonly (string | Parameter)[], options: OutputOptions): OutputPart[] {
  const { alphabet, groups, filling, fillingAtStart = filling, numbers } = options;
  let isAtStart = true;
  return parts.map((part) => {
    if (typeof part === 'string') {
      isAtStart = false;
      return { word: alphabet.word(part).map((letter) => alphabet.only(letter)) };
    }
    const { name, conversion } = part;
    return {
      group: groups.indexOf(name),
      filling: isAtStart ? fillingAtStart : filling,
      ...(conversion === 's' ? {} : { number: numbers[conversion] }),
    };
  });
}

/** What a group captures: the words between its markers. */
export function capturedBy(marked: Automaton, group: number, alphabet: Alphabet): Automaton {
  const [opening, closing] = [alphabet.markerOf(2 * group), alphabet.markerOf(2 * group + 1)];
  const START = -1;
  const isFinal = marked.out.map((edges) => [...edges.values()].some((on) => on.has(closing)));
  return explore<number>({
    maxCharacter: marked.maxCharacter,
    initial: START,
    keyOf: (state) => state,
    expand(state, add) {
      if (state === START) {
        for (const edges of marked.out) for (const [to, on] of edges) if (on.has(opening)) add(to, null);
        return;
      }
      for (const [to, on] of marked.out[state] ?? []) {
        const letters = on.intersect(alphabet.letters);
        add(to, letters);
        if (hasOtherMarker(on, alphabet, closing)) add(to, null);
      }
    },
    isFinal: (state) => state !== START && isFinal[state] === true,
  });
}

/** Whether there is a marker among the letters other than the one. */
function hasOtherMarker(on: CharSet, alphabet: Alphabet, marker: number): boolean {
  return !on.without(alphabet.letters).without({ min: marker, max: marker }).isEmpty;
}

interface Writing {
  readonly part: number;
  /** How far within the part: in its word, or in the automaton of its group. */
  readonly at: number;
  /** The rest of a word that a letter became. */
  readonly rest: readonly CharSet[];
}

/**
 * Everything that may be written: with each group on its own, so that it may be more than can be where groups depend on
 * each other.
 */
export function image(marked: Automaton, output: Output, alphabet: Alphabet): Automaton {
  const captured = output.map((part) =>
    'word' in part ? undefined : (part.number ?? capturedBy(marked, part.group, alphabet)),
  );
  const ids = new Map<readonly CharSet[], number>();
  const idOf = (rest: readonly CharSet[]) => {
    const id = ids.get(rest) ?? ids.size;
    ids.set(rest, id);
    return id;
  };
  const tails = new Map<readonly CharSet[], readonly CharSet[]>();
  const tailOf = (word: readonly CharSet[]) => {
    const tail = tails.get(word) ?? word.slice(1);
    tails.set(word, tail);
    return tail;
  };
  const NONE: readonly CharSet[] = [];
  return explore<Writing>({
    maxCharacter: marked.maxCharacter,
    initial: { part: 0, at: 0, rest: NONE },
    keyOf: ({ part, at, rest }) => `${part};${at};${rest.length === 0 ? '' : idOf(rest)}`,
    expand({ part: index, at, rest }, add) {
      const part = output[index];
      if (!part) return;
      const next = { part: index + 1, at: 0, rest: NONE };
      if ('word' in part) {
        const letter = part.word[at];
        if (letter) add(at + 1 < part.word.length ? { part: index, at: at + 1, rest: NONE } : next, letter);
        else add(next, null);
        return;
      }
      if (rest.length > 0) return add({ part: index, at, rest: tailOf(rest) }, rest[0] as CharSet);
      const group = captured[index] as Automaton;
      if (group.finals[at]) add(next, null);
      for (const [to, on] of group.out[at] ?? []) {
        if (part.number) {
          add({ part: index, at: to, rest: NONE }, on);
          continue;
        }
        add({ part: index, at: to, rest: NONE }, on.intersect(part.filling.kept));
        for (const [letters, word] of part.filling.replaced) {
          if (!letters.isDisjointWith(on)) add({ part: index, at: to, rest: tailOf(word) }, word[0] as CharSet);
        }
      }
    },
    isFinal: ({ part }) => part === output.length,
  });
}
