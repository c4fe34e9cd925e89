import type { AST } from '@eslint-community/regexpp';
import type { CharSet, Concatenation, Element, NoParent } from 'refa';
import type { Alphabet } from './alphabet.js';
import type { CharacterSets, Pattern } from './pattern.js';

/** A look-around in a pattern, in whose place a marker stands. */
export interface LookAround {
  readonly kind: 'ahead' | 'behind';
  readonly isNegated: boolean;
  readonly body: readonly AST.Alternative[];
}

/** What becomes of a part that no automaton stands for: it takes whatever may come, or nothing ever. */
export type Approximation = 'over' | 'under';

/** What the analysis can't follow; the rule is left out. */
export class NotFollowedError extends Error {}

/** Turns the syntax of a pattern into that of refa: over the letters of an alphabet, with markers. */
export class ExpressionBuilder {
  /** The look-arounds that stand for the markers behind those of the groups, in their order. */
  readonly lookArounds: LookAround[] = [];
  /** Whether nothing had to be approximated. */
  isExact = true;
  readonly #pattern: Pattern;
  readonly #alphabet: Alphabet;
  readonly #sets: CharacterSets;
  readonly #groups: readonly string[];
  readonly #firstLookAround: number;
  readonly #approximation: Approximation;
  readonly #markers = new Map<string, number>();

  /**
   * @param groups those that get markers: one where each begins, one where it ends
   * @param firstLookAround the number of the first marker for a look-around
   */
  constructor(
    pattern: Pattern,
    alphabet: Alphabet,
    sets: CharacterSets,
    groups: readonly string[],
    firstLookAround: number,
    approximation: Approximation,
  ) {
    this.#pattern = pattern;
    this.#alphabet = alphabet;
    this.#sets = sets;
    this.#groups = groups;
    this.#firstLookAround = firstLookAround;
    this.#approximation = approximation;
  }

  alternatives(alternatives: readonly AST.Alternative[]): NoParent<Concatenation>[] {
    return alternatives.map(({ elements }) => concatenation(elements.flatMap((element) => this.#element(element))));
  }

  /** Any text. */
  anything(): NoParent<Element> {
    const alternatives = [concatenation([characterClass(this.#alphabet.letters)])];
    return { type: 'Quantifier', min: 0, max: Number.POSITIVE_INFINITY, lazy: false, alternatives };
  }

  #element(element: AST.Element): NoParent<Element>[] {
    switch (element.type) {
      case 'Group':
        return [{ type: 'Alternation', alternatives: this.alternatives(element.alternatives) }];
      case 'CapturingGroup': {
        const content: NoParent<Element> = {
          type: 'Alternation',
          alternatives: this.alternatives(element.alternatives),
        };
        const index = element.name === null ? -1 : this.#groups.indexOf(element.name);
        return index < 0 ? [content] : [this.#marker(2 * index), content, this.#marker(2 * index + 1)];
      }
      case 'Quantifier': {
        const { min, max, greedy, element: repeated } = element;
        const alternatives = [concatenation(this.#element(repeated))];
        return [{ type: 'Quantifier', min, max, lazy: !greedy, alternatives }];
      }
      case 'Assertion':
        return this.#assertion(element);
      case 'Backreference':
        return this.#backreference(element);
      default: {
        const characters = this.#sets.of(element, this.#pattern.flags);
        return characters ? [characterClass(this.#alphabet.lettersOf(characters))] : this.#approximate();
      }
    }
  }

  #approximate(): NoParent<Element>[] {
    this.isExact = false;
    return this.#approximation === 'over' ? [this.anything()] : [NOTHING];
  }

  /** What a group captured is among the texts that it can capture. */
  #backreference({ resolved }: AST.Backreference): NoParent<Element>[] {
    if (this.#approximation === 'under' || Array.isArray(resolved)) return this.#approximate();
    this.isExact = false;
    const alternatives = this.alternatives((resolved as AST.CapturingGroup).alternatives);
    return [{ type: 'Alternation', alternatives: [...alternatives, concatenation([])] }];
  }

  #assertion(assertion: AST.Assertion): NoParent<Element>[] {
    const lookAround = this.#lookAround(assertion);
    if (lookAround) {
      const key = `${lookAround.kind}/${assertion.raw}`;
      let number = this.#markers.get(key);
      if (number === undefined) {
        number = this.lookArounds.push(lookAround) - 1;
        this.#markers.set(key, number);
      }
      return [this.#marker(this.#firstLookAround + number)];
    }
    this.isExact = false;
    return this.#approximation === 'over' ? [] : [NOTHING];
  }

  #lookAround(assertion: AST.Assertion): LookAround | undefined {
    switch (assertion.kind) {
      case 'start':
        return { kind: 'behind', isNegated: false, body: [] };
      case 'end':
        return { kind: 'ahead', isNegated: false, body: [] };
      case 'lookahead':
      case 'lookbehind': {
        const kind = assertion.kind === 'lookahead' ? 'ahead' : 'behind';
        const { alternatives: body, negate: isNegated } = assertion;
        if (hasGroupOf(body, this.#groups)) throw new NotFollowedError('a group within a look-around is published');
        return looksOneWay(body, kind) ? { kind, isNegated, body } : undefined;
      }
      default:
        // The translation writes word boundaries as look-arounds.
        return undefined;
    }
  }

  #marker(number: number): NoParent<Element> {
    return characterClass(this.#alphabet.only(this.#alphabet.markerOf(number)));
  }
}

const NOTHING: NoParent<Element> = { type: 'Alternation', alternatives: [] };

/** Elements in a row. */
export function concatenation(elements: NoParent<Element>[]): NoParent<Concatenation> {
  return { type: 'Concatenation', elements };
}

function characterClass(characters: CharSet): NoParent<Element> {
  return { type: 'CharacterClass', characters };
}

/** Whether a body of a look-around, with those in it, looks in one direction only: then an automaton stands for it. */
function looksOneWay(alternatives: readonly AST.Alternative[], kind: LookAround['kind']): boolean {
  return everyElement(alternatives, (element) => {
    if (element.type === 'Backreference') return false;
    if (element.type !== 'Assertion') return true;
    return kind === 'ahead'
      ? element.kind === 'lookahead' || element.kind === 'end'
      : element.kind === 'lookbehind' || element.kind === 'start';
  });
}

function hasGroupOf(alternatives: readonly AST.Alternative[], groups: readonly string[]): boolean {
  return !everyElement(
    alternatives,
    (element) => element.type !== 'CapturingGroup' || element.name === null || !groups.includes(element.name),
  );
}

function everyElement(alternatives: readonly AST.Alternative[], holds: (element: AST.Element) => boolean): boolean {
  return alternatives.every(({ elements }) =>
    elements.every((element) => {
      if (!holds(element)) return false;
      if (element.type === 'Quantifier')
        return everyElement([{ elements: [element.element] } as AST.Alternative], holds);
      return !('alternatives' in element) || everyElement(element.alternatives as AST.Alternative[], holds);
    }),
  );
}
