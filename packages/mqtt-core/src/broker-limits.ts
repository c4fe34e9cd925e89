import type { IConnackPacket } from 'mqtt';
import type { QoS } from './mqtt-message.js';
import type { WireVersion } from './reconnect-schedule.js';

/** What the broker allows this client (MQTT 5, section 3.2.2.3). */
export interface BrokerLimits {
  /** How many publishes may be unacknowledged, by QoS. */
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
