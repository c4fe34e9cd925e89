import {
  type AcceptedEvent,
  type EventData,
  InboundFilter,
  type Logger,
  type MQTTConnector,
  type MQTTMessage,
  makeBasicEvent,
  silentLogger,
} from '@cstbox/mqtt-core';
import { compileRules } from './compile-rules.js';
import { compileInboundRule, INBOUND_SHAPE, type InboundRule, type InboundTarget } from './inbound-rule.js';
import { readPayload } from './payload.js';
import { Problems } from './problems.js';
import { RuleTable } from './rule.js';

/** What a message says about a variable: its value, and whatever else goes into the event's data. */
export type EventPayload = readonly [value: unknown, extra?: EventData];

/**
 * Lets messages in by rules: regular expressions that are applied to the topic, each with the events to make of the
 * message.
 *
 * The first rule that matches decides; a message that none matches stays out, and so does one that matches a rule
 * without events. Types and names of variables may hold parameters, `%(room)s` or `{room}`, which stand for the
 * regex's named groups. A rule does not apply when a group that it needs took no part in the match.
 */
export class REInboundFilter extends InboundFilter {
  readonly #rules: RuleTable<InboundTarget>;

  /**
   * @param rules in their order
   * @param logger where to say that a rule did not apply; default: silent
   * @throws {ConfigurationError} with every problem of every rule; the paths start with the rule's index
   */
  constructor(rules: Iterable<InboundRule>, logger: Logger = silentLogger) {
    super();
    const problems = new Problems();
    const compiled = compileRules(rules, INBOUND_SHAPE, compileInboundRule, problems);
    problems.throwIfAny();
    this.#rules = new RuleTable(compiled, logger, sizeOf);
  }

  /**
   * How often each rule, by its index, matched a message and yet did not apply: a group that it needs took no part in
   * the match, or held no number where `%(…)d`, `f` or `x` needs one. Counts on as messages come.
   */
  get notApplied(): readonly number[] {
    return this.#rules.notApplied;
  }

  override acceptEvent(client: MQTTConnector, userData: unknown, message: MQTTMessage): AcceptedEvent[] | null {
    const [candidate] = this.#rules.decide(message.topic).candidates;
    this.lastRule = candidate?.rule;
    if (candidate?.refusal) return this.refuse(candidate.refusal.reason, candidate.refusal.detail);
    if (!candidate?.result?.events.length) return null;
    const events: AcceptedEvent[] = [];
    for (const { varType, varName, channel } of candidate.result.events) {
      const payload = this.makeEventPayload(client, userData, message, varType, varName);
      if (payload === null) return null;
      const [value, extra] = payload;
      events.push([makeBasicEvent(varType, varName, value, undefined, extra), channel]);
    }
    return events;
  }

  /**
   * Reads a message for one of the events that it becomes; override it for payloads of another kind.
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
    return readPayload(message.payload) ?? this.refuse('not_utf8', 'the payload is no UTF-8');
  }
}

function sizeOf({ events }: InboundTarget): number {
  return events.reduce((sum, { varType, varName }) => sum + varType.length + varName.length, 0);
}
