import { timeOfDay } from './time-of-day.js';

/** Writes a line. `repeated` is for how many it stands, where it stands for others. */
export type WriteLine = (text: string, repeated?: number) => void;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** As long as something goes on, its windows grow; of each, so many lines are written as they come. */
const WINDOWS = [
  { ms: MINUTE_MS, written: 3 },
  { ms: 10 * MINUTE_MS, written: 1 },
  { ms: HOUR_MS, written: 1 },
  { ms: 6 * HOUR_MS, written: 1 },
] as const;
/** So many kinds are watched at a time: whoever makes up ever new ones is not to fill the memory. */
const MAX_KINDS = 200;
/** What tells kinds apart is in the first characters. */
const KEY_LENGTH = 300;

/** Lines that differ in numbers only. */
interface Kind {
  readonly write: WriteLine;
  /** Which of the windows it is in. */
  window: number;
  /** How many came in the window, and how many of them were not written. */
  came: number;
  folded: number;
  /** When the first and the last of those came that were not written, and what the last said. */
  since: Date;
  last: Date;
  text: string;
  timer: NodeJS.Timeout;
}

/**
 * Keeps what repeats itself from filling a log. Of lines of one kind the first of a window of time are written, and the others
 * are counted: the end of the window writes the last one, with the count. A window without any sets the kind back to its start.
 */
export class Folding implements Disposable {
  readonly #kinds = new Map<string, Kind>();
  #isOver = false;

  /** Writes a line or counts it. Lines of different sources are never of one kind. */
  take(source: string, text: string, write: WriteLine): void {
    if (this.#isOver) return write(text);
    const key = `${source} ${kindOf(text)}`;
    const kind = this.#kinds.get(key) ?? this.#open(key, write);
    kind.came++;
    if (kind.came <= windowOf(kind).written) return write(text);
    kind.last = new Date();
    if (kind.folded++ === 0) kind.since = kind.last;
    kind.text = text;
  }

  /** Writes the counts that are open. What comes later is written as it comes. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const kind of this.#kinds.values()) close(kind);
    this.#kinds.clear();
  }

  #open(key: string, write: WriteLine): Kind {
    for (const [oldest, kind] of this.#kinds) {
      if (this.#kinds.size < MAX_KINDS) break;
      close(kind);
      this.#kinds.delete(oldest);
    }
    const now = new Date();
    const kind = { write, window: 0, came: 0, folded: 0, since: now, last: now, text: '' } as Omit<
      Kind,
      'timer'
    > as Kind;
    this.#kinds.set(key, kind);
    this.#wait(key, kind);
    return kind;
  }

  #wait(key: string, kind: Kind): void {
    kind.timer = setTimeout(() => {
      const { came } = kind;
      close(kind);
      if (came === 0) return void this.#kinds.delete(key);
      kind.window = Math.min(kind.window + 1, WINDOWS.length - 1);
      this.#wait(key, kind);
    }, windowOf(kind).ms).unref();
  }
}

function windowOf({ window }: Kind): (typeof WINDOWS)[number] {
  return WINDOWS[window] as (typeof WINDOWS)[number];
}

/** Ends a window: says what was not written, and counts anew. */
function close(kind: Kind): void {
  clearTimeout(kind.timer);
  const { write, text, folded, since, last } = kind;
  kind.came = 0;
  kind.folded = 0;
  kind.text = '';
  if (folded === 0) return;
  const when =
    folded === 1 ? `at ${timeOfDay(last)}` : `${folded} like this from ${timeOfDay(since)} to ${timeOfDay(last)}`;
  write(`${text} … (${when})`, folded);
}

/** A text without its numbers, durations among them. Digits in names, places and addresses tell kinds apart. */
function kindOf(text: string): string {
  return text.slice(0, KEY_LENGTH).replace(/(?<=^|[\s(])\d[\d.,]*(?!\w)/g, '#');
}
