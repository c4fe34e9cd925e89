import {
  type EventData,
  type FilterRule,
  type Logger,
  MQTTGatewayError,
  OutboundFilter,
  type RuleNeeds,
  type RuleTrial,
  silentLogger,
  type TimedEvent,
  type Timestamp,
  uniteTopicFilters,
} from '@cstbox/mqtt-core';
import { checkChannels } from './channels.js';
import { Examples } from './check-examples.js';
import { compileRules } from './compile-rules.js';
import type { CompiledOutboundRule } from './outbound-object.js';
import { compileOutboundRule, OUTBOUND_SHAPE, type OutboundRule } from './outbound-rule.js';
import { outboundExamples } from './outbound-rule-examples.js';
import { charsOfTarget, type OutboundTarget, payloadFor } from './outbound-target.js';
import { Problems } from './problems.js';
import { type Candidate, RuleTable } from './rule.js';

/** What an {@link REOutboundFilter} may be told beyond its rules. */
export interface REOutboundFilterOptions {
  /** The channels to listen to. Default: those of `OutboundFilter`, sensor and control, and those that rules name. */
  channels?: readonly string[];
}

/** The event whose topic was asked for last, and what is published for it. */
interface Prepared {
  readonly timestamp: Timestamp;
  readonly varType: string;
  readonly varName: string;
  readonly data: EventData;
  /** `undefined`: the filter's own. */
  readonly payload: string | undefined;
}

/**
 * Lets events out by rules: regular expressions that are applied to `<varType>:<varName>`, each with a topic, or objects
 * that also say which events they take, and how and when these are published.
 *
 * The first rule that matches and takes the event decides; an event that none takes stays in. A topic may hold parameters,
 * `%(room)s` or `{room}`, which stand for the regex's named groups. A rule does not apply when a group that it needs took no
 * part in the match.
 *
 * A captured `/`, `+`, `#`, `%` or control character, and a `$` at the head of the topic, is published percent-encoded,
 * so that no name adds a level or a wildcard; `decodeURIComponent` reverses it.
 */
export class REOutboundFilter extends OutboundFilter {
  // Declared, not defined: it has the base class's value until the constructor gives it another.
  declare readonly channels: readonly string[];
  /** For each rule the narrowest that covers what it publishes on, without those that others cover. */
  override readonly publishedTopics: readonly string[] | undefined;
  readonly #compiled: readonly CompiledOutboundRule[];
  readonly #rules: RuleTable<OutboundTarget>;
  /** The gateway asks for the payload right after the topic: what was made for one serves the other. */
  #prepared: Prepared | undefined;
  readonly #hasObjects: boolean;

  /**
   * @param rules in their order
   * @param logger where to say that a rule did not apply; default: silent
   * @throws {ConfigurationError} with every problem of every rule; the paths start with the rule's index
   */
  constructor(
    rules: Iterable<OutboundRule>,
    logger: Logger = silentLogger,
    { channels }: REOutboundFilterOptions = {},
  ) {
    super();
    const problems = new Problems();
    const examples = new Examples(outboundExamples);
    const compiled: readonly CompiledOutboundRule[] = compileRules(
      rules,
      OUTBOUND_SHAPE,
      examples.keepWhile(compileOutboundRule),
      problems,
    );
    const checked = channels && checkChannels(channels, problems.at('channels'));
    problems.throwIfAny();
    if (checked) checkListenedTo(compiled, checked, problems);
    examples.check(compiled);
    problems.throwIfAny();
    this.#compiled = compiled;
    this.#rules = new RuleTable(compiled, logger, charsOfTarget);
    this.#hasObjects = compiled.some(({ info }) => info.publish !== undefined);
    this.publishedTopics = publishedBy(compiled);
    const named = compiled.flatMap((rule) => rule.channels ?? []);
    if (checked) this.channels = checked;
    else if (named.length > 0) this.channels = [...new Set([...this.channels, ...named])];
  }

  /**
   * How often each rule, by its index, matched an event and yet did not apply: a group that it needs took no part in the
   * match, or held no number where `%(…)d`, `f` or `x` needs one. Counts on as events come.
   */
  get notApplied(): readonly number[] {
    return this.#rules.notApplied;
  }

