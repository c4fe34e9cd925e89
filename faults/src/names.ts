/** Names on the bus, as CSTBox has them. */
export const EVENT_MANAGER = 'fr.cstb.cstbox.EventManager';
export const GATEWAY = 'fr.cstb.cstbox.MQTTGateway';
export const EVENT_SIGNAL = 'onCSTBoxEvent';

/** Every event and every command has a number of its own, which is its value; it belongs to one of the variables in turns. */
export const ROOMS = 7;
/** An event carries this plus its number as its date: whoever changes dates is found out. */
export const FIRST_TIMESTAMP = 1_600_000_000_000;
/** The room of a command says how it is published: the order holds within one QoS. */
export const COMMAND_ROOMS = ['q1', 'q2'] as const;

export const EVENT_TOPIC = /^site\/room(\d+)\/temperature$/;
export const COMMAND_TOPIC = /^site\/(q[12])\/set\/dim$/;

/** What a payload or an event's data says: its number, and its date where it has one. */
export interface Content {
  readonly number: number;
  readonly timestamp: number | undefined;
}

/** Reads a command, an event's data, or an event as the gateway publishes it; `undefined` when it is none of ours. */
export function readContent(json: string): Content | undefined {
  try {
    const content = JSON.parse(json) as { value?: unknown; timestamp?: number; data?: { value?: unknown } };
    const value = content.value ?? content.data?.value;
    return typeof value === 'number' ? { number: value, timestamp: content.timestamp } : undefined;
  } catch {
    return undefined;
  }
}
