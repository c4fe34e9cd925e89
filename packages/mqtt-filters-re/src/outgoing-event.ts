import type { EventData, Refusal, Timestamp } from '@cstbox/mqtt-core';
import { fieldAt } from './when.js';

/** An event on its way out. */
export interface OutgoingEvent {
  readonly timestamp: Timestamp;
  readonly varType: string;
  readonly varName: string;
  /** `undefined`: nobody said. */
  readonly channel: string | undefined;
  /** Converted and rounded. */
  readonly data: EventData;
}

/** What a rule publishes for an event; or why nothing. */
export type BuildPayload = (event: OutgoingEvent) => string | Refusal;

/** What the rule asks for is not in the event. */
export const NO_VALUE: Refusal = Object.freeze({ reason: 'no_value', detail: 'the event has no value' });

const VALUE = ['value'];
const UNIT = ['unit'];

/** The event's value; `undefined`: it has none, or null. */
export function eventValue({ data }: OutgoingEvent): unknown {
  return fieldAt(data, VALUE) ?? undefined;
}

/** What an event says of its unit. */
export function eventUnit({ data }: OutgoingEvent): unknown {
  return fieldAt(data, UNIT) ?? undefined;
}

type Read = (event: OutgoingEvent) => unknown;

const FIELDS: Readonly<Record<string, Read>> = {
  timestamp: ({ timestamp }) => timestamp,
  timestamp_iso: ({ timestamp }) => isoDate(Number(timestamp)),
  var_type: ({ varType }) => varType,
  var_name: ({ varName }) => varName,
  channel: ({ channel }) => channel,
  data: ({ data }) => data,
  value: eventValue,
  unit: eventUnit,
};

/** The names under which templates find the parts of an event. */
export const FIELD_NAMES: readonly string[] = [...Object.keys(FIELDS), 'data.<key>'];

/** What reads a part of an event by its name in a template; `undefined`: there is no such part. */
export function fieldReader(name: string): Read | undefined {
  if (Object.hasOwn(FIELDS, name)) return FIELDS[name];
  const [root, ...path] = name.split('.');
  if (root !== 'data' || path.length === 0 || path.includes('')) return undefined;
  return ({ data }) => fieldAt(data, path);
}

/** The largest time that a Date holds (ECMAScript, section 21.4.1.1). */
const MAX_DATE = 8.64e15;

function isoDate(milliseconds: number): string | undefined {
  return milliseconds <= MAX_DATE ? new Date(milliseconds).toISOString() : undefined;
}
