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
