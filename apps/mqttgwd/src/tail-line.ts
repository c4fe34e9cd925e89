import type { TailEntry, TailEvent } from '@cstbox/dbus-bus';
import { harmless, type Paint } from './terminal.js';
import { timeOfDay } from './time-of-day.js';

/** How a line is laid out. */
export interface TailStyle {
  readonly paint: Paint;
  /** Columns; `undefined` where nothing is cut. */
  readonly width: number | undefined;
}

/** The name of the rule gets so many columns at least, where there are so many. */
const RULE_WIDTH = 24;
/** Of what went wrong, what it was, why, and the payload are seen at least so far. */
const SEEN_WIDTH = 16;

/** What became of an event or a message, in one line. */
export function tailLine(entry: TailEntry, { paint, width = Number.POSITIVE_INFINITY }: TailStyle): string {
  const head = `${timeOfDay(new Date(entry.time))} ${entry.direction === 'out' ? '→' : '←'} `;
  const { came, verdict, detail = '', more } = bodyOf(entry);
  const rule = entry.rule === undefined ? '' : harmless(entry.rule);
  const room = width - head.length;
  const isFault = verdict !== undefined;
  // What went wrong is told before the rule that decided it, which gets what is left.
  const reserved = isFault ? 0 : Math.min(rule.length, RULE_WIDTH) + 3;
  const seen = (text: string) => (text === '' ? 0 : Math.min(text.length, SEEN_WIDTH) + 1);
  const shownCame = isFault
    ? cut(came, Math.max(SEEN_WIDTH, room - verdict.length - 1 - seen(detail) - seen(more)))
    : came;
  const shownMain = cut([shownCame, verdict].filter(Boolean).join(' '), room);
  let left = room - shownMain.length;
  const take = (text: string, width: number) => {
    const shown = cut(text, width - 1);
    left -= shown === '' ? 0 : shown.length + 1;
    return shown;
  };
  const shownDetail = take(detail, left - seen(more));
  const shownMore = take(more, left - reserved);
  const shownRule = cut(rule, left - 3);
  const colour = {
    accepted: undefined,
    filtered: paint.dim,
    refused: paint.yellow,
    malformed: paint.red,
    lost: paint.red,
  };
  const painted = colour[entry.outcome]?.(shownMain) ?? shownMain;
  return [
    `${paint.dim(head)}${painted}`,
    ...[shownDetail, shownMore].filter((part) => part !== ''),
    ...(shownRule.length < 3 ? [] : [paint.cyan(`[${shownRule}]`)]),
  ].join(' ');
}

/** All words of an entry, for whoever looks for some. */
export function tailText({ events = [], message, rule, filter, outcome, reason, detail }: TailEntry): string {
  return [
    ...events.flatMap(({ channel, variable, data }) => [channel, variable, data]),
    message?.topic,
    message?.payload,
    rule,
    filter,
    outcome,
    reason,
    detail,
  ]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** What came, what went wrong with it and why, and what may be cut. */
interface Body {
  readonly came: string;
  readonly verdict?: string;
  readonly detail?: string;
  readonly more: string;
}

function bodyOf({ direction, outcome, events = [], message, reason, detail, count }: TailEntry): Body {
  const [topic, payload] = [harmless(message?.topic ?? ''), harmless(message?.payload ?? '')];
  const [event] = events;
  const fault = { verdict: `${outcome}: ${harmless(reason ?? '')}`, detail: harmless(detail ?? ''), more: payload };
  if (outcome === 'malformed') return { came: topic, ...fault };
  if (outcome === 'lost') return { came: topic === '' ? `${count} messages` : topic, ...fault };
  const came = direction === 'out' ? (event ? eventText(event) : '') : topic;
  if (outcome === 'refused') return { came, ...fault };
  if (outcome === 'filtered') return { came: `${came} filtered`, more: direction === 'in' ? payload : '' };
  if (direction === 'out') return { came: `${came} → ${topic}`, more: payload };
  return { came: `${came} → ${events.map(eventText).join(', ')}`, more: payload };
}

/** `temperature:kitchen 21.5 degC` */
function eventText({ variable, data }: TailEvent): string {
  return [harmless(variable), measured(data)].filter((part) => part !== '').join(' ');
}

/** Value and unit, of data that was perhaps cut. */
function measured(data: string): string {
  const value = /"value":("(?:[^"\\]|\\.)*"|[^,}]+)/.exec(data)?.[1] ?? '';
  const unit = /"unit":"((?:[^"\\]|\\.)*)"/.exec(data)?.[1];
  return harmless([cut(value, 20), ...(unit === undefined ? [] : [cut(unit, 10)])].join(' '));
}

function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 0 ? '' : `${text.slice(0, width - 1)}…`;
}
