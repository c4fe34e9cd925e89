import type { EventData, FilterRule, PublishPolicy } from '@cstbox/mqtt-core';
import { channelFault } from './channels.js';
import { checkShape } from './check-shape.js';
import { checkRegex } from './compile-rules.js';
import { type Deadband, LastPublished } from './deadband.js';
import { type OutboundRuleObject, outboundObject } from './outbound-rule-object.js';
import type { OutboundDetails, OutboundTarget } from './outbound-target.js';
import { compileTopic } from './outbound-topic.js';
import { buildEvent, compilePayload } from './payload-builder.js';
import { senmlUnit } from './payload-senml.js';
import type { Problems } from './problems.js';
import { show } from './quote.js';
import type { Declined, Rule } from './rule.js';
import { findUnit } from './unit-conversion.js';
import { compileUserProperties } from './user-properties.js';
import { compileShape } from './value-shaping.js';
import { compileCondition, unmet } from './when.js';

/** A compiled outbound rule. */
export interface CompiledOutboundRule extends Rule<OutboundTarget> {
  /** Covers every topic that it publishes on; `undefined`: no filter does. */
  readonly topicFilter: string | undefined;
  /** The channels that it is for. Default: all that are listened to. */
  readonly channels?: readonly string[] | undefined;
}

/** Compiles an outbound rule that is an object. */
export function compileOutboundObject(
  given: Readonly<Record<string, unknown>>,
  problems: Problems,
): CompiledOutboundRule | undefined {
  const rule = checkShape(outboundObject.shape, given, problems) as Partial<OutboundRuleObject>;
  checkNames(given, problems);
  const regex = rule.match === undefined ? undefined : checkRegex(rule.match, problems.at('match'));
  const compiledTopic = rule.topic === undefined ? undefined : compileTopic(rule.topic, regex, problems.at('topic'));
  const bindPayload = compilePayload(rule.payload ?? 'event', regex, problems.at('payload'));
  const shape = compileShape(rule.unit, rule.round, problems.at('unit'));
  const properties =
    rule.user_properties && compileUserProperties(rule.user_properties, regex, problems.at('user_properties'));
  const deadband = compileDeadband(rule, problems);
  const channels = checkChannels(rule.channel, problems.at('channel'));
  checkSenmlUnit(rule, problems.at('unit'));
  if (!regex || !compiledTopic || !bindPayload) return undefined;

  const accepts = compileAccepts(channels, rule);
  const decline = accepts && declineOf(channels, rule);
  const policy = policyOf(rule);
  const info = (userProperties: PublishPolicy['userProperties']): FilterRule => ({
    name: nameOf(regex.source, rule),
    publish: userProperties ? { ...policy, userProperties } : policy,
  });
  return {
    info: info(properties?.fixed),
    regex,
    isConditional: accepts !== undefined,
    channels,
    topicFilter: compiledTopic.filter,
    apply(groups) {
      const topic = compiledTopic.fill(groups);
      if ('why' in topic) return topic;
      const payload = bindPayload(groups);
      if ('why' in payload) return payload;
      // Those that are the same for all variables stand in the rule's own description.
      const own = properties?.fixed ? undefined : properties?.bind(groups);
      if (own && 'why' in own) return own;
      const refusal = 'refusal' in topic ? topic.refusal : own && 'refusal' in own ? own.refusal : undefined;
      // Where it depends on the event whether the rule takes it, so does whether it is refused.
      if (refusal && !accepts) return { refusal };
      const bound = own && 'result' in own ? own.result : undefined;
      const more: OutboundDetails = {
        accepts,
        decline,
        refusal: refusal ?? payload.refusal,
        info: bound && info(bound),
        shape,
        build: payload.build === buildEvent && !shape ? undefined : payload.build,
        last: deadband && new LastPublished(deadband),
        chars: payload.chars + (bound ? charsOf(bound) : 0),
      };
      return { result: { topic: 'result' in topic ? topic.result : '', more } };
    },
  };
}

