import type { CharSet } from 'refa';
import type { Conversion } from '../conversion.js';
import { Alphabet } from './alphabet.js';
import type { Automaton } from './automaton.js';
import { LetterTable } from './letter-table.js';
import { MarkedPatterns } from './marked-pattern.js';
import type { Filling } from './output.js';
import { type CharacterSets, type Pattern, parsePattern } from './pattern.js';
import { UnionAutomaton } from './union-automaton.js';

/** An event as rules see it. Types and names hold no NUL and no half of a surrogate pair. */
const EVENT = '[^\\x00\\p{Cs}]+:[^\\x00\\p{Cs}]+';
/** A topic as it arrives. */
const TOPIC = '[^\\x00+#\\p{Cs}]+';
/** What `%(…)d` and `x` take. */
const INTEGER = '[+\\-]?[0-9]+';
/** What the conversions give. */
const CONVERTED = { d: '-?[0-9]+', x: '-?[0-9a-f]+', f: '-?[0-9]+\\.[0-9]{6}' };
/** Characters that are percent-encoded in a topic whose codes are not looked at one by one. */
const CONTROLS = '[\\p{Cc}\\p{Noncharacter_Code_Point}]';
const HEXADECIMAL = '[0-9A-F]';
const WORD = '[\\p{L}\\p{N}_]';
const ENCODED = { '/': '%2F', '+': '%2B', '#': '%23', '%': '%25' };
const MAX_UTF8_BYTES = 4;

/** Patterns that are always needed, read so that their characters are in the alphabet. */
export class Vocabulary {
  readonly #own: Readonly<Record<string, Pattern>>;

  constructor(sets: CharacterSets) {
    const own = [EVENT, TOPIC, INTEGER, ...Object.values(CONVERTED), CONTROLS, HEXADECIMAL, WORD];
    this.#own = Object.fromEntries(own.map((source) => [source, parsePattern(source, '', sets)]));
    for (const character of [...Object.entries(ENCODED).flat().join(''), '$', '4', ':']) sets.single(character);
  }

  /**
   * What all automata have in common.
   *
   * @param patterns all other patterns
   * @param groups how many groups of one pattern get markers
   */
  settle(sets: CharacterSets, patterns: readonly Pattern[], groups: number): Common {
    const assertions = Math.max(0, ...patterns.map((pattern) => pattern.assertions));
    const alphabet = new Alphabet(sets.all, 2 * groups + assertions);
    return new Common(alphabet, new MarkedPatterns(alphabet, sets, groups), (source) => this.#own[source] as Pattern);
  }
}

/** What all automata have in common. */
export class Common {
  readonly alphabet: Alphabet;
  readonly patterns: MarkedPatterns;
  /** All events, as `<varType>:<varName>`. */
  readonly events: LetterTable;
  /** All topics that a message may come on. */
  readonly topics: LetterTable;
  /** What `%(…)d` and `x` take. */
  readonly integers: UnionAutomaton;
  /** What the conversions to numbers give. */
  readonly numbers: Readonly<Record<Exclude<Conversion, 's'>, Automaton>>;
  /** What becomes of a captured text in a topic. */
  readonly inTopic: Filling;
  /** The same at the head of a topic. */
  readonly atHeadOfTopic: Filling;
  /** What becomes of a captured text in the type of an event, which holds no colon; and in its name. */
  readonly inType: Filling;
  readonly inName: Filling;
  /** Letters that a name can do without: a regex that takes anything but them takes anything. */
  readonly controls: CharSet;
  /** Letters, digits and the underscore. */
  readonly word: CharSet;

  constructor(alphabet: Alphabet, patterns: MarkedPatterns, own: (source: string) => Pattern) {
    this.alphabet = alphabet;
    this.patterns = patterns;
    const whole = (source: string) => patterns.of(own(source), { isWhole: true }).automaton;
    const single = (source: string) => whole(source).out[0]?.values().next().value as CharSet;
    const only = (character: string) => alphabet.only(alphabet.letterOf(character));
    const wordOf = (text: string) => alphabet.word(text).map((letter) => alphabet.only(letter));

    this.events = LetterTable.of(whole(EVENT), alphabet);
    this.topics = LetterTable.of(whole(TOPIC), alphabet);
    this.integers = new UnionAutomaton([whole(INTEGER)], alphabet);
    this.numbers = { d: whole(CONVERTED.d), x: whole(CONVERTED.x), f: whole(CONVERTED.f) };
    this.word = single(WORD);

    this.controls = single(CONTROLS);
    const code = [only('%'), single(HEXADECIMAL), single(HEXADECIMAL)];
    const codes = Array.from(
      { length: MAX_UTF8_BYTES },
      (_, index) =>
        Array(index + 1)
          .fill(code)
          .flat() as CharSet[],
    );
    const replaced = [
      ...Object.entries(ENCODED).map(([character, text]) => [only(character), wordOf(text)] as const),
      ...codes.map((each) => [this.controls, each] as const),
    ];
    const kept = replaced.reduce((rest, [letters]) => rest.without(letters), alphabet.letters);
    this.inTopic = { kept, replaced };
    // Whether something stands before it is not known: what was captured before may be empty.
    this.atHeadOfTopic = { kept, replaced: [...replaced, [only('$'), wordOf('%24')]] };
    this.inName = { kept: alphabet.letters, replaced: [] };
    this.inType = { kept: alphabet.letters.without(only(':')), replaced: [] };
  }
}
