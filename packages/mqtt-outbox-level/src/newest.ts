import { keyOf, type OutboundMessage, sizeOfMessage } from '@cstbox/mqtt-core';
import type { Entry, Segment } from './segment.js';

/** A message that says `latest`: where it lies, in memory or on disk only, and what is told when it is given up. */
export interface Newest {
  /** That of its topic. */
  readonly key: string;
  readonly rule: string | undefined;
  readonly size: number;
  readonly segment: Segment;
  readonly slot: number;
}

/** How many topics are known, and how many UTF-16 units of their keys: up to about 35 MB in all. */
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
    const newest = this.#newest.get(keyOf(topic));
    return newest && isReady(newest) ? newest : undefined;
  }

  /** Takes a message for the newest of its topic. */
  set(segment: Segment, slot: number, { topic, rule }: OutboundMessage, size: number): void {
    this.#set({ key: keyOf(topic), rule, size, segment, slot });
  }

  #set(newest: Newest): void {
    const { key, segment } = newest;
    const before = this.#newest.get(key);
    if (before) before.segment.newest.delete(before);
    else if (this.full) return;
    else this.#units += key.length;
    this.#newest.set(key, newest);
    segment.newest.add(newest);
  }

  /** Of a message and the newest that is known of its topic, takes the newer for the newest. Returns what that supersedes. */
  compare(entry: Entry): Newest | undefined {
    const { message, segment, sequence, taken } = entry;
    const key = keyOf(message.topic);
    const slot = sequence - segment.first;
    const newest = this.#newest.get(key);
    if (newest?.segment === segment && newest.slot === slot) return undefined;
    const own = { key, rule: message.rule, size: sizeOfMessage(message), segment, slot };
    if (newest && newest.segment.first + newest.slot > sequence) {
      return taken ? undefined : own;
    }
    this.#set(own);
    return newest && isReady(newest) ? newest : undefined;
  }

  /** Forgets a message that waits no longer, if it is known. */
  delete({ message, segment, sequence }: Entry): void {
    const newest = this.#newest.get(keyOf(message.topic));
    if (newest?.segment === segment && newest.slot === sequence - segment.first) this.forget(newest);
  }

  /** Forgets all of a segment. */
  drop(segment: Segment): void {
    for (const newest of segment.newest) this.forget(newest);
  }

  /** Does nothing for one that is not known. */
  forget(newest: Newest): void {
    if (!newest.segment.newest.delete(newest)) return;
    this.#newest.delete(newest.key);
    this.#units -= newest.key.length;
  }
}

function isReady({ segment, slot }: Newest): boolean {
  return !segment.entries?.[slot]?.taken;
}
