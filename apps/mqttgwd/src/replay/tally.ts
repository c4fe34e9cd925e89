/** Beyond so many different keys, what comes is counted together: filters may invent names of rules. */
const MAX_ENTRIES = 10_000;

/** How often something was seen, and the first of it. */
export interface Entry<E> {
  /** As it was given; empty for all that found no place. */
  readonly key: readonly string[];
  count: number;
  readonly examples: E[];
}

/** Counts by keys of a few words, with some examples for each, in bounded memory. */
export class Tally<E = never> {
  readonly #entries = new Map<string, Entry<E>>();
  readonly #maxExamples: number;
  readonly #room: { left: number };

  /**
   * @param maxExamples for each key
   * @param room for how many examples of all keys; several tallies may share it
   */
  constructor(maxExamples = 0, room = { left: maxExamples }) {
    this.#maxExamples = maxExamples;
    this.#room = room;
  }

  /** @param example is made only where it is kept */
  add(key: readonly string[], example?: () => E): void {
    let id = key.join('\0');
    let entry = this.#entries.get(id);
    if (!entry) {
      const isFull = this.#entries.size >= MAX_ENTRIES;
      if (isFull) id = '';
      entry = this.#entries.get(id) ?? { key: isFull ? [] : key, count: 0, examples: [] };
      this.#entries.set(id, entry);
    }
    entry.count++;
    if (!example || entry.examples.length >= this.#maxExamples || this.#room.left === 0) return;
    this.#room.left--;
    entry.examples.push(example());
  }

  /** The most frequent first. */
  get entries(): readonly Entry<E>[] {
    return [...this.#entries.values()].sort((a, b) => b.count - a.count);
  }
}
