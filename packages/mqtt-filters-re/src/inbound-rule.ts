import { checkRegex } from './compile-rules.js';
import { compileDispatch, type EventSpec, type EventTarget } from './dispatch.js';
import { compileInboundObject } from './inbound-rule-object.js';
import { compileInboundOptions, type InboundRuleOptions } from './inbound-rule-options.js';
import type { InboundRuleObject } from './inbound-rule-schema.js';
import { isObject } from './payload.js';
import type { Problems } from './problems.js';
import { show } from './quote.js';
import type { Rule } from './rule.js';

/**
 * A message whose topic the regex matches comes in as these events; with `[]` it is blocked. The options say what holds
 * for its messages where that differs from what holds for all.
 */
export type InboundRuleTuple = readonly [regex: string, dispatch: readonly EventSpec[], options?: InboundRuleOptions];

/** A rule for messages: the original's tuple, or an object with more to say. */
export type InboundRule = InboundRuleTuple | InboundRuleObject;

/** What a rule does with the messages on one topic. */
export interface InboundTarget {
  readonly events: readonly EventTarget[];
}

/** An inbound rule, compiled. */
export interface CompiledInboundRule extends Rule<InboundTarget> {
  /** Where its events go. None: it lets nothing in. */
  readonly channels: readonly string[];
}

/** What an inbound rule looks like, for messages. */
export const INBOUND_SHAPE = '[regex, [[varType, varName, channel?], …], options?], or an object with match and emit';

/** Compiles an inbound rule. */
export function compileInboundRule(rule: unknown, problems: Problems): CompiledInboundRule | undefined {
  if (isObject(rule)) return compileInboundObject(rule, problems);
  if (!Array.isArray(rule) || rule.length < 2 || rule.length > 3) {
    return problems.add(`invalid rule (${show(rule)}) : a rule is ${INBOUND_SHAPE}`);
  }
  const [source, dispatch, options] = rule as [unknown, unknown, unknown?];
  const regex = checkRegex(source, problems.at(0));
  const compiled = compileDispatch(dispatch, regex, problems.at(1));
  const policy = options === undefined ? undefined : compileInboundOptions(options, problems.at(2));
  return (
    regex &&
    compiled && {
      info: { name: regex.source, ...(policy && { policy }) },
      regex,
      channels: compiled.channels,
      apply: (groups) => {
        const verdict = compiled.fill(groups);
        return 'result' in verdict ? { result: { events: verdict.result } } : verdict;
      },
    }
  );
}
