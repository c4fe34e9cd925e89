import type { Crossing, Explanation, OutboundMessage } from '@cstbox/mqtt-core';
import { jsonLine } from '../terminal.js';
import type { Advice } from './advice.js';
import { payloadJson } from './payload-text.js';

/** An explanation for a program. */
export function explainJson(
  { crossing, filters }: Explanation<Crossing>,
  advice: Advice | undefined,
  now: number,
  redact?: (text: string) => string,
): string {
  const { direction, outcome } = crossing;
  const report = {
    direction,
    outcome,
    ...('rule' in crossing && { rule: crossing.rule, filter: crossing.filter }),
    ...('refusal' in crossing && { refusal: crossing.refusal }),
    ...(direction === 'out' &&
      outcome === 'accepted' && { message: messageJson(crossing.message, crossing.throttleMs, now) }),
    ...(direction === 'in' && outcome === 'accepted' && { events: crossing.events.map(eventJson) }),
    ...(advice && { why: advice.why, remedy: advice.remedy }),
    filters,
  };
  return `${jsonLine(report, 2, redact)}\n`;
}

function messageJson(message: OutboundMessage, throttleMs: number | undefined, now: number) {
  const { topic, payload, qos, retain, expiresAt, userProperties, latest } = message;
  return {
    topic,
    ...payloadJson(payload),
    qos,
    retain,
    expiry: expiresAt === undefined ? undefined : (expiresAt - now) / 1_000,
    user_properties: userProperties,
    on_backlog: latest ? 'latest' : 'keep_all',
    throttle: throttleMs === undefined ? undefined : throttleMs / 1_000,
  };
}

function eventJson({ channel, event }: Extract<Crossing, { direction: 'in'; outcome: 'accepted' }>['events'][number]) {
  const { varType, varName, data } = event;
  return { channel, var_type: varType, var_name: varName, data };
}
