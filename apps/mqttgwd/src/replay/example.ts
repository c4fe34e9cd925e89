import type { Crossing } from '@cstbox/mqtt-core';
import { payloadText } from '../explain/payload-text.js';
import type { Change } from './changes.js';

/** A record that shows a difference. */
export interface Example {
  /** When it was recorded, in ms since the Epoch. */
  readonly at: number;
  /** The variable and its channel, or the topic. */
  readonly what: string;
  readonly old: string;
  readonly now: string;
}

/** Takes out of a text what nobody may read. */
export type Redact = (text: string) => string;

/** What is kept of a text: a message may have hundreds of megabytes. */
const MAX_TEXT = 300;

/** The difference, in words that are kept for themselves: nothing of the record is held. */
export function exampleOf(at: number, change: Change, old: Crossing, now: Crossing, redact: Redact): Example {
  // A secret that is cut would not be found any more.
  const kept = (text: string) => cut(redact(text));
  return { at, what: kept(subjectOf(now)), old: kept(inWords(old, change)), now: kept(inWords(now, change)) };
}

function subjectOf(crossing: Crossing): string {
  if (crossing.direction === 'in') return crossing.message.topic;
  return 'event' in crossing ? `${crossing.event.varType}:${crossing.event.varName} on ${crossing.channel}` : '';
}

/** What a change is about, of one side of it. */
function inWords(crossing: Crossing, change: Change): string {
  if ('refusal' in crossing) return `${crossing.refusal.reason}: ${crossing.refusal.detail}`;
  if (crossing.outcome !== 'accepted') return crossing.rule === undefined ? 'no rule takes it' : 'a rule blocks it';
  if (crossing.direction === 'in') {
    const say = ({ channel, event }: (typeof crossing.events)[number]) =>
      change === 'payload' ? JSON.stringify(event.data) : `${event.varType}:${event.varName} on ${channel}`;
    return crossing.events.slice(0, 10).map(say).join(', ');
  }
  const { topic, payload, qos, retain, expiresAt, latest, userProperties } = crossing.message;
  switch (change) {
    case 'payload':
      return payloadText(payload) ?? `${payload.length} bytes that are no text`;
    case 'delivery':
      return `QoS ${qos}, ${retain ? 'retained' : 'not retained'}`;
    case 'terms': {
      const throttle = crossing.throttleMs === undefined ? [] : [`throttle ${crossing.throttleMs / 1_000} s`];
      const expiry = expiresAt === undefined ? [] : ['expiry'];
      const properties = userProperties ? [JSON.stringify(userProperties)] : [];
      return [...expiry, ...throttle, ...(latest ? ['latest'] : []), ...properties].join(', ') || 'none';
    }
    default:
      return topic;
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${Buffer.from(text.slice(0, MAX_TEXT)).toString()}…` : text;
}
