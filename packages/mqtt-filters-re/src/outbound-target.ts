import type { EventData, FilterRule, Refusal } from '@cstbox/mqtt-core';
import type { LastPublished } from './deadband.js';
import { type BuildPayload, eventValue, type OutgoingEvent } from './outgoing-event.js';
import type { Declined } from './rule.js';
import type { Shape } from './value-shaping.js';

/** What a rule does with the events of one variable. */
export interface OutboundTarget {
  readonly topic: string;
  /** What a rule that is an object says beyond the topic. */
  readonly more?: OutboundDetails;
}

/** What a rule that is an object does with the events of one variable. */
export interface OutboundDetails {
  /** Whether it takes the event; the channel is `undefined` where nobody said. Default: it takes all. */
  readonly accepts: ((data: EventData, channel: string | undefined) => boolean) | undefined;
  /** Why it does not take an event, in words; `undefined`: it does. */
  readonly decline?: ((data: EventData, channel: string | undefined) => Declined | undefined) | undefined;
  /** Why what it takes can't be published at all. */
  readonly refusal: Refusal | undefined;
  /** What the gateway is told of the rule, where that differs from variable to variable. */
  readonly info: FilterRule | undefined;
  readonly shape: Shape | undefined;
  /** `undefined`: the filter's own payload. */
  readonly build: BuildPayload | undefined;
  /** With a deadband: what was published last. */
  readonly last: LastPublished | undefined;
  /** Characters that are held for this variable alone, beside the topic. */
  readonly chars: number;
}

/** Characters that a target holds. */
export function charsOfTarget({ topic, more }: OutboundTarget): number {
  return topic.length + (more?.chars ?? 0);
}

const UNCHANGED: Refusal = Object.freeze({
  reason: 'unchanged',
  detail: 'the value lies within the deadband of the one published last',
});

/**
 * The payload for an event that the rule takes; `undefined`: the filter's own.
 *
 * @param isPublished whether it goes out: only then it is compared with what was published last, and is that from now on
 */
export function payloadFor(
  { refusal, shape, build, last }: OutboundDetails,
  event: OutgoingEvent,
  isPublished: boolean,
): string | Refusal | undefined {
  if (refusal) return refusal;
  let shaped = event;
  if (shape) {
    const made = shape(event.data);
    if ('refusal' in made) return made.refusal;
    shaped = { ...event, data: made.data };
  }
  if (!last || !isPublished) return build?.(shaped);
  const value = eventValue(shaped);
  if (last.isUnchanged(value, event.timestamp)) return UNCHANGED;
  const payload = build?.(shaped);
  if (typeof payload !== 'object') last.published(value, event.timestamp);
  return payload;
}
