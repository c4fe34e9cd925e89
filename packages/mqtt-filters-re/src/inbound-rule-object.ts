import type { InboundPolicy } from '@cstbox/mqtt-core';
import { checkShape } from './check-shape.js';
import { checkRegex } from './compile-rules.js';
import { type CompileSpec, compileDispatch, compileParts, compileTuple, type EventDetails } from './dispatch.js';
import type { CompiledInboundRule } from './inbound-rule.js';
import { checkThatItFits, compileLimits } from './inbound-rule-limits.js';
import { toPolicy } from './inbound-rule-options.js';
import { compileRead } from './inbound-rule-read.js';
import {
  type EventObject,
  eventSchema,
  type InboundRuleObject,
  inboundObject,
  listOfEvents,
} from './inbound-rule-schema.js';
import { isObject } from './payload.js';
import type { Problems } from './problems.js';
import { show } from './quote.js';

/** The events are checked one by one, so that what is wrong in one hides nothing of the others. */
const SHAPE = { ...inboundObject.shape, emit: listOfEvents };

/** Compiles an inbound rule that is an object. */
export function compileInboundObject(
  given: Readonly<Record<string, unknown>>,
  problems: Problems,
): CompiledInboundRule | undefined {
  const rule = checkShape(SHAPE, given, problems) as Partial<InboundRuleObject>;
  const regex = rule.match === undefined ? undefined : checkRegex(rule.match, problems.at('match'));
  const details = compileDetails(rule, {}, {}, problems);
  const dispatch = rule.emit && compileDispatch(rule.emit, regex, problems.at('emit'), specCompiler(rule, details));
  const policy = compilePolicy(rule);
  return (
    regex &&
    dispatch && {
      info: { name: regex.source, ...(Object.keys(policy).length > 0 && { policy }) },
      regex,
      channels: dispatch.channels,
      apply: (groups) => {
        const verdict = dispatch.fill(groups);
        return 'result' in verdict ? { result: { events: verdict.result } } : verdict;
      },
    }
  );
}

function compilePolicy({ rate_limit: limit, ...options }: Partial<InboundRuleObject>): InboundPolicy {
  const policy = toPolicy(options);
  return limit ? { ...policy, rateLimit: { messages: limit.messages, perMs: limit.per * 1_000 } } : policy;
}

function specCompiler(rule: Partial<InboundRuleObject>, ofRule: EventDetails): CompileSpec {
  return (spec, regex, problems) => {
    if (!isObject(spec)) {
      const tuple = compileTuple(spec, regex, problems);
      return tuple && { ...tuple, ...ofRule };
    }
    const event = checkShape(eventSchema.shape, spec, problems) as Partial<EventObject>;
    const details = compileDetails(event, rule, ofRule, problems);
    if (event.type === undefined || event.name === undefined) return undefined;
    const invalid = `invalid event specification (${show(spec)})`;
    const parts = compileParts({ ...event }, ['type', 'name', 'channel'], invalid, regex, problems);
    return parts && { ...parts, ...details, ...(event.data && { data: event.data }) };
  };
}

/** What an event, or all events of a rule, take from the message. What is not said is that of the rule. */
function compileDetails(
  { read, value }: Pick<Partial<EventObject>, 'read' | 'value'>,
  outer: Pick<Partial<EventObject>, 'read' | 'value'>,
  inherited: EventDetails,
  problems: Problems,
): EventDetails {
  if (read === undefined && value === undefined) return inherited;
  const reader =
    read === undefined ? inherited.read : read === 'auto' ? undefined : compileRead(read, problems.at('read'));
  const limit = value === undefined ? inherited.limit : compileLimits(value, problems.at('value'));
  const [readAs, limits] = [read ?? outer.read, value ?? outer.value];
  if (readAs && limits) checkThatItFits(limits, readAs, problems.at(value === undefined ? 'read' : 'value'));
  return { ...(reader && { read: reader }), ...(limit && { limit }) };
}
