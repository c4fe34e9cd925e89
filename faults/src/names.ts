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

/** The number that a payload or an event's data holds as its value; `undefined` when it holds none. */
export function numberIn(json: string): { value: number; timestamp: number | undefined } | undefined {
  try {
    const { value, timestamp } = JSON.parse(json) as { value?: unknown; timestamp?: number };
    return typeof value === 'number' ? { value, timestamp } : undefined;
  } catch {
    return undefined;
  }
}
