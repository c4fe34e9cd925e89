import { MAX_TOPIC_BYTES, topicFault } from '@cstbox/mqtt-core';
import { type CompileTarget, compileTemplate } from './compile-rules.js';
import { quote, show } from './quote.js';

/** Compiles the topic of an outbound rule into what makes the topics of variables from a match. */
export const compileTopic: CompileTarget<string> = (topic, regex, problems) => {
  if (typeof topic !== 'string') return problems.add(`invalid topic (${show(topic)}) : a topic is a string`);
  const template = compileTemplate(topic, regex, topicFault, `invalid topic (${topic})`, problems);
  return (
    template &&
    ((groups) => {
      const expanded = template.expand(groups, escapeInTopic, MAX_TOPIC_BYTES);
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
