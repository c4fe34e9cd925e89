import {
  type AcceptedEvent,
  InboundFilter,
  type Logger,
  type MQTTConnector,
  type MQTTMessage,
  makeBasicEvent,
  type Refusal,
  type RuleNeeds,
  type RuleTrial,
  silentLogger,
} from '@cstbox/mqtt-core';
import { Examples } from './check-examples.js';
import { compileRules } from './compile-rules.js';
import {
  type CompiledInboundRule,
  compileInboundRule,
  INBOUND_SHAPE,
  type InboundRule,
  type InboundTarget,
} from './inbound-rule.js';
import { inboundExamples } from './inbound-rule-examples.js';
import { type EventPayload, Payload } from './payload.js';
import { Problems } from './problems.js';
import { RuleTable } from './rule.js';
import { fewEnough } from './subscriptions.js';
import { topicFiltersOf } from './topic-filters.js';

/**
 * Lets messages in by rules: regular expressions that are applied to the topic, each with the events to make of the
 * message; or objects that also say how a payload is read, what its value may be, and what else holds for the message.
 *
 * The first rule that matches decides; a message that none matches stays out, and so does one that matches a rule
 * without events. Types and names of variables may hold parameters, `%(room)s` or `{room}`, which stand for the
 * regex's named groups. A rule does not apply when a group that it needs took no part in the match.
 */
export class REInboundFilter extends InboundFilter {
  /**
   * The topic filters that bring what the rules may let in: for each rule the narrowest, and no more than 200 in all. The
   * broker's own topics, `$…`, are among them where a rule begins with their name.
   */
  override readonly topicFilters: readonly string[];
  /** The channels that the rules name, each once. */
  override readonly emitsOn: readonly string[];
  readonly #compiled: readonly CompiledInboundRule[];
  readonly #rules: RuleTable<InboundTarget>;

  /**
   * @param rules in their order
   * @param logger where to say that a rule did not apply; default: silent
   * @throws {ConfigurationError} with every problem of every rule; the paths start with the rule's index
   */
  constructor(rules: Iterable<InboundRule>, logger: Logger = silentLogger) {
    super();
    const problems = new Problems();
    const examples = new Examples(inboundExamples);
    const compiled = compileRules(rules, INBOUND_SHAPE, examples.keepWhile(compileInboundRule), problems);
    problems.throwIfAny();
    examples.check(compiled);
    problems.throwIfAny();
    this.#compiled = compiled;
    this.#rules = new RuleTable(compiled, logger, sizeOf);
    const open = compiled.filter(({ channels }) => channels.length > 0);
    this.topicFilters = fewEnough(open.flatMap(({ regex }) => topicFiltersOf(regex.pattern)));
    this.emitsOn = [...new Set(open.flatMap(({ channels }) => channels))];
  }

  /**
   * How often each rule, by its index, matched a message and yet did not apply: a group that it needs took no part in
   * the match, or held no number where `%(…)d`, `f` or `x` needs one. Counts on as messages come.
   */
  get notApplied(): readonly number[] {
    return this.#rules.notApplied;
  }

  override needsOfRules(): RuleNeeds[] {
    return this.#compiled.map(({ info, regex, channels }, index) => {
      const topics = channels.length > 0 ? topicFiltersOf(regex.pattern) : [];
      return { rule: info.name, index, topics, channels };
    });
  }

  override acceptEvent(client: MQTTConnector, userData: unknown, message: MQTTMessage): AcceptedEvent[] | null {
    const [candidate] = this.#rules.decide(message.topic).candidates;
    this.lastRule = candidate?.rule;
    if (candidate?.refusal) return this.refuse(candidate.refusal.reason, candidate.refusal.detail);
    if (!candidate?.result?.events.length) return null;
    const payload = new Payload(message.payload);
    const events: AcceptedEvent[] = [];
    for (const { varType, varName, channel, read, limit, data } of candidate.result.events) {
      const reading = read ? read(payload) : this.makeEventPayload(client, userData, message, varType, varName);
      if (reading === null) return null;
      if (isRefusal(reading)) return this.refuse(reading.reason, reading.detail);
      const [value, extra] = reading;
      if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
        return this.refuse('not_a_number', 'the value is beyond all numbers');
      }
      const refusal = limit?.(value);
      if (refusal) return this.refuse(refusal.reason, refusal.detail);
      events.push([makeBasicEvent(varType, varName, value, undefined, data ? { ...extra, ...data } : extra), channel]);
    }
    return events;
  }

  override explain({ topic }: MQTTMessage): readonly RuleTrial[] {
    return this.#rules.explain(topic);
  }

  /**
   * Reads a message for one of the events that it becomes; override it for payloads of another kind. A rule that says how
   * its payloads are read (`read`, other than `auto`) is read so, and this is not asked; limits of a rule hold for both.
   *
   * Here, a JSON object with a key `value` gives that value, and the other keys as extra, without `timestamp`: the
   * event manager dates the event. Other JSON gives its value; anything else is taken as a string in UTF-8. A byte
   * order mark at the start is skipped.
   *
   * @returns the value, and optionally more for the event's data; `null`, best from `return this.refuse(…)`: the
   *   message is refused, with all its events. Bytes that are no UTF-8 are, as `not_utf8`.
   */
  makeEventPayload(
    _client: MQTTConnector,
    _userData: unknown,
    message: MQTTMessage,
    _varType: string,
    _varName: string,
  ): EventPayload | null {
    return new Payload(message.payload).content ?? this.refuse('not_utf8', 'the payload is no UTF-8');
  }
}

function isRefusal(reading: EventPayload | Refusal): reading is Refusal {
  return 'reason' in reading;
}

function sizeOf({ events }: InboundTarget): number {
  return events.reduce((sum, { varType, varName }) => sum + varType.length + varName.length, 0);
}
