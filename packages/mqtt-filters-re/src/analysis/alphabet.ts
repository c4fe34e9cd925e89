import { CharBase, CharSet, Words } from 'refa';

/** The last code point of Unicode. */
export const LAST_CODE_POINT = 0x10ffff;

/** How pleasant a character is to read in an example: the lower, the better. */
const PREFERENCES = [/[a-z]/u, /[0-9]/u, /[A-Z]/u, /[/:_.-]/u, /[!-~]/u, /[\p{L}\p{N}]/u, /\P{C}/u];

/**
 * The letters that all patterns together tell apart: characters that no pattern distinguishes are one letter. There are
 * some dozens of them in the place of 1,114,112 characters. Behind them come markers, which stand for no character.
 */
export class Alphabet {
  /** The highest letter or marker: what refa calls the maximum of a set. */
  readonly max: number;
  /** All letters, without the markers. */
  readonly letters: CharSet;
  /** How many letters there are, without the markers. */
  readonly size: number;
  readonly #base: CharBase;
  readonly #translated = new Map<CharSet, CharSet>();
  readonly #letterOf = new Map<string, number>();
  readonly #singles: CharSet[] = [];
  readonly #characters: readonly string[];
  readonly #ranks: readonly number[];

  /**
   * @param sets all sets of characters that occur
   * @param markers how many markers are needed
   */
  constructor(sets: Iterable<CharSet>, markers: number) {
    this.#base = new CharBase([...new Set(sets), CharSet.all(LAST_CODE_POINT)]);
    this.size = this.#base.sets.length;
    this.max = this.size + markers - 1;
    this.letters = CharSet.fromRange(this.max, { min: 0, max: this.size - 1 });
    this.#characters = this.#base.sets.map((set) =>
      Words.fromUnicodeToString([Words.pickMostReadableCharacter(set) ?? 0]),
    );
    this.#ranks = this.#characters.map((character) => {
      const rank = PREFERENCES.findIndex((preferred) => preferred.test(character));
      return rank < 0 ? PREFERENCES.length : rank;
    });
  }

  /** The letters of a set of characters, which was among those that the alphabet is made for. */
  lettersOf(characters: CharSet): CharSet {
    let letters = this.#translated.get(characters);
    if (!letters) {
      letters = CharSet.fromCharacters(this.max, this.#base.split(characters));
      this.#translated.set(characters, letters);
    }
    return letters;
  }

  /** The letter of a character that is distinguished from all others. */
  letterOf(character: string): number {
    let letter = this.#letterOf.get(character);
    if (letter === undefined) {
      const codePoint = character.codePointAt(0) as number;
      letter = this.#base.sets.findIndex((set) => set.has(codePoint));
      this.#letterOf.set(character, letter);
    }
    return letter;
  }

  /** The letters of a text. */
  word(text: string): number[] {
    return Array.from(text, (character) => this.letterOf(character));
  }

  /** The set of one letter or marker. */
  only(letter: number): CharSet {
    let set = this.#singles[letter];
    if (!set) {
      set = CharSet.fromCharacter(this.max, letter);
      this.#singles[letter] = set;
    }
    return set;
  }

  /** The marker with a number. */
  markerOf(number: number): number {
    return this.size + number;
  }

  /** The most readable text of those that the sets of letters stand for. */
  spell(word: readonly CharSet[]): string {
    return word.map((letters) => this.#mostReadable(letters)).join('');
  }

  #mostReadable(letters: CharSet): string {
    let best = -1;
    for (const { min, max } of letters.ranges) {
      for (let letter = min; letter <= max; letter++) {
        if (best < 0 || (this.#ranks[letter] ?? 0) < (this.#ranks[best] ?? 0)) best = letter;
      }
    }
    return this.#characters[best] ?? '';
  }
}
