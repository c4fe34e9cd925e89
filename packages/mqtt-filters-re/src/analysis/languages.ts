import { translate } from '../regex-translator.js';
import type { Parameter } from '../template.js';
import { type Automaton, withoutMarkers } from './automaton.js';
import { capturedBy, type Output, outputOf } from './output.js';
import { type CharacterSets, type Pattern, parsePattern } from './pattern.js';
import { intersect, restrict } from './restrict.js';
import type { AnalysedRule, Written } from './rules.js';
import { UnionAutomaton } from './union-automaton.js';
import type { Common } from './vocabulary.js';

/** The texts of a rule. Where these can't be told exactly, they are more than the rule takes. */
export interface Language<R extends AnalysedRule> {
  readonly rule: R;
  /** Its place among the languages of its direction. */
  readonly index: number;
  readonly pattern: Pattern;
  /** Whether the texts are exactly those that its pattern takes. */
  readonly isExact: boolean;
  /** Its texts, with markers where the groups that it writes begin and end. */
  readonly marked: Automaton;
  readonly texts: Automaton;
  /** Texts after which no rule behind it is asked; `undefined`: none. */
  readonly sure: Automaton | undefined;
  /** What it writes, in letters; by the order of `rule.written`. */
  readonly outputs: readonly Output[];
}

/** A rule and its pattern, before there is an alphabet. */
export interface ReadRule<R extends AnalysedRule> {
  readonly rule: R;
  readonly pattern: Pattern;
  /** The groups that it writes. */
  readonly groups: readonly string[];
}

/** Reads a rule's pattern, and keeps the characters that it and what it writes tell apart. */
export function readRule<R extends AnalysedRule>(rule: R, sets: CharacterSets): ReadRule<R> {
  const { pattern, flags } = translate(rule.name);
  const groups = new Set<string>();
  for (const part of rule.written.flatMap(({ parts }) => parts)) {
    if (typeof part !== 'string') groups.add(part.name);
    else for (const character of part) sets.single(character);
  }
  return { rule, pattern: parsePattern(pattern, flags, sets), groups: [...groups] };
}

/** Makes the language of a rule. */
export function languageOf<R extends AnalysedRule>(
  { rule, pattern, groups }: ReadRule<R>,
  index: number,
  common: Common,
): Language<R> {
  const { alphabet, patterns, events, topics } = common;
  const isOutbound = rule.channels.length > 0;
  const universe = isOutbound ? events : topics;
  const { automaton: marked, isExact } = patterns.of(pattern, { groups, universe });
  const texts = groups.length === 0 ? marked : withoutMarkers(marked, alphabet.letters);
  const isSure =
    !rule.hasCondition &&
    (!rule.needsAllGroups || pattern.certainGroups.size === pattern.namedGroups) &&
    rule.written.every(({ parts }) => parts.every((part) => isSurelyFilled(part, pattern, groups, marked, common)));
  const least = () =>
    withoutMarkers(patterns.of(pattern, { groups, universe, approximation: 'under' }).automaton, alphabet.letters);
  return {
    rule,
    index,
    pattern,
    isExact,
    marked,
    texts,
    sure: isSure ? (isExact ? texts : least()) : undefined,
    outputs: rule.written.map((written) => lettersOf(written, groups, common)),
  };
}

/** A rule does not apply where a parameter can't be filled in. */
function isSurelyFilled(
  part: string | Parameter,
  { certainGroups }: Pattern,
  groups: readonly string[],
  marked: Automaton,
  { alphabet, integers }: Common,
): boolean {
  if (typeof part === 'string') return true;
  if (!certainGroups.has(part.name) || part.conversion === 'f') return false;
  if (part.conversion === 's') return true;
  const captured = capturedBy(marked, groups.indexOf(part.name), alphabet);
  return restrict(captured, integers, ({ taking }) => taking.length === 0, alphabet).isEmpty;
}

function lettersOf({ parts, typeParts, channel }: Written, groups: readonly string[], common: Common): Output {
  const { alphabet, numbers, inTopic, atHeadOfTopic, inType, inName } = common;
  const options = { alphabet, groups, numbers };
  if (channel === undefined) return outputOf(parts, { ...options, filling: inTopic, fillingAtStart: atHeadOfTopic });
  return [
    ...outputOf(parts.slice(0, typeParts), { ...options, filling: inType }),
    ...outputOf(parts.slice(typeParts), { ...options, filling: inName }),
  ];
}

/** The rules of a direction, in the order in which they are asked. */
export class RuleLanguages<R extends AnalysedRule> {
  readonly all: readonly Language<R>[];
  /** All of them together. */
  readonly union: UnionAutomaton;
  readonly #common: Common;
  readonly #earlier = new Map<number, readonly Language<R>[]>();
  readonly #effective = new Map<string, Automaton>();

  constructor(all: readonly Language<R>[], common: Common) {
    this.all = all;
    this.#common = common;
    this.union = new UnionAutomaton(
      all.map(({ texts }) => texts),
      common.alphabet,
    );
  }

  /** The rules before it that leave some of its texts to no rule behind them, on a channel. */
  takers({ index, texts }: Language<R>, channel: string | undefined): readonly Language<R>[] {
    let earlier = this.#earlier.get(index);
    if (!earlier) {
      earlier = this.union.meeting(texts, index).map((each) => this.all[each] as Language<R>);
      this.#earlier.set(index, earlier);
    }
    return earlier.filter(
      ({ rule, sure }) => sure && !sure.isEmpty && (channel === undefined || rule.channels.includes(channel)),
    );
  }

  /** The texts that come to a rule on a channel, with their markers. */
  effective(language: Language<R>, channel: string | undefined): Automaton {
    const takers = this.takers(language, channel);
    if (takers.length === 0) return language.marked;
    const key = `${language.index};${takers.map(({ index }) => index).join()}`;
    let effective = this.#effective.get(key);
    if (!effective) {
      const { alphabet } = this.#common;
      const union = new UnionAutomaton(
        takers.map(({ sure }) => sure as Automaton),
        alphabet,
      );
      effective = restrict(language.marked, union, ({ taking }) => taking.length === 0, alphabet);
      this.#effective.set(key, effective);
    }
    return effective;
  }
}

/** The shortest texts that two automata have in common. */
export function commonTexts(a: Automaton, b: Automaton, count: number, common: Common): Iterable<string> {
  return textsOf(intersect(a, b), count, common);
}

/** The shortest texts of an automaton. */
export function* textsOf(automaton: Automaton, count: number, { alphabet }: Common): Iterable<string> {
  for (const word of automaton.words(count)) yield alphabet.spell(word);
}
