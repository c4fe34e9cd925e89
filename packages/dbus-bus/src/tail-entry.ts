import type { BasicEvent, Crossing, MQTTMessage, OutboundMessage } from '@cstbox/mqtt-core';

/** An event as a viewer sees it. */
export interface TailEvent {
  readonly channel: string;
  /** `<varType>:<varName>` */
  readonly variable: string;
  /** Its data as JSON, cut. */
  readonly data: string;
}

/** A message as a viewer sees it. */
export interface TailMessage {
  readonly topic: string;
  /** As text, cut. */
  readonly payload: string;
  /** How long the payload really is: in bytes, or in characters where the gateway made it of text. */
  readonly payloadLength: number;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/** What became of an event or a message, for a viewer. */
export interface TailEntry {
  /** In ms since the Epoch. */
  readonly time: number;
  /** `out`: from the bus to the broker; `in`: from the broker to the bus. */
  readonly direction: 'out' | 'in';
  /**
   * `accepted`; `filtered`: no rule let it through; `refused`: a rule, the policy or the other side said no; `malformed`: what
   * the bus brought was no event; `lost`: it had been accepted, and does not reach the broker.
   */
  readonly outcome: Crossing['outcome'];
  readonly rule?: string;
  readonly filter?: string;
  /** Why, in a word that is also the counter's. */
  readonly reason?: string;
  /** Why, for people. */
  readonly detail?: string;
  /** The event that came; or those that a message became. */
  readonly events?: readonly TailEvent[];
  /** The message that came; or the one that an event became. */
  readonly message?: TailMessage;
  /** How many were lost at once. */
  readonly count?: number;
}

/** What is longer is cut: a viewer costs the gateway a bounded amount of memory. */
const MAX_TEXT = 300;
/** How much behind a cut is looked at: a secret that begins before it, and is no longer than this, is found. */
const MARGIN = 1_000;
/** A message may become more events than a line can show. */
const MAX_EVENTS = 10;

/**
 * A small copy of what happened, that holds on to nothing of it.
 *
 * @param redact takes out of a text what nobody may read. It is called for what is cut only: of a part of a secret nobody
 *   could tell later that it is one
 */
export function tailEntryOf(crossing: Crossing, time: number, redact: (text: string) => string): TailEntry {
  const cut = (text: string) => cutText(text, redact);
  const { direction, outcome } = crossing;
  const { rule, filter } = decidedBy(crossing);
  const refusal = 'refusal' in crossing ? crossing.refusal : undefined;
  const { message } = crossing as { message?: MQTTMessage | OutboundMessage };
  const events =
    'event' in crossing ? [crossing] : direction === 'in' && outcome === 'accepted' ? crossing.events : undefined;
  return {
    time,
    direction,
    outcome,
    ...(rule !== undefined && { rule: cut(rule) }),
    ...(filter !== undefined && { filter: cut(filter) }),
    ...(refusal && { reason: cut(refusal.reason), detail: cut(refusal.detail) }),
    ...(events && {
      events: events.slice(0, MAX_EVENTS).map(({ channel, event }) => tailEventOf(channel, event, cut)),
    }),
    ...(message && { message: tailMessageOf(message, cut) }),
    ...(outcome === 'lost' && { count: crossing.count }),
  };
}

/** The rule and the filter by which something was decided. */
export function decidedBy(crossing: Crossing): { rule: string | undefined; filter: string | undefined } {
  if ('rule' in crossing) return crossing;
  return { rule: crossing.outcome === 'lost' ? crossing.message?.rule : undefined, filter: undefined };
}

/** About how many bytes an entry takes. */
export function sizeOfEntry({ rule = '', filter = '', detail = '', events = [], message }: TailEntry): number {
  const texts = [rule, filter, detail, message?.topic ?? '', message?.payload ?? ''];
  for (const { channel, variable, data } of events) texts.push(channel, variable, data);
  return 200 + 2 * texts.reduce((sum, text) => sum + text.length, 0);
}

type Cut = (text: string) => string;

function tailEventOf(channel: string, { varType, varName, data }: BasicEvent, cut: Cut): TailEvent {
  return { channel: cut(channel), variable: `${cut(varType)}:${cut(varName)}`, data: shortJson(data, cut) };
}

function tailMessageOf({ topic, payload, qos, retain }: MQTTMessage | OutboundMessage, cut: Cut): TailMessage {
  const text = typeof payload === 'string' ? payload : textOf(payload);
  return { topic: cut(topic), payload: cut(text), payloadLength: payload.length, qos, retain };
}

/** As much of it as is looked at: a character has at most four bytes of UTF-8. */
function textOf(payload: Uint8Array): string {
  const { buffer, byteOffset, length } = payload;
  return Buffer.from(buffer, byteOffset, Math.min(length, 4 * (MAX_TEXT + MARGIN))).toString();
}

/** As JSON, without looking at more of it than is shown. */
function shortJson(data: Readonly<Record<string, unknown>>, cut: Cut): string {
  let text = '';
  for (const [key, value] of Object.entries(data)) {
    const isDeep = typeof value === 'object' && value !== null;
    const shown = isDeep
      ? Array.isArray(value)
        ? '[…]'
        : '{…}'
      : JSON.stringify(typeof value === 'string' ? cut(value) : value);
    text += `${text === '' ? '' : ','}${JSON.stringify(cut(key))}:${shown}`;
    if (text.length > MAX_TEXT + MARGIN) break;
  }
  return cut(`{${text}}`);
}

/** A copy: a part of a text would keep the whole of it. */
function cutText(text: string, redact: (text: string) => string): string {
  if (text.length <= MAX_TEXT) return text;
  const looked = redact(text.slice(0, MAX_TEXT + MARGIN));
  // What was not looked at may have cut a secret at the very end.
  const sure = text.length <= MAX_TEXT + MARGIN ? looked.length : looked.length - MARGIN;
  if (looked.length <= MAX_TEXT && sure === looked.length) return looked;
  const length = Math.max(0, Math.min(MAX_TEXT, sure) - 1);
  return `${Buffer.from(looked.slice(0, length)).toString()}…`;
}
