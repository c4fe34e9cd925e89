import { topicFault } from '@cstbox/mqtt-core';
import { type CompileRule, type CompileTarget, checkRegex, compileTemplate } from './compile-rules.js';
import { quote, show } from './quote.js';

/** The events whose `<varType>:<varName>` the regex matches go out on the topic. */
export type OutboundRule = readonly [regex: string, topic: string];

/** What a rule does with the events of one variable. */
export interface OutboundTarget {
  readonly topic: string;
}

/** What an outbound rule looks like, for messages. */
export const OUTBOUND_SHAPE = '[regex, topic]';

/** Compiles an outbound rule. */
export const compileOutboundRule: CompileRule<OutboundTarget> = (rule, problems) => {
  if (!Array.isArray(rule) || rule.length !== 2) {
    return problems.add(`invalid rule (${show(rule)}) : a rule is ${OUTBOUND_SHAPE}`);
  }
  const [source, topic] = rule as [unknown, unknown];
  const regex = checkRegex(source, problems.at(0));
  const apply = compileTopic(topic, regex, problems.at(1));
  return regex && apply && { info: { name: regex.source }, regex, apply };
};

const compileTopic: CompileTarget<OutboundTarget> = (topic, regex, problems) => {
  if (typeof topic !== 'string') return problems.add(`invalid topic (${show(topic)}) : a topic is a string`);
  const template = compileTemplate(topic, regex, topicFault, `invalid topic (${topic})`, problems);
  return (
    template &&
    ((groups) => {
      const expanded = template.expand(groups, escapeInTopic, MAX_TOPIC);
      if (typeof expanded !== 'string') return expanded;
      const fault = topicFault(expanded);
      return fault
        ? { refusal: { reason: 'illegal_topic', detail: `${fault}: ${quote(expanded)}` } }
        : { result: { topic: expanded } };
    })
  );
};

/** Bytes of a topic (MQTT 3.1.1, section 1.5.3): what has more characters is refused, however it goes on. */
const MAX_TOPIC = 65_535;

/** What has a meaning in a topic or no place in it, and the sign of the encoding itself, so that it can be reversed. */
const TO_ESCAPE = /[/+#%\p{Cc}\p{Noncharacter_Code_Point}]/gu;

function escapeInTopic(captured: string, atStart: boolean): string {
  const escaped = captured.replace(TO_ESCAPE, encodeURIComponent);
  // Topics that start with a dollar sign are the broker's own (MQTT 3.1.1, section 4.7.2).
  return atStart ? escaped.replace(/^\$/, encodeURIComponent) : escaped;
}
