import { type EventData, type Logger, OutboundFilter, silentLogger, type Timestamp } from '@cstbox/mqtt-core';
import { checkChannels } from './channels.js';
import { Examples } from './check-examples.js';
import { compileRules } from './compile-rules.js';
import { compileOutboundRule, OUTBOUND_SHAPE, type OutboundRule, type OutboundTarget } from './outbound-rule.js';
import { outboundExamples } from './outbound-rule-examples.js';
import { Problems } from './problems.js';
import { RuleTable } from './rule.js';

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
  readonly #rules: RuleTable<OutboundTarget>;

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
    const compiled = compileRules(rules, OUTBOUND_SHAPE, examples.keepWhile(compileOutboundRule), problems);
    const checked = channels && checkChannels(channels, problems.at('channels'));
    problems.throwIfAny();
    examples.check(compiled);
    problems.throwIfAny();
    this.#rules = new RuleTable(compiled, logger, ({ topic }) => topic.length);
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
    const [candidate] = this.#rules.decide(`${varType}:${varName}`).candidates;
    this.lastRule = candidate?.rule;
    if (!candidate) return null;
    const { result, refusal } = candidate;
    if (refusal) return this.refuse(refusal.reason, refusal.detail);
    return result?.topic ?? null;
  }
}
