import type { IConnackPacket } from 'mqtt';
import type { QoS } from './mqtt-message.js';
import type { WireVersion } from './reconnect-schedule.js';

/** What the broker allows this client (MQTT 5, section 3.2.2.3). */
export interface BrokerLimits {
  /** How many publishes of each QoS and those above, together, may be unacknowledged. */
  readonly window: Readonly<Record<QoS, number>>;
  readonly maximumQoS: QoS;
  readonly retainAvailable: boolean;
  /** In bytes. */
  readonly maximumPacketSize: number;
}

/**
 * MQTT 3.1.1 says nothing of limits. Brokers commonly grant 20 messages at QoS 2; beyond it Mosquitto loses messages and
 * reports success.
 */
export const UNKNOWN_LIMITS: BrokerLimits = {
  window: { 0: Infinity, 1: Infinity, 2: 20 },
  maximumQoS: 2,
  retainAvailable: true,
  maximumPacketSize: Infinity,
};

/** What an accepting CONNACK says. */
export function readLimits({ properties = {} }: IConnackPacket, version: WireVersion): BrokerLimits {
  if (version !== 5) return UNKNOWN_LIMITS;
  const receiveMaximum = properties.receiveMaximum ?? 65_535;
  return {
    window: { 0: Infinity, 1: receiveMaximum, 2: receiveMaximum },
    maximumQoS: (properties.maximumQoS ?? 2) as QoS,
    // MQTT.js reads it as a boolean, whatever its types say.
    retainAvailable: Boolean(properties.retainAvailable ?? true),
    maximumPacketSize: properties.maximumPacketSize ?? Infinity,
  };
}

/** How many more publishes of a QoS may be sent while `unacknowledged[n]` of QoS n and above are. */
export function roomFor(qos: QoS, { window }: BrokerLimits, unacknowledged: Readonly<Record<1 | 2, number>>): number {
  if (qos === 0) return Infinity;
  const room = window[1] - unacknowledged[1];
  const roomAtQoS2 = window[2] - unacknowledged[2];
  if (qos === 2) return Math.min(room, roomAtQoS2);
  // Mosquitto takes any number of QoS 1 with MQTT 3.1.1, and ends the connection over one beside as many of QoS 2 as it grants.
  return roomAtQoS2 > 0 ? room : 0;
}
