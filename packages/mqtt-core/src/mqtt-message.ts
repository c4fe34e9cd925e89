/** Quality of service: 0 at most once, 1 at least once, 2 exactly once per session (MQTT 3.1.1, section 4.3). */
export type QoS = 0 | 1 | 2;

/** A message that the broker delivered. Topic and payload come from strangers. */
export interface MQTTMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** The broker kept it from earlier: it may be stale. */
  readonly retain: boolean;
}

/** How to publish a message. */
export interface PublishOptions {
  /** Default: 0. */
  qos?: QoS;
  /** The broker keeps it for later subscribers. Default: false. */
  retain?: boolean;
}
