import type { QoS } from './mqtt-message.js';

/**
 * How the messages of a rule are published, where that differs from the gateway's own way. Each object is read once: a rule uses
 * the same one for all its messages, and a change of it later changes nothing. One that can't be right makes each message
 * of the rule a `filter_fault`.
 */
export interface PublishPolicy {
  /** Default: the gateway's. */
  readonly qos?: QoS;
  /** The broker keeps the message for later subscribers. Default: false. */
  readonly retain?: boolean;
  /**
   * After how many ms a message is worth nothing, counted by the wall clock from when its event came. What waits longer for the broker is
   * given up as `expired` when its turn comes; with MQTT 5 the broker is told how many seconds are left (message expiry interval),
   * at most 2^32 - 1. Default: never.
   */
  readonly expiryMs?: number;
  /** MQTT 5 user properties, beside those of the gateway itself: its `replayed` wins over one of that name. */
  readonly userProperties?: Readonly<Record<string, string>>;
  /**
   * What becomes of messages that wait for the broker when a newer one for the same topic comes: `keep_all` keeps them,
   * `latest` gives them up as `superseded`. Default: `keep_all`.
   */
  readonly onBacklog?: 'keep_all' | 'latest';
  /**
   * At most one message per topic in so many ms; the latest of those that come in between is published at the end of the
   * interval, unless anything else goes out on the topic before; the others are given up as `throttled`. Rules with the same
   * interval share it. Default: no limit.
   */
  readonly throttleMs?: number;
}
