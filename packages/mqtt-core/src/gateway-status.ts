import type { ConnectorStatus } from './connector-status.js';
import type { DirectionCounts } from './counts.js';
import type { BusState } from './event-bus.js';
import type { ReplyCounts } from './replies.js';

/** The counts of both directions. */
export interface GatewayCounts {
  /** Bus to MQTT, in events. */
  readonly out: DirectionCounts;
  /** MQTT to bus, in messages. */
  readonly in: DirectionCounts;
  /** Answers to messages that asked for one. */
  readonly replies: ReplyCounts;
}

/** How both sides and what lies between them are. */
export interface GatewayStatus {
  readonly bus: BusState;
  /** When {@link bus} was entered, in ms since the Epoch; at the earliest, when the gateway was started. */
  readonly busSince: number;
  readonly broker: ConnectorStatus;
  readonly outbox: {
    /** Messages that wait for the broker. */
    readonly waiting: number;
    /** When the oldest of them was put there, in ms since the Epoch; `undefined` when none waits. */
    readonly oldest: number | undefined;
    /** Messages that are held back before it, since their rules throttle them. */
    readonly held: number;
    /** What keeps it from keeping messages as it should; `undefined` when all is well. */
    readonly fault: string | undefined;
  };
  readonly commands: {
    /** Messages that wait for the bus. */
    readonly waiting: number;
  };
}

/** `bus attached; broker mqtt://h:1883 connected; outbox 3 waiting; commands 0 waiting`, and what is wrong. */
export function formatStatus({ bus, broker, outbox, commands }: GatewayStatus): string {
  const fault = (text: string | undefined) => (text === undefined ? '' : ` (${text})`);
  return [
    `bus ${bus}`,
    `broker ${broker.broker} ${broker.state}${fault(broker.fault)}`,
    `outbox ${outbox.waiting} waiting${outbox.held > 0 ? `, ${outbox.held} held back` : ''}${fault(outbox.fault)}`,
    `commands ${commands.waiting} waiting`,
  ].join('; ');
}
