import type { Backlog } from './backlog.js';
import { checksumOf, encodeData, layoutOf } from './codec.js';
import type { Entry, Segment } from './segment.js';
import { FORMAT, type StoreChange, type StoredBatch, type StoreState } from './store.js';

/** How much is written with one change, and so how long the next one has to wait for the disk. */
const MAX_MESSAGES = 1_024;
const MAX_BYTES = 4 * 1024 * 1024;

interface Written extends StoredBatch {
  readonly segment: Segment;
  readonly data: Buffer;
  readonly entries: readonly Entry[];
  /** How many slots of the segment are written. */
  readonly end: number;
}

interface Updated extends StoredBatch {
  readonly segment: Segment;
}

/** What a backlog has for the disk, on its way there. */
export class Change implements StoreChange {
  readonly batches: Written[] = [];
  readonly progress: Updated[] = [];
  readonly state: StoreState;
  /** Of the messages that are written. */
  readonly bytes: number;
  readonly #deleted: readonly Segment[];
  readonly #backlog: Backlog;

  /** Collects what has to be written, up to a limit. */
  constructor(backlog: Backlog, before: StoreState, ceiling: number) {
    this.#backlog = backlog;
    let [messages, bytes, { waiting, format }] = [0, 0, before];
    for (const segment of backlog.toWrite) {
      if (messages >= MAX_MESSAGES || bytes >= MAX_BYTES) break;
      const { first, slots: end } = segment;
      const entries = [...segment.live()];
      if (entries.length === 0) continue;
      const layout = layoutOf(entries);
      const data = encodeData(first, entries, layout);
      // What is settled is not written again, and so need not be left out.
      const summary = { ...segment.summary(), settled: undefined };
      const checksum = checksumOf(data) ?? 0;
      this.batches.push({ segment, first, data, checksum, wasted: 0, summary, entries, end });
      segment.writing = end;
      waiting += entries.length - segment.waitingOnDisk;
      messages += entries.length;
      bytes += data.length;
      format = Math.max(format, layout);
    }
    for (const segment of backlog.toUpdate) {
      if (segment.writing > 0) continue;
      const { first, checksum, wasted } = segment;
      const summary = segment.summary(segment.stored);
      this.progress.push({ segment, first, checksum, wasted, summary });
      waiting += summary.waiting - segment.waitingOnDisk;
    }
    backlog.toUpdate.clear();
    this.#deleted = backlog.toDelete;
    backlog.toDelete = [];
    for (const segment of this.#deleted) waiting -= segment.waitingOnDisk;
    if (waiting === 0) format = FORMAT.empty;
    this.state = {
      format,
      generation: before.generation + 1,
      waiting,
      oldest: backlog.oldest,
      since: backlog.since,
      ceiling,
    };
    this.bytes = bytes;
  }

  get deleted(): number[] {
    return this.#deleted.map(({ first }) => first);
  }

  get segments(): Segment[] {
    return this.batches.map(({ segment }) => segment);
  }

  /** It is on disk. */
  done(): void {
    for (const { segment, entries, end, checksum, summary } of this.batches) {
      segment.writing = 0;
      segment.checksum = checksum;
      segment.waitingOnDisk = summary.waiting;
      this.#backlog.saved(segment, entries, end);
    }
    for (const { segment, summary } of this.progress) segment.waitingOnDisk = summary.waiting;
  }

  /** It may be on disk or not. */
  failed(): void {
    for (const { segment } of this.batches) segment.writing = 0;
    for (const { segment } of this.progress) if (!segment.removed) this.#backlog.toUpdate.add(segment);
    this.#backlog.toDelete.push(...this.#deleted);
  }
}

/**
 * After a store was opened again: is what was written still there, and only that? What is not, and is in memory, has to be
 * written again; what is strange has to be deleted.
 *
 * @returns segments that are on disk only, and not there any more
 */
export function compare(backlog: Backlog, batches: readonly StoredBatch[]): Segment[] {
  const found = new Map(batches.map((batch) => [batch.first, batch]));
  const lost: Segment[] = [];
  const onDisk = [...backlog.segments()].filter(({ stored }) => stored > 0);
  for (const segment of [...onDisk, ...backlog.toDelete]) {
    const batch = found.get(segment.first);
    if (batch && (segment.removed || batch.checksum === segment.checksum)) {
      found.delete(segment.first);
      segment.waitingOnDisk = batch.summary.waiting;
      if (!segment.removed) backlog.toUpdate.add(segment);
    } else if (segment.entries) {
      if (segment.removed) segment.waitingOnDisk = 0;
      else backlog.unsave(segment);
    } else {
      segment.waitingOnDisk = 0;
      if (!segment.removed) lost.push(segment);
    }
  }
  for (const { first, summary } of found.values()) backlog.discard(first, summary.waiting);
  return lost;
}
