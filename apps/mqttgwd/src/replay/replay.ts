import type { Crossing, Rehearsal } from '@cstbox/mqtt-core';
import { type Damage, inOrder, readRecording } from '../recording/read-recording.js';
import type { RecordedLine } from '../recording/recording-format.js';
import { changesBetween } from './changes.js';
import { type Example, exampleOf, type Redact } from './example.js';
import { type Entry, Tally } from './tally.js';

/** What a recording is replayed with. */
export interface ReplayOptions {
  /** What is to be tried out; its time is that of `clock`. */
  readonly rehearsal: Rehearsal;
  /** What it is compared with, likewise. */
  readonly against?: Rehearsal | undefined;
  /** Is set to the time of each record, in ms since the Epoch. */
  readonly clock: { now: number };
  /** How many examples of each difference are kept; of all together {@link MAX_EXAMPLES} at most. */
  readonly maxExamples: number;
  /** Is asked for the texts of the examples. */
  readonly redact: Redact;
}

/** What became of the records of a direction. */
export interface DirectionReport {
  records: number;
  /** Records of which something else comes than before. */
  different: number;
  /** By change, the rule of before, and the rule or the reason of now. */
  readonly differences: readonly Entry<Example>[];
  /** By outcome and rule. */
  readonly outcomes: readonly Entry<never>[];
}

/** What became of a recording. */
export interface ReplayReport {
  readonly files: readonly string[];
  /** The times of the first and the last record, in ms since the Epoch. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly seconds: number;
  readonly out: DirectionReport;
  readonly in: DirectionReport;
  readonly damaged: { readonly count: number; readonly first: readonly Damage[] };
  /** How often a side was away while it was recorded. */
  readonly gaps: { readonly bus: number; readonly mqtt: number };
  /** How many records are missing, since the disk did not take them. */
  readonly missed: number;
  /** Messages of which the rules ask for what is not played: see {@link Unplayed}. */
  readonly unplayed: Unplayed;
}

/** How many messages ask for what takes a broker and its absence. */
export interface Unplayed {
  throttled: number;
  expiring: number;
  latest: number;
}

/** So many examples are kept at most: a recording may be larger than the memory. */
export const MAX_EXAMPLES = 10_000;

const MAX_DAMAGES = 20;

/** Plays recordings to a configuration, and where there is another one, compares record by record what they make of them. */
export class Replay {
  readonly #options: ReplayOptions;
  readonly #out: Direction;
  readonly #in: Direction;
  readonly #damages: Damage[] = [];
  #damaged = 0;
  readonly #away = { bus: 0, mqtt: 0 };
  readonly #wasUp = { bus: false, mqtt: false };
  #missed = 0;
  #from: number | undefined;
  #to: number | undefined;
  readonly #unplayed: Unplayed = { throttled: 0, expiring: 0, latest: 0 };

  constructor(options: ReplayOptions) {
    this.#options = options;
    const room = { left: MAX_EXAMPLES };
    this.#out = new Direction(options, room);
    this.#in = new Direction(options, room);
  }

  /** @throws {FileFailure} for a file that can't be read, or is no recording */
  async play(paths: readonly string[]): Promise<ReplayReport> {
    const start = performance.now();
    const files = await inOrder(paths);
    for (const path of files) {
      for await (const lines of readRecording(path, (damage) => this.#noteDamage(damage))) {
        for (const line of lines) this.#play(line);
      }
    }
    return {
      files,
      from: this.#from,
      to: this.#to,
      seconds: (performance.now() - start) / 1_000,
      out: this.#out.report,
      in: this.#in.report,
      damaged: { count: this.#damaged, first: this.#damages },
      gaps: this.#away,
      missed: this.#missed,
      unplayed: this.#unplayed,
    };
  }

  #play(line: RecordedLine): void {
    const { rehearsal, against, clock } = this.#options;
    clock.now = line.at;
    switch (line.kind) {
      case 'bus': {
        const ask = (whom: Rehearsal) => whom.event(line.channel, line.event);
        return this.#take(this.#out, line.at, ask(rehearsal), against && ask(against));
      }
      case 'mqtt': {
        const ask = (whom: Rehearsal) => whom.message(line.message);
        return this.#take(this.#in, line.at, ask(rehearsal), against && ask(against));
      }
      case 'link':
        if (!line.isUp && this.#wasUp[line.side]) this.#away[line.side]++;
        this.#wasUp[line.side] = line.isUp;
        return;
      case 'missed':
        this.#missed += line.count;
    }
  }

  #take(direction: Direction, at: number, now: Crossing, old: Crossing | undefined): void {
    this.#from ??= at;
    this.#to = at;
    direction.take(at, now, old);
    if (now.direction !== 'out' || now.outcome !== 'accepted') return;
    if (now.throttleMs !== undefined) this.#unplayed.throttled++;
    if (now.message.expiresAt !== undefined) this.#unplayed.expiring++;
    if (now.message.latest) this.#unplayed.latest++;
  }

  #noteDamage(damage: Damage): void {
    this.#damaged++;
    if (this.#damages.length < MAX_DAMAGES) this.#damages.push(damage);
  }
}

/** The records of one direction. */
class Direction {
  #records = 0;
  #different = 0;
  readonly #differences: Tally<Example>;
  readonly #outcomes = new Tally();

  readonly #redact: Redact;

  constructor({ maxExamples, redact }: ReplayOptions, room: { left: number }) {
    this.#redact = redact;
    this.#differences = new Tally(maxExamples, room);
  }

  get report(): DirectionReport {
    const { entries: differences } = this.#differences;
    return { records: this.#records, different: this.#different, differences, outcomes: this.#outcomes.entries };
  }

  take(at: number, now: Crossing, old: Crossing | undefined): void {
    this.#records++;
    const decided = deciderOf(now);
    this.#outcomes.add([outcomeOf(now), decided]);
    if (!old) return;
    const changes = changesBetween(old, now);
    if (changes.length === 0) return;
    this.#different++;
    for (const change of changes) {
      const key = [change, deciderOf(old), outcomeOf(old), decided, outcomeOf(now)];
      this.#differences.add(key, () => exampleOf(at, change, old, now, this.#redact));
    }
  }
}

/** The rule, with its filter, that has decided; empty for none. */
function deciderOf(crossing: Crossing): string {
  return ('rule' in crossing && crossing.rule) || '';
}

/** Why nothing comes of it, in a word; `accepted` where something does. */
function outcomeOf(crossing: Crossing): string {
  return 'refusal' in crossing ? crossing.refusal.reason : crossing.outcome;
}
