import type { QoS } from './mqtt-message.js';

/** How the messages of a rule are published, where that differs from the gateway's own way. */
export interface PublishPolicy {
  /** Default: the gateway's. */
  readonly qos?: QoS;
  /** The broker keeps the message for later subscribers. Default: false. */
  readonly retain?: boolean;
  /**
   * After how many ms a message is worth nothing. What waits longer for the broker is given up as `expired`; with MQTT 5 the
   * broker is told what is left of it (message expiry interval). Default: never.
   */
  readonly expiryMs?: number;
  /** MQTT 5 user properties, beside those of the gateway itself. */
  readonly userProperties?: Readonly<Record<string, string>>;
  /**
   * What becomes of messages that wait for the broker when a newer one for the same topic comes: `keep_all` keeps them,
   * `latest` gives them up as `superseded`. Default: `keep_all`.
   */
  readonly onBacklog?: 'keep_all' | 'latest';
  /**
   * At most one message per topic in so many ms; the latest of those that come in between is published at the end of the
   * interval, the others are given up as `throttled`. Default: no limit.
   */
  readonly throttleMs?: number;
}
