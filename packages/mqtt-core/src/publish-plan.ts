import { kindOf, quote } from './filter-answer.js';
import { describeError } from './logger.js';
import { MAX_EXPIRY_SECONDS, propertiesFault } from './message-properties.js';
import type { QoS } from './mqtt-message.js';
import type { OutboundMessage } from './outbox.js';
import type { PublishPolicy } from './publish-policy.js';

/** How the messages of a rule are published: its policy, checked, with the gateway's own way where it says nothing. */
export interface PublishPlan {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly expiryMs: number | undefined;
  readonly userProperties: Readonly<Record<string, string>> | undefined;
  readonly latest: boolean;
  readonly throttleMs: number | undefined;
}

/** What a filter has decided of a message, and the gateway beside the plan. */
export type MessageParts = Pick<OutboundMessage, 'topic' | 'payload' | 'rule' | 'userProperties'>;

/** The message that is published by a plan, of an event that came now, in ms since the Epoch. */
export function messageBy(
  { qos, retain, expiryMs, latest }: PublishPlan,
  parts: MessageParts,
  now: number,
): OutboundMessage {
  const { topic, payload, rule, userProperties } = parts;
  const expiresAt = expiryMs === undefined ? undefined : now + Math.ceil(expiryMs);
  return { topic, payload, qos, retain, rule, userProperties, expiresAt, latest };
}

const LARGEST_EXPIRY_MS = MAX_EXPIRY_SECONDS * 1_000;

/** Makes plans of policies; of each object once, so that it costs nothing per message. */
export class PublishPlans {
  readonly #qos: QoS;
  readonly #known = new WeakMap<PublishPolicy, PublishPlan | string>();

  /** @param qos where a policy does not say */
  constructor(qos: QoS) {
    this.#qos = qos;
  }

  /** The plan, or what is wrong with the policy, in words: it comes from a filter, which may be anybody's. */
  of(policy: PublishPolicy): PublishPlan | string {
    if (typeof policy !== 'object' || policy === null) return `a publish policy is an object, not ${shown(policy)}`;
    let plan = this.#known.get(policy);
    if (plan === undefined) {
      plan = this.#make(policy);
      this.#known.set(policy, plan);
    }
    return plan;
  }

  #make(policy: PublishPolicy): PublishPlan | string {
    try {
      const { qos = this.#qos, retain = false, expiryMs, throttleMs, onBacklog = 'keep_all' } = policy;
      // A copy: what was checked can't be changed any more.
      const given = policy.userProperties;
      const userProperties = given === undefined ? undefined : Object.freeze({ ...given });
      const fault =
        (qos === 0 || qos === 1 || qos === 2 ? undefined : `qos is 0, 1 or 2, not ${shown(qos)}`) ??
        (typeof retain === 'boolean' ? undefined : `retain is true or false, not ${shown(retain)}`) ??
        (onBacklog === 'keep_all' || onBacklog === 'latest'
          ? undefined
          : `onBacklog is keep_all or latest, not ${shown(onBacklog)}`) ??
        durationFault('expiryMs', expiryMs, LARGEST_EXPIRY_MS) ??
        durationFault('throttleMs', throttleMs, Number.MAX_SAFE_INTEGER) ??
        (userProperties && userPropertiesFault(given, userProperties));
      if (fault !== undefined) return `the publish policy of the rule: ${fault}`;
      return { qos, retain, expiryMs, throttleMs, userProperties, latest: onBacklog === 'latest' };
    } catch (error) {
      return `the publish policy of the rule can't be read: ${describeError(error)}`;
    }
  }
}

function durationFault(name: string, value: unknown, largest: number): string | undefined {
  if (value === undefined || (typeof value === 'number' && value > 0 && value <= largest)) return undefined;
  return `${name} is a number of ms above 0, and at most ${largest}, not ${shown(value)}`;
}

function userPropertiesFault(given: unknown, copy: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return `userProperties is an object, not ${Array.isArray(given) ? 'an array' : shown(given)}`;
  }
  const odd = Object.keys(copy).find((name) => typeof copy[name] !== 'string');
  if (odd !== undefined) return `the user property ${quote(odd)} is a string, not ${shown(copy[odd])}`;
  return propertiesFault({ userProperties: copy as Record<string, string> });
}

function shown(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' || value === null ? String(value) : kindOf(value);
}
