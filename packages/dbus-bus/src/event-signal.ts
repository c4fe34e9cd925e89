import { type EventData, TimedEvent, toTimestamp } from '@cstbox/mqtt-core';
import type { DBusMessage } from './dbus-message.js';
import { EVENT_SIGNATURE } from './names.js';

/** Why a signal is no event, in few words and in more. */
export type SignalFault = readonly [reason: string, detail: string];

/** The event that a signal of the event manager carries, or what is wrong with it. */
export function readEventSignal({ signature, body }: DBusMessage): TimedEvent | SignalFault {
  if (signature !== EVENT_SIGNATURE) {
    return ['malformed_signal', `an event signal with the signature '${signature}'`];
  }
  const [timestamp, varType, varName, json] = body as [bigint, string, string, string];
  const data = parseData(json);
  if (data) return new TimedEvent(toTimestamp(timestamp), varType, varName, data);
  const variable = JSON.stringify(`${varType}:${varName}`.slice(0, 80));
  return ['malformed_data', `the data of ${variable} is no JSON object`];
}

function parseData(json: string): EventData | undefined {
  try {
    const data: unknown = JSON.parse(json);
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as EventData) : undefined;
  } catch {
    return undefined;
  }
}
