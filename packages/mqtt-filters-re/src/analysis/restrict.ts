import type { Alphabet } from './alphabet.js';
import { type Automaton, explore } from './automaton.js';
import type { UnionAutomaton, UnionState } from './union-automaton.js';

/**
 * The texts that many automata together leave, or those that they take. Markers stay where they are.
 *
 * @param keeps whether a text is kept at whose end the union is in a state
 * @throws {TooLargeError}
 */
export function restrict(
  marked: Automaton,
  union: UnionAutomaton,
  keeps: (state: UnionState) => boolean,
  alphabet: Alphabet,
): Automaton {
  return explore<readonly [number, UnionState]>({
    maxCharacter: marked.maxCharacter,
    initial: [0, union.initial],
    keyOf: ([state, { id }]) => id * marked.out.length + state,
    expand([state, at], add) {
      for (const [to, on] of marked.out[state] ?? []) {
        add([to, at], on.without(alphabet.letters));
        let left = on.intersect(alphabet.letters);
        for (const [next, letters] of left.isEmpty ? [] : union.steps(at)) {
          add([to, next], left.intersect(letters));
          left = left.without(letters);
        }
        add([to, union.nowhere], left);
      }
    },
    isFinal: ([state, at]) => marked.finals[state] === true && keeps(at),
  });
}

/**
 * What two automata have in common.
 *
 * @throws {TooLargeError}
 */
export function intersect(a: Automaton, b: Automaton): Automaton {
  return explore<readonly [number, number]>({
    maxCharacter: a.maxCharacter,
    initial: [0, 0],
    keyOf: ([inA, inB]) => inA * b.out.length + inB,
    expand([inA, inB], add) {
      for (const [toA, onA] of a.out[inA] ?? []) {
        for (const [toB, onB] of b.out[inB] ?? []) add([toA, toB], onA.intersect(onB));
      }
    },
    isFinal: ([inA, inB]) => a.finals[inA] === true && b.finals[inB] === true,
  });
}