/** The regex, and what else decides whether the rule takes an event: others may have the same regex. */
function nameOf(regex: string, { channel, when }: Partial<OutboundRuleObject>): string {
  const on = channel === undefined ? '' : ` on ${[channel].flat().join(', ')}`;
  return `${regex}${on}${when === undefined ? '' : ` when ${show(when)}`}`;
}

function policyOf({ qos, retain, expiry, on_backlog, throttle }: Partial<OutboundRuleObject>): PublishPolicy {
  return {
    ...(qos !== undefined && { qos }),
    ...(retain !== undefined && { retain }),
    ...(expiry !== undefined && { expiryMs: expiry * 1_000 }),
    ...(on_backlog !== undefined && { onBacklog: on_backlog }),
    ...(throttle !== undefined && { throttleMs: throttle * 1_000 }),
  };
}

function compileAccepts(
  channels: readonly string[] | undefined,
  { when }: Partial<OutboundRuleObject>,
): OutboundDetails['accepts'] {
  const test = when && compileCondition(when);
  if (!channels) return test;
  return (data: EventData, channel) =>
    (channel === undefined || channels.includes(channel)) && (test === undefined || test(data));
}

/** Says in words what {@link compileAccepts} tests. */
function declineOf(channels: readonly string[] | undefined, { when }: Partial<OutboundRuleObject>) {
  return (data: EventData, channel: string | undefined): Declined | undefined => {
    if (channel !== undefined && channels && !channels.includes(channel)) {
      return { outcome: 'channel', detail: `it is for ${channels.join(', ')}, and the event came on ${channel}` };
    }
    const detail = when && unmet(when, data);
    return detail === undefined ? undefined : { outcome: 'condition', detail };
  };
}

function compileDeadband(rule: Partial<OutboundRuleObject>, problems: Problems): Deadband | undefined {
  const { deadband, max_interval: maxInterval } = rule;
  if (deadband === undefined) {
    if (maxInterval === undefined) return undefined;
    return problems.at('max_interval').add('max_interval needs a deadband beside it; 0 holds back what is equal');
  }
  const isShare = typeof deadband === 'string';
  return {
    width: isShare ? Number.parseFloat(deadband) / 100 : deadband,
    isShare,
    ...(maxInterval !== undefined && { maxIntervalMs: maxInterval * 1_000 }),
  };
}

function checkChannels(given: OutboundRuleObject['channel'], problems: Problems): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const channels = [given].flat().map((channel) => channel.trim());
  for (const [index, channel] of channels.entries()) {
    const fault = channelFault(channel);
    if (fault) (Array.isArray(given) ? problems.at(index) : problems).add(fault);
  }
  return channels;
}

/** What is converted and can't be told in SenML would be refused with each event. */
function checkSenmlUnit({ payload, unit }: Partial<OutboundRuleObject>, problems: Problems): void {
  const isSenml = payload === 'senml' || (typeof payload === 'object' && 'senml' in payload);
  if (!isSenml || unit === undefined) return;
  const name = typeof unit === 'string' ? unit : unit.to;
  const found = findUnit(name);
  if (!('reason' in found) && !senmlUnit(found)) problems.add(`invalid unit (${name}) : SenML has no unit for it`);
}

/** JavaScript's own name for the prototype: checks would pass it over, and the rest would mean something else. */
function checkNames(given: unknown, problems: Problems): void {
  for (const key of ['when', 'user_properties', 'examples']) {
    if (holdsPrototype((given as Record<string, unknown>)[key])) {
      problems.at(key).add("'__proto__' is no name for a field, a property or a variable");
    }
  }
}

function holdsPrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.hasOwn(value, '__proto__')) return true;
  const { any } = value as { any?: unknown };
  return Array.isArray(any) && any.some(holdsPrototype);
}

function charsOf(properties: Readonly<Record<string, string>>): number {
  return Object.values(properties).reduce((sum, text) => sum + text.length, 0);
}
