import {
  type EventData,
  type Logger,
  OutboundFilter,
  silentLogger,
  type Timestamp,
  topicFault,
} from '@cstbox/mqtt-core';
import { checkChannels } from './channels.js';
import { type CompileTarget, compileRules, compileTemplate } from './compile-rules.js';
import { Problems } from './problems.js';
import { quote, show } from './quote.js';
import { RuleTable } from './rule.js';

/** The events whose `<varType>:<varName>` the regex matches go out on the topic. */
export type OutboundRule = readonly [regex: string, topic: string];

/** What an {@link REOutboundFilter} may be told beyond its rules. */
export interface REOutboundFilterOptions {
  /** The channels to listen to. Default: those of `OutboundFilter`, sensor and control. */
  channels?: readonly string[];
}

/**
 * Lets events out by rules: regular expressions that are applied to `<varType>:<varName>`, each with a topic.
 *
 * The first rule that matches decides; an event that none matches stays in. A topic may hold parameters, `%(room)s` or
 * `{room}`, which stand for the regex's named groups. A rule does not apply when a group that its topic needs took no
 * part in the match.
 *
 * A captured `/`, `+`, `#`, `%` or control character, and a `$` at the head of the topic, is published percent-encoded,
 * so that no name adds a level or a wildcard; `decodeURIComponent` reverses it.
 */
export class REOutboundFilter extends OutboundFilter {
  // Declared, not defined: it has the base class's value until the constructor gives it another.
  declare readonly channels: readonly string[];
  readonly #rules: RuleTable<string>;

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
    const compiled = compileRules(rules, '[regex, topic]', compileTopic, problems);
    const checked = channels && checkChannels(channels, problems.at('channels'));
    problems.throwIfAny();
    this.#rules = new RuleTable(compiled, logger, (topic) => topic.length);
    if (checked) this.channels = checked;
  }

  /**
   * How often each rule, by its index, matched an event and yet did not apply: a group that its topic needs took no
   * part in the match, or held no number where `%(…)d`, `f` or `x` needs one. Counts on as events come.
   */
  get notApplied(): readonly number[] {
    return this.#rules.notApplied;
  }

  override getMqttTopic(
    _timestamp: Timestamp,
    varType: string,
    varName: string,
    _data: EventData,
    _channel?: string,
  ): string | null {
    const { rule, result, refusal } = this.#rules.decide(`${varType}:${varName}`);
    this.lastRule = rule;
    return refusal ? this.refuse(refusal.reason, refusal.detail) : result;
  }
}

const compileTopic: CompileTarget<string> = (topic, regex, problems) => {
  if (typeof topic !== 'string') return problems.add(`invalid topic (${show(topic)}) : a topic is a string`);
  const template = compileTemplate(topic, regex, topicFault, `invalid topic (${topic})`, problems);
  return (
    template &&
    ((groups) => {
      const expanded = template.expand(groups, escapeInTopic);
      if (typeof expanded !== 'string') return expanded;
      const fault = topicFault(expanded);
      return fault
        ? { refusal: { reason: 'illegal_topic', detail: `${fault}: ${quote(expanded)}` } }
        : { result: expanded };
    })
  );
};

/** What has a meaning in a topic or no place in it, and the sign of the encoding itself, so that it can be reversed. */
const TO_ESCAPE = /[/+#%\p{Cc}\p{Noncharacter_Code_Point}]/gu;

function escapeInTopic(captured: string, atStart: boolean): string {
  const escaped = captured.replace(TO_ESCAPE, encodeURIComponent);
  // Topics that start with a dollar sign are the broker's own (MQTT 3.1.1, section 4.7.2).
  return atStart ? escaped.replace(/^\$/, encodeURIComponent) : escaped;
}
