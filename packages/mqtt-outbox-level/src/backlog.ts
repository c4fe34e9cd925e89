import { type OutboundMessage, sizeOfMessage } from '@cstbox/mqtt-core';
import { type Newest, NewestByTopic } from './newest.js';
import { type Entry, Segment } from './segment.js';

/** So many bytes of superseded messages may lie on disk, or as many as wait when they are more. */
const SPARE_BYTES = 4 * 1024 * 1024;

/** All that waits, in order: segments in memory, on disk, or both. Knows nothing of files. */
export class Backlog {
  waiting = 0;
  bytes = 0;
  /** What waits and is not on disk. */
  unsaved = 0;
  unsavedBytes = 0;
  lastSequence = 0;
  /** Segments to which messages were added since they were written, if ever. */
  readonly toWrite = new Set<Segment>();
  /** Segments of which more is settled than the disk knows. */
  readonly toUpdate = new Set<Segment>();
  /** Segments that are no more, and still on disk. */
  toDelete: Segment[] = [];
  readonly newest = new NewestByTopic();
  /** How many bytes on disk are those of messages that were superseded. */
  wasted = 0;
  #head: Segment | undefined;
  #tail: Segment | undefined;
  /** No segment before it has a message that is ready to be taken. */
  #cursor: Segment | undefined;

  append(message: OutboundMessage, size: number, since: number): void {
    let tail = this.#tail;
    if (!tail?.open) {
      tail = new Segment(this.lastSequence + 1);
      this.#link(tail);
    }
    if (tail.stored === tail.slots) this.toWrite.add(tail);
    tail.add(message, size, since);
    if (message.latest) this.newest.set(tail, tail.slots - 1, message, size);
    this.lastSequence++;
    this.waiting++;
    this.bytes += size;
    this.unsaved++;
    this.unsavedBytes += size;
  }

  /**
   * The oldest message that is not taken; or the segment that it is in, when that has to be read first.
   *
   * @param durable give nothing that is not on disk
   * @param readable whether segments can be read; when not, those on disk are passed over, until {@link rewind}
   */
  oldestReady(durable: boolean, readable: boolean): Entry | Segment | undefined {
    for (let segment = this.#cursor; segment; segment = segment.next) {
      if (segment.entries) {
        const end = durable ? segment.stored : segment.slots;
        const entry = segment.oldestReady(end);
        if (entry) return entry;
        if (end < segment.slots) return undefined;
      } else if (readable) {
        return segment;
      }
      if (segment.next) this.#cursor = segment.next;
    }
    return undefined;
  }

  /** The oldest message that is neither taken nor on disk nor on its way there. */
  oldestUnsaved(): Entry | undefined {
    for (const segment of this.toWrite) {
      const entry = segment.oldestUnsaved();
      if (entry) return entry;
    }
    return undefined;
  }

  /** Whether a message that is not on disk waits since before another was put. */
  hasUnsavedUpTo(sequence: number): boolean {
    for (const segment of this.toWrite) {
      const [oldest] = segment.live(segment.stored);
      if (oldest) return oldest.sequence <= sequence;
    }
    return false;
  }

  /** No message before it waits. */
  get oldest(): number {
    for (const segment of this.segments()) if (segment.waiting > 0) return segment.oldest;
    return this.lastSequence + 1;
  }

  /** When the oldest message that waits was put; `undefined` when nothing waits. */
  get since(): number | undefined {
    for (const segment of this.segments()) if (segment.waiting > 0) return segment.since;
    return undefined;
  }

  take(entry: Entry): void {
    entry.taken = true;
    entry.segment.taken++;
  }

