import {
  type BasicEvent,
  type BasicEventTuple,
  CONTROL_EVENT_CHANNEL,
  type EventData,
  eventToJson,
  SENSOR_EVENT_CHANNEL,
  type TimedEvent,
  type Timestamp,
} from './event.js';
import type { InboundPolicy } from './inbound-policy.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import type { PublishPolicy } from './publish-policy.js';

/** Why a filter said no, where it has more to say than "no rule for it". */
export interface Refusal {
  /** One of few words, fit for a counter: `not_utf8`, `illegal_topic`, … */
  readonly reason: string;
  /** What exactly, for a log. */
  readonly detail: string;
}

/** A rule of a filter, as the gateway knows it. It looks at the object once, when the rule first decides: don't change it. */
export interface FilterRule {
  /** The books are kept under this name, over restarts too: what the rule says fits better than its number. */
  readonly name: string;
  /** What holds for messages that this rule lets in, where it differs from the gateway's own policy. */
  readonly policy?: InboundPolicy;
  /** How messages that this rule lets out are published, where that differs from the gateway's own way. */
  readonly publish?: PublishPolicy;
}

/** What a rule said to an event or a message, for somebody who wants to know why. */
export interface RuleTrial {
  /** Its name; see {@link FilterRule}. */
  readonly rule: string;
  /** Its place among the rules of its filter, from 0. */
  readonly index: number;
  /**
   * `no_match`: it is not for this variable or topic. `not_applied`: it is, and something that it needs is not there. `channel`,
   * `condition`: it is, but not on this channel, or not with these data. `decides`: what the filter says is its doing, also where
   * it refuses. `not_reached`: one before it has decided.
   */
  readonly outcome: 'no_match' | 'not_applied' | 'channel' | 'condition' | 'decides' | 'not_reached';
  /** Why, where there is more to say. */
  readonly detail?: string | undefined;
  /** What its groups captured; `undefined` for one that took no part in the match. */
  readonly groups?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What one rule of a filter needs to be allowed, at the broker and on the bus. */
export interface RuleNeeds {
  /** Its name; see {@link FilterRule}. */
  readonly rule: string;
  /** Its place among the filter's rules, from 0 on. */
  readonly index: number;
  /** Topic filters that cover what it publishes, or that bring what it lets in. */
  readonly topics: readonly string[];
  /** The channels that its events go to; none for a rule that lets events out. */
  readonly channels: readonly string[];
}

/** What both directions have in common: a name, and a way to say why not, and by which rule. */
abstract class Filter {
  /**
   * What the gateway calls it in its books and in the log; a second one of the same name gets `#2`. The daemon gives a filter
   * without one what stands in `use`. Default: the name of its class.
   */
  declare name?: string | undefined;
  #refusal: Refusal | undefined;

  /**
   * The rule that decided last: a filter that has rules sets it with each answer, before it returns. `undefined`: none
   * did, or the filter has no rules. A no without a rule and without a reason leaves the answer to the next filter, where
   * there are several.
   */
  lastRule: FilterRule | undefined;

  /**
   * For sub-classes: `return this.refuse('too_old', '…')` refuses the message and lets the gateway count and log the
   * reason. Without it, a message that is not accepted counts as filtered.
   */
  protected refuse(reason: string, detail: string): null {
    this.#refusal = { reason, detail };
    return null;
  }

  /**
   * What each rule needs, where the filter has rules and knows: who reads an access list wants to know what a line is for. May
   * be missing.
   */
  needsOfRules?(): readonly RuleNeeds[];

  /** The reason of the last refusal, once. The gateway asks after each message that was not accepted. */
  takeRefusal(): Refusal | undefined {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    return refusal;
  }
}

/** An event that came in, and the channel it goes to. */
export type AcceptedEvent = readonly [event: BasicEvent | BasicEventTuple, channel: string];

/**
 * Decides which MQTT messages come in, and as which events. This one accepts nothing, by security: sub-class it.
 */
export class InboundFilter extends Filter {
  /**
   * The narrowest MQTT topic filters that bring every message that it may accept: what to subscribe to where nobody says.
   * `undefined`: it does not know.
   */
  readonly topicFilters: readonly string[] | undefined;

  /** The channels that its events may go to: what it has to be allowed on the bus. `undefined`: it does not know. */
  readonly emitsOn: readonly string[] | undefined;

  /**
   * The events to publish on the bus for a message, each with its channel. The event manager dates them.
   *
   * @param client the connector that received the message
   * @param userData what the application attached to the connector
   * @param message the message; its topic and payload come from strangers
   * @returns the events, in order; `null`, `undefined` or nothing in it: the message is not accepted
   */
  acceptEvent(
    _client: MQTTConnector,
    _userData: unknown,
    _message: MQTTMessage,
  ): Iterable<AcceptedEvent> | null | undefined {
    return null;
  }

  /**
   * What each rule, in order, has to say to a message; for filters that have rules. It changes nothing that a later answer depends
   * on.
   */
  explain?(message: MQTTMessage): readonly RuleTrial[];
}

/**
 * Decides which events go out, and on which topic. This one lets nothing out: sub-class it.
 */
export class OutboundFilter extends Filter {
  /** The channels to listen to. Default: sensor and control, as in the original. */
  readonly channels: readonly string[] = [SENSOR_EVENT_CHANNEL, CONTROL_EVENT_CHANNEL];

  /**
   * Topic filters that cover every topic that it may give, the narrowest there are: what it has to be allowed at the broker.
   * `undefined`: it does not know.
   */
  readonly publishedTopics: readonly string[] | undefined;

  /**
   * The topic to publish an event on. Called for every event, so it should be fast.
   *
   * @param timestamp ms since the Epoch
   * @param varType type of the variable
   * @param varName name of the variable
   * @param data the event's data
   * @param channel the channel it came on; the same variable on another channel is another variable
   * @returns the topic; `null`: the event does not go out
   */
  getMqttTopic(
    _timestamp: Timestamp,
    _varType: string,
    _varName: string,
    _data: EventData,
    _channel: string,
  ): string | null {
    return null;
  }

  /**
   * The payload for an event that goes out. Default: a JSON object with `timestamp`, `var_type`, `var_name`, `data`.
   */
  makePayload(timestamp: Timestamp, varType: string, varName: string, data: EventData): string | Uint8Array {
    return eventToJson(timestamp, varType, varName, data);
  }

  /**
   * What each rule, in order, has to say to an event; for filters that have rules. It changes nothing that a later answer depends on.
   */
  explain?(event: TimedEvent, channel: string): readonly RuleTrial[];
}
