import { isDeepStrictEqual } from 'node:util';
import type { Crossing } from '@cstbox/mqtt-core';

type InEvents = Extract<Crossing, { direction: 'in'; outcome: 'accepted' }>['events'];
type Accepted = Extract<Crossing, { outcome: 'accepted' }>;

/**
 * What is different between what two configurations make of the same. `target`: the topic, or channel and variable. `payload`:
 * that of the message, or the data of the events. `delivery`: QoS and retain. `terms`: expiry, user properties, throttle, backlog.
 */
export type Change = 'added' | 'lost' | 'target' | 'payload' | 'delivery' | 'terms';

/** The changes from one crossing to another of the same event or message; none: the same comes of it. */
export function changesBetween(old: Crossing, now: Crossing): Change[] {
  if (old.outcome !== 'accepted') return now.outcome === 'accepted' ? ['added'] : [];
  return now.outcome === 'accepted' ? changesOfAccepted(old, now) : ['lost'];
}

function changesOfAccepted(old: Accepted, now: Accepted): Change[] {
  if (old.direction === 'in') return now.direction === 'in' ? changesOfEvents(old.events, now.events) : [];
  if (now.direction === 'in') return [];
  const [a, b] = [old.message, now.message];
  const isDifferent: Partial<Record<Change, boolean>> = {
    target: a.topic !== b.topic,
    payload: !samePayload(a.payload, b.payload),
    delivery: a.qos !== b.qos || a.retain !== b.retain,
    terms:
      a.expiresAt !== b.expiresAt ||
      Boolean(a.latest) !== Boolean(b.latest) ||
      old.throttleMs !== now.throttleMs ||
      !isDeepStrictEqual(a.userProperties ?? {}, b.userProperties ?? {}),
  };
  return (Object.keys(isDifferent) as Change[]).filter((change) => isDifferent[change]);
}

function changesOfEvents(old: InEvents, now: InEvents): Change[] {
  const targets = (events: InEvents) =>
    events.map(({ channel, event: { varType, varName } }) => `${channel}\0${varType}\0${varName}`).join('\0\0');
  if (targets(old) !== targets(now)) return ['target'];
  const data = (events: InEvents) => events.map(({ event }) => event.data);
  return isDeepStrictEqual(data(old), data(now)) ? [] : ['payload'];
}

function samePayload(a: string | Uint8Array, b: string | Uint8Array): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  return Buffer.from(a as Uint8Array).equals(Buffer.from(b as Uint8Array));
}
