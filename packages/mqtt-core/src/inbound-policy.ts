import type { RateLimit } from './token-bucket.js';

/** Which of the messages that a filter accepts are let in all the same: commands have a best-before date. */
export interface InboundPolicy {
  /**
   * What becomes of a message that the broker kept from earlier and delivers because we subscribe. Default: `ignore`, where
   * an event of it goes to the control channel, since it may be stale; else `accept`.
   */
  readonly retained?: 'ignore' | 'accept';
  /** How old a message may be, in ms, by the timestamp in its payload. Default: as old as it likes. */
  readonly maxAgeMs?: number;
  /** The field of a JSON payload that holds its date, in ms since the Epoch. Default: `timestamp`. */
  readonly timestampField?: string;
  /**
   * The MQTT 5 user property, or field of a JSON payload, that tells commands apart: a second one with the same is not
   * handed on. Default: `command_id`.
   */
  readonly idField?: string;
  /**
   * How many messages may be handed on in a time; what is refused for another reason does not count. Each object is read once and is a
   * limit of its own: rules whose policies hold the same one share it, a rule uses the same one for all its messages (made anew for
   * each, it would limit nothing), and a change of it later changes nothing. One that can't be right makes each message of the rule
   * a `filter_fault`. Default: no limit.
   */
  readonly rateLimit?: RateLimit;
}
