import { type OutboundMessage, sizeOfMessage } from '@cstbox/mqtt-core';
import type { Entry, Segment } from './segment.js';

/** A message that says `latest`: where it lies, in memory or on disk only, and what is told when it is given up. */
export interface Newest {
  readonly topic: string;
  readonly rule: string | undefined;
  readonly size: number;
  readonly segment: Segment;
  readonly slot: number;
}

/** How many topics are known, and how many UTF-16 units of topics: up to about 35 MB in all. */
const MAX_TOPICS = 131_072;
const MAX_UNITS = 16 * 1024 * 1024;

/**
 * By topic, the newest message that says `latest` and waits, taken or not. A topic that there is no room for is not
 * taken in: its messages wait as if they did not say `latest`.
 */
export class NewestByTopic {
  readonly #newest = new Map<string, Newest>();
  #units = 0;

  /** Whether no other topic is taken in. */
  get full(): boolean {
    return this.#newest.size >= MAX_TOPICS || this.#units >= MAX_UNITS;
  }

  /** The message that the next one on a topic supersedes. */
  readyOn(topic: string): Newest | undefined {
    const newest = this.#newest.get(topic);
    return newest && isReady(newest) ? newest : undefined;
  }

  /** Takes a message for the newest of its topic. */
  set(segment: Segment, slot: number, { topic, rule }: OutboundMessage, size: number): void {
    const before = this.#newest.get(topic);
    if (before) before.segment.newest.delete(before);
    else if (this.full) return;
    else this.#units += topic.length;
    const newest = { topic, rule, size, segment, slot };
    this.#newest.set(topic, newest);
    segment.newest.add(newest);
  }

  /** Of a message and the newest that is known of its topic, takes the newer for the newest. Returns what that supersedes. */
  compare(entry: Entry): Newest | undefined {
    const { message, segment, sequence, taken } = entry;
    const { topic, rule } = message;
    const slot = sequence - segment.first;
    const newest = this.#newest.get(topic);
    if (newest?.segment === segment && newest.slot === slot) return undefined;
    const size = sizeOfMessage(message);
    if (newest && newest.segment.first + newest.slot > sequence) {
      return taken ? undefined : { topic, rule, size, segment, slot };
    }
    this.set(segment, slot, message, size);
    return newest && isReady(newest) ? newest : undefined;
  }

  /** Forgets a message that waits no longer, if it is known. */
  delete({ message, segment, sequence }: Entry): void {
    const newest = this.#newest.get(message.topic);
    if (newest?.segment === segment && newest.slot === sequence - segment.first) this.forget(newest);
  }

  /** Forgets all of a segment. */
  drop(segment: Segment): void {
    for (const newest of segment.newest) this.forget(newest);
  }

  /** Does nothing for one that is not known. */
  forget(newest: Newest): void {
    if (!newest.segment.newest.delete(newest)) return;
    this.#newest.delete(newest.topic);
    this.#units -= newest.topic.length;
  }
}

function isReady({ segment, slot }: Newest): boolean {
  return !segment.entries?.[slot]?.taken;
}
