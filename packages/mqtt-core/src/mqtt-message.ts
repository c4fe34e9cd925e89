/** Quality of service: 0 at most once, 1 at least once, 2 exactly once per session (MQTT 3.1.1, section 4.3). */
export type QoS = 0 | 1 | 2;

/** What MQTT 5 can say beside a message (MQTT 5, sections 3.3.2.3 and 1.5.7). Nothing of it exists in MQTT 3.1.1. */
export interface MessageProperties {
  /** Names and values that sender and receiver agree on. A name that comes twice has its values in a list. */
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>;
  /** Where an answer is expected. */
  readonly responseTopic?: string;
  /** What the answer has to carry, so that the asker knows which question it answers. */
  readonly correlationData?: Uint8Array;
  /** After how many seconds the message is worth nothing; on arrival, what is left of them. */
  readonly messageExpiryInterval?: number;
}

/** A message that the broker delivered. Topic and payload come from strangers. */
export interface MQTTMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** The broker kept it from earlier: it may be stale. */
  readonly retain: boolean;
  /** The broker may have delivered it before. */
  readonly duplicate?: boolean;
  readonly properties?: MessageProperties;
}

/** How to publish a message. */
export interface PublishOptions {
  /** Default: 0. */
  qos?: QoS;
  /** The broker keeps it for later subscribers. Default: false. */
  retain?: boolean;
  /** Left out where the connection speaks MQTT 3.1.1. */
  properties?: MessageProperties;
}
