import { type AST, RegExpParser } from '@eslint-community/regexpp';
import { type CharSet, JS } from 'refa';

/** Something that stands for characters. */
export type Characters =
  | AST.Character
  | AST.CharacterClass
  | AST.CharacterSet
  | AST.ExpressionCharacterClass
  | AST.UnicodeSetsCharacterClass;

/** The sets of characters that occur in patterns, each of them once. */
export class CharacterSets {
  readonly #sets = new Map<string, CharSet | undefined>();

  /** The set that a part of a pattern stands for; `undefined`: it stands for more than single characters. */
  of(element: Characters, flags: JS.Flags): CharSet | undefined {
    const key = `${flags.ignoreCase ? 'i' : ''}${flags.dotAll ? 's' : ''}/${element.raw}`;
    if (!this.#sets.has(key)) {
      const { chars, accept } = JS.parseUnicodeSet(element, flags);
      this.#sets.set(key, accept.isEmpty ? chars : undefined);
    }
    return this.#sets.get(key);
  }

  /** The set of one character. */
  single(character: string): void {
    const escaped = `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
    if (!this.#sets.has(`/${escaped}`)) parsePattern(escaped, '', this);
  }

  get all(): CharSet[] {
    return [...this.#sets.values()].filter((set) => set !== undefined);
  }
}

/** A pattern, read and not yet an automaton. */
export interface Pattern {
  readonly alternatives: readonly AST.Alternative[];
  readonly flags: JS.Flags;
  /** How many look-arounds and boundaries it has. */
  readonly assertions: number;
  /** The names of the groups that take part in each match. */
  readonly certainGroups: ReadonlySet<string>;
  /** How many groups have a name. */
  readonly namedGroups: number;
}

const PARSER = new RegExpParser({ ecmaVersion: 2024 });

/** Reads a pattern of JavaScript with the flag `v`, and keeps its sets of characters. */
export function parsePattern(source: string, flags: string, sets: CharacterSets): Pattern {
  const { alternatives } = PARSER.parsePattern(source, 0, source.length, { unicodeSets: true });
  const given: JS.Flags = { unicodeSets: true, ignoreCase: flags.includes('i'), dotAll: flags.includes('s') };
  const certainGroups = new Set<string>();
  let assertions = 0;
  let namedGroups = 0;
  const visit = (element: AST.Element, isCertain: boolean): void => {
    switch (element.type) {
      case 'Assertion':
        assertions++;
        if ('alternatives' in element) visitAll(element.alternatives, false);
        return;
      case 'CapturingGroup':
        if (element.name !== null) namedGroups++;
        if (element.name !== null && isCertain) certainGroups.add(element.name);
        return visitAll(element.alternatives, isCertain);
      case 'Group':
        return visitAll(element.alternatives, isCertain);
      case 'Quantifier':
        return visit(element.element, isCertain && element.min > 0);
      case 'Backreference':
        return;
      default:
        sets.of(element, given);
    }
  };
  const visitAll = (all: readonly AST.Alternative[], isCertain: boolean): void => {
    for (const { elements } of all) for (const element of elements) visit(element, isCertain && all.length === 1);
  };
  visitAll(alternatives, true);
  return { alternatives, flags: given, assertions, certainGroups, namedGroups };
}

/** Whether each way through the pattern ends with an assertion: whoever wrote it thought of its end. */
export function endsWithAssertion(alternatives: readonly AST.Alternative[]): boolean {
  return alternatives.every(({ elements }) => {
    const last = elements.at(-1);
    if (last?.type === 'Group' || last?.type === 'CapturingGroup') return endsWithAssertion(last.alternatives);
    return last?.type === 'Assertion';
  });
}
