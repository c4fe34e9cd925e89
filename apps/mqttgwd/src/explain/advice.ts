import type { Crossing, Rehearsal } from '@cstbox/mqtt-core';

/** What to do about a refusal, by its reason: that of the rules, of the policy, of the gateway itself. */
const REMEDIES: Readonly<Record<string, string>> = {
  retained: 'a message that the broker kept comes in where commands.retained, or that of the rule, is accept',
  too_old: 'commands.max_age, or that of the rule, says how old a message may be',
  unreadable_date: 'its date is a number of ms since the Epoch, or an ISO date in text',
  expired: 'whoever sends it gives it a longer message expiry interval',
  duplicate: 'each command has a command_id of its own',
  rate_limited: 'rate_limit of the rule says how many may come',
  loop: 'see docs/delivery.md, "Loops"',
  no_value: 'the payload of the rule needs a value, and the event has none: see payload and unit of the rule',
  illegal_topic: 'a topic holds no wildcard and no NUL, and is not empty: look at what the groups captured',
  illegal_name: 'a name on the bus holds no control character: look at what the groups captured',
  too_costly: 'the text is too long for the regex: make the regex simpler, or anchor it',
  not_utf8: 'the payload is no UTF-8: read of the rule says how it is read',
  filter_fault: 'the filter itself failed: whoever wrote it has to know',
};

/** Why nothing comes of it. */
export interface Advice {
  readonly why: string;
  /** What to do, where that can be said. */
  readonly remedy: string | undefined;
}

/** Why nothing comes of it, and what to do; `undefined` where something does. */
export function adviceFor(crossing: Crossing, rehearsal: Rehearsal): Advice | undefined {
  if (crossing.outcome === 'accepted') return undefined;
  if ('refusal' in crossing) {
    const { reason, detail } = crossing.refusal;
    return { why: `${reason}: ${detail}`, remedy: REMEDIES[reason] };
  }
  if (crossing.direction === 'in' && !rehearsal.subscribesTo(crossing.message.topic)) return unsubscribed(rehearsal);
  if (crossing.direction === 'out' && !rehearsal.listensTo(crossing.channel))
    return unheard(crossing.channel, rehearsal);
  if (crossing.rule !== undefined) {
    return { why: 'the rule blocks it', remedy: 'put a rule that takes it before this one' };
  }
  const what = crossing.direction === 'in' ? 'the topic' : '<varType>:<varName>';
  return { why: 'no rule takes it', remedy: `add a rule whose regex matches ${what}` };
}

function unsubscribed({ topics }: Rehearsal): Advice {
  return topics.length === 0
    ? { why: 'nothing is subscribed to', remedy: 'name topics in listened_topics, or add an inbound rule for them' }
    : {
        why: `no subscription brings this topic; there are ${topics.join(', ')}`,
        remedy: 'add it to listened_topics, or an inbound rule for it',
      };
}

function unheard(channel: string, { channels }: Rehearsal): Advice {
  const heard = channels.length === 0 ? 'there is no outbound filter' : `they listen to ${channels.join(', ')}`;
  return {
    why: `no filter listens to the channel ${channel}; ${heard}`,
    remedy: 'name it in channels of the filter, or as the channel of a rule',
  };
}
