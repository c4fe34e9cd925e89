import { MAX_TOPIC_BYTES, topicFault } from '@cstbox/mqtt-core';
import { compileTemplate } from './compile-rules.js';
import type { Problems } from './problems.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import { quote, show } from './quote.js';
import type { Verdict } from './rule.js';
import type { Template } from './template.js';

/** The topic of an outbound rule, compiled. */
export interface CompiledTopic {
  /** The narrowest topic filter that covers every topic that it gives; `undefined`: no filter does. */
  readonly filter: string | undefined;
  /** The topic for a match. */
  fill(groups: Groups): Verdict<string>;
}

/** Compiles the topic of an outbound rule; the regex is `undefined` when it is wrong itself. */
export function compileTopic(
  topic: unknown,
  regex: CompiledRegex | undefined,
  problems: Problems,
): CompiledTopic | undefined {
  if (typeof topic !== 'string') return problems.add(`invalid topic (${show(topic)}) : a topic is a string`);
  const template = compileTemplate(topic, regex, topicFault, `invalid topic (${topic})`, problems);
  return (
    template && {
      filter: filterOf(template),
      fill(groups) {
        const expanded = template.expand(groups, escapeInTopic, MAX_TOPIC_BYTES);
        if (typeof expanded !== 'string') return expanded;
        const fault = topicFault(expanded);
        return fault
          ? { refusal: { reason: 'illegal_topic', detail: `${fault}: ${quote(expanded)}` } }
          : { result: expanded };
      },
    }
  );
}

/** In the place of a parameter. It is in no topic. */
const ANY = '\0';

/** A parameter fills no more than its level: what it captures is escaped. */
function filterOf({ parts }: Template): string | undefined {
  const text = parts.map((part) => (typeof part === 'string' ? part : ANY)).join('');
  // A wildcard at the head does not stand for the broker's own topics (MQTT 3.1.1, section 4.7.2).
  if (/^\$[^/]*\0/.test(text)) return undefined;
  return text
    .split('/')
    .map((level) => (level.includes(ANY) ? '+' : level))
    .join('/');
}

/** What has a meaning in a topic or no place in it, and the sign of the encoding itself, so that it can be reversed. */
const TO_ESCAPE = /[/+#%\p{Cc}\p{Noncharacter_Code_Point}]/gu;

function escapeInTopic(captured: string, atStart: boolean): string {
  const escaped = captured.replace(TO_ESCAPE, encodeURIComponent);
  // Topics that start with a dollar sign are the broker's own (MQTT 3.1.1, section 4.7.2).
  return atStart ? escaped.replace(/^\$/, encodeURIComponent) : escaped;
}
