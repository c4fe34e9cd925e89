import { checkRegex } from './compile-rules.js';
import { type CompiledOutboundRule, compileOutboundObject } from './outbound-object.js';
import type { OutboundRuleObject } from './outbound-rule-object.js';
import { compileTopic } from './outbound-topic.js';
import type { Problems } from './problems.js';
import { show } from './quote.js';

/** The events whose `<varType>:<varName>` the regex matches go out on the topic; or an object that says more. */
export type OutboundRule = readonly [regex: string, topic: string] | OutboundRuleObject;

/** What an outbound rule looks like, for messages. */
export const OUTBOUND_SHAPE = '[regex, topic], or an object with match and topic';

/** Compiles an outbound rule. */
export function compileOutboundRule(rule: unknown, problems: Problems): CompiledOutboundRule | undefined {
  if (typeof rule === 'object' && rule !== null && !Array.isArray(rule)) {
    return compileOutboundObject(rule as Record<string, unknown>, problems);
  }
  if (!Array.isArray(rule) || rule.length !== 2) {
    return problems.add(`invalid rule (${show(rule)}) : a rule is ${OUTBOUND_SHAPE}`);
  }
  const [source, topic] = rule as [unknown, unknown];
  const regex = checkRegex(source, problems.at(0));
  const compiled = compileTopic(topic, regex, problems.at(1));
  return (
    regex &&
    compiled && {
      info: { name: regex.source },
      regex,
      topicFilter: compiled.filter,
      apply: (groups) => {
        const verdict = compiled.fill(groups);
        return 'result' in verdict ? { result: { topic: verdict.result } } : verdict;
      },
    }
  );
}
