import { type KeptMessages, type OutboundMessage, sizeOfMessage } from '@cstbox/mqtt-core';

/** What is known of a segment's waiting messages without reading them. */
export interface Summary {
  /** How many sequence numbers it spans. */
  readonly slots: number;
  readonly waiting: number;
  /** As `sizeOfMessage` counts them. */
  readonly bytes: number;
  /** When its youngest message was put. */
  readonly until: number;
  readonly rules: readonly KeptMessages[];
  /** How many of those that wait say `latest`. */
  readonly latest: number;
  /** One bit per slot, set where nothing waits any more; `undefined` when something waits in each. */
  readonly settled: Uint8Array | undefined;
}

/** A message and its place in a segment. */
export interface SlottedMessage {
  readonly slot: number;
  /** When it was put, by the wall clock. */
  readonly since: number;
  readonly message: OutboundMessage;
}

/** @param messages in the order of their slots */
export function summarize(messages: Iterable<SlottedMessage>, slots?: number): Summary {
  const rules = new Map<string | undefined, number>();
  const waits = new Set<number>();
  let [bytes, until, latest, end] = [0, 0, 0, 0];
  for (const { slot, since, message } of messages) {
    rules.set(message.rule, (rules.get(message.rule) ?? 0) + 1);
    waits.add(slot);
    bytes += sizeOfMessage(message);
    until = Math.max(until, since);
    if (message.latest) latest++;
    end = slot + 1;
  }
  const span = slots ?? end;
  return {
    slots: span,
    waiting: waits.size,
    bytes,
    until,
    rules: [...rules].map(([rule, count]) => ({ rule, count })),
    latest,
    settled: waits.size < span ? bitmap(span, (slot) => !waits.has(slot)) : undefined,
  };
}

/** What is left when a message that waits and says `latest` is gone. */
export function without(
  summary: Summary,
  { slot, size, rule }: { slot: number; size: number; rule: string | undefined },
): Summary {
  const { slots, rules } = summary;
  return {
    ...summary,
    waiting: summary.waiting - 1,
    bytes: summary.bytes - size,
    rules: rules.map((each) => (each.rule === rule ? { rule, count: each.count - 1 } : each)).filter(isSome),
    latest: summary.latest - 1,
    settled: bitmap(slots, (each) => each === slot || isSettled(summary, each)),
  };
}

function isSome({ count }: KeptMessages): boolean {
  return count > 0;
}

export function isSettled({ settled }: Summary, slot: number): boolean {
  return settled !== undefined && (((settled[slot >> 3] ?? 0) >> (slot & 7)) & 1) === 1;
}

function bitmap(length: number, isSet: (index: number) => boolean): Uint8Array {
  const bits = new Uint8Array((length + 7) >> 3);
  for (let index = 0; index < length; index++) {
    if (isSet(index)) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return bits;
}