  /** Returns whether it was taken. */
  giveBack(entry: Entry): boolean {
    const { segment } = entry;
    if (!entry.taken || !segment.has(entry)) return false;
    entry.taken = false;
    segment.taken--;
    segment.nextReady = Math.min(segment.nextReady, entry.sequence - segment.first);
    if (!this.#cursor || segment.first < this.#cursor.first) this.#cursor = segment;
    return true;
  }

  /** Forgets a message. Returns whether it was there. */
  forget(entry: Entry): boolean {
    const { segment } = entry;
    if (!segment.has(entry)) return false;
    const size = sizeOfMessage(entry.message);
    if (entry.message.latest) this.newest.delete(entry);
    this.waiting--;
    this.bytes -= size;
    segment.forget(entry, size);
    if (entry.sequence - segment.first >= segment.stored) {
      this.unsaved--;
      this.unsavedBytes -= size;
    } else {
      this.toUpdate.add(segment);
    }
    // The last one goes on while nothing of it is on disk: a segment for each message would be a waste.
    if (segment.waiting === 0 && (segment !== this.#tail || segment.stored > 0 || !segment.open)) this.remove(segment);
    return true;
  }

  /** Forgets a message because a newer one on its topic came; not one that is taken. */
  supersede(newest: Newest): void {
    const { segment, slot, size } = newest;
    if (slot < segment.stored) this.#waste(segment, size);
    const entry = segment.entries?.[slot];
    if (entry) return void this.forget(entry);
    this.newest.forget(newest);
    this.waiting--;
    this.bytes -= size;
    segment.forgetStored(newest);
    this.toUpdate.add(segment);
    if (segment.waiting === 0) this.remove(segment);
  }

  /** The oldest segments of which more was superseded than waits, when that is much in all of them. */
  *wasteful(): Generator<Segment> {
    for (const segment of this.segments()) {
      if (this.wasted <= Math.max(SPARE_BYTES, this.bytes)) return;
      if (segment.wasted > segment.bytes && segment.stored === segment.slots && !this.toWrite.has(segment))
        yield segment;
    }
  }

  /** The messages of a segment that is on disk have to be written again, without those that are gone. */
  rewrite(segment: Segment): void {
    if (segment.entries && !segment.removed) this.toWrite.add(segment);
  }

  /** Forgets a segment. One that has messages must be on disk as a whole. */
  remove(segment: Segment): void {
    this.waiting -= segment.waiting;
    this.bytes -= segment.bytes;
    this.#waste(segment, -segment.wasted);
    this.newest.drop(segment);
    segment.removed = true;
    this.toWrite.delete(segment);
    this.toUpdate.delete(segment);
    if (segment.stored > 0 || segment.writing > 0) this.toDelete.push(segment);
    if (segment.previous) segment.previous.next = segment.next;
    else this.#head = segment.next;
    if (segment.next) segment.next.previous = segment.previous;
    else this.#tail = segment.previous;
    if (this.#cursor === segment) this.#cursor = segment.next ?? segment.previous;
  }

  /** All segments, from the oldest, or from the one that is being taken from. */
  *segments(from: 'head' | 'cursor' = 'head'): Generator<Segment> {
    for (let segment = from === 'head' ? this.#head : this.#cursor; segment; ) {
      const { next } = segment;
      yield segment;
      segment = next;
    }
  }

  /** What was put is on disk now: the entries of a segment that were written, up to a slot. */
  saved(segment: Segment, written: readonly Entry[], end: number): void {
    this.#waste(segment, -segment.wasted);
    for (const entry of written) {
      if (!segment.has(entry)) {
        // Settled meanwhile, and now on disk even so.
        if (segment.removed) continue;
        this.toUpdate.add(segment);
        if (entry.message.latest) this.#waste(segment, sizeOfMessage(entry.message));
      } else if (entry.sequence - segment.first >= segment.stored) {
        this.unsaved--;
        this.unsavedBytes -= sizeOfMessage(entry.message);
      }
    }
    segment.stored = end;
    if (segment.removed) return;
    if (segment.stored === segment.slots) {
      this.toWrite.delete(segment);
      segment.sealUnlessSmall();
    }
    if (segment.waiting === 0) this.remove(segment);
  }

  /** A segment that was on disk is not there any more, but in memory: it has to be written again. */
  unsave(segment: Segment): void {
    for (const { message } of segment.live()) {
      this.unsaved++;
      this.unsavedBytes += sizeOfMessage(message);
    }
    segment.stored = segment.waitingOnDisk = 0;
    this.#waste(segment, -segment.wasted);
    this.toUpdate.delete(segment);
    this.toWrite.add(segment);
  }

  /** What is in the store and belongs to nothing here has to be deleted; so many messages wait in it. */
  discard(first: number, waiting: number): void {
    const stray = new Segment(first);
    stray.removed = true;
    stray.waitingOnDisk = waiting;
    this.toDelete.push(stray);
  }

  /** Puts segments that were found on disk before all others. */
  prepend(found: readonly Segment[], lastSequence: number): void {
    const behind = this.#head;
    if (behind && behind.first <= lastSequence) this.#renumber(lastSequence + 1 - behind.first);
    const own = [...this.segments()];
    this.#head = this.#tail = this.#cursor = undefined;
    for (const segment of [...found, ...own]) this.#link(segment);
    for (const { waiting, bytes, wasted } of found) {
      this.waiting += waiting;
      this.bytes += bytes;
      this.wasted += wasted;
    }
    this.lastSequence = Math.max(this.lastSequence, lastSequence);
    this.rewind();
  }

  /** Looks from the beginning for what is ready. */
  rewind(): void {
    this.#cursor = this.#head;
  }

  #waste(segment: Segment, bytes: number): void {
    segment.wasted += bytes;
    this.wasted += bytes;
  }

  #link(segment: Segment): void {
    segment.previous = this.#tail;
    segment.next = undefined;
    if (this.#tail) this.#tail.next = segment;
    else this.#head = segment;
    this.#tail = segment;
    this.#cursor ??= segment;
  }

  #renumber(shift: number): void {
    for (const segment of this.segments()) {
      segment.first += shift;
      for (const entry of segment.live()) entry.sequence += shift;
    }
    this.lastSequence += shift;
  }
}