  override needsOfRules(): RuleNeeds[] {
    return this.#compiled.map(({ info, topicFilter }, index) => {
      const topics = topicFilter === undefined ? [] : [topicFilter];
      return { rule: info.name, index, topics, channels: [] };
    });
  }

  override getMqttTopic(
    timestamp: Timestamp,
    varType: string,
    varName: string,
    data: EventData,
    channel?: string,
  ): string | null {
    const { candidates } = this.#rules.decide(`${varType}:${varName}`);
    const candidate = choose(candidates, data, channel);
    this.#prepared = undefined;
    this.lastRule = candidate && ruleOf(candidate);
    if (!candidate) return null;
    const { result, refusal } = candidate;
    if (refusal) return this.refuse(refusal.reason, refusal.detail);
    if (!result) return null;
    if (!this.#hasObjects) return result.topic;
    const payload = result.more && payloadFor(result.more, { timestamp, varType, varName, channel, data }, true);
    if (typeof payload === 'object') return this.refuse(payload.reason, payload.detail);
    if (candidates.length > 1) forgetOthers(candidates, candidate);
    this.#prepared = { timestamp, varType, varName, data, payload };
    return result.topic;
  }

  /**
   * The payload that the event's rule asks for; where none does, that of `OutboundFilter`. Right after `getMqttTopic` for
   * the same event it is what was made then; at any other time it is made anew, as if the event had come on a channel that
   * its rule wants, and is not held against a deadband.
   *
   * @throws {MQTTGatewayError} `invalid_message` when the rule can't make one: `getMqttTopic` refuses such an event
   */
  override makePayload(timestamp: Timestamp, varType: string, varName: string, data: EventData): string | Uint8Array {
    const payload = this.#hasObjects ? this.#payloadOf(timestamp, varType, varName, data) : undefined;
    return payload ?? super.makePayload(timestamp, varType, varName, data);
  }

  override explain({ varType, varName, data }: TimedEvent, channel?: string): readonly RuleTrial[] {
    return this.#rules.explain(`${varType}:${varName}`, (result) => result?.more?.decline?.(data, channel));
  }

  #payloadOf(timestamp: Timestamp, varType: string, varName: string, data: EventData): string | undefined {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    if (
      prepared?.data === data &&
      prepared.timestamp === timestamp &&
      prepared.varType === varType &&
      prepared.varName === varName
    ) {
      return prepared.payload;
    }
    const more = choose(this.#rules.decide(`${varType}:${varName}`).candidates, data, undefined)?.result?.more;
    const payload = more && payloadFor(more, { timestamp, varType, varName, channel: undefined, data }, false);
    if (typeof payload !== 'object') return payload;
    throw new MQTTGatewayError('invalid_message', `no payload can be made (${payload.reason}): ${payload.detail}`);
  }
}

/** The first rule that takes the event. */
function choose(
  candidates: readonly Candidate<OutboundTarget>[],
  data: EventData,
  channel: string | undefined,
): Candidate<OutboundTarget> | undefined {
  for (const candidate of candidates) {
    const accepts = candidate.result?.more?.accepts;
    if (accepts === undefined || accepts(data, channel)) return candidate;
  }
  return undefined;
}

/** What a rule lets out takes the place of what others have let out to the same topic: they must not go by that. */
function forgetOthers(candidates: readonly Candidate<OutboundTarget>[], chosen: Candidate<OutboundTarget>): void {
  for (const other of candidates) {
    if (other !== chosen && other.result?.topic === chosen.result?.topic) other.result?.more?.last?.forget();
  }
}

function ruleOf({ rule, result }: Candidate<OutboundTarget>): FilterRule {
  return result?.more?.info ?? rule;
}

function publishedBy(rules: readonly CompiledOutboundRule[]): string[] | undefined {
  const filters = rules.map(({ topicFilter }) => topicFilter);
  return filters.every((filter) => filter !== undefined) ? uniteTopicFilters(filters) : undefined;
}

/** A rule for a channel that nobody listens to would never apply. */
function checkListenedTo(
  rules: readonly CompiledOutboundRule[],
  channels: readonly string[],
  problems: Problems,
): void {
  for (const [index, { channels: named = [] }] of rules.entries()) {
    const missing = named.filter((channel) => !channels.includes(channel));
    if (missing.length === 0) continue;
    problems
      .at(index, 'channel')
      .add(`nobody listens to ${missing.join(', ')}: the filter's channels are ${channels.join(', ')}`);
  }
}
