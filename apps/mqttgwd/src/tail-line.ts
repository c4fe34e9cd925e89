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

/** What became of an event or a message, in one line. */
export function tailLine(entry: TailEntry, { paint, width = Number.POSITIVE_INFINITY }: TailStyle): string {
  const head = `${timeOfDay(new Date(entry.time))} ${entry.direction === 'out' ? '→' : '←'} `;
  const { main, more } = bodyOf(entry);
  const rule = entry.rule === undefined ? '' : harmless(entry.rule);
  const room = width - head.length;
  const shownMain = cut(main, room);
  const left = room - shownMain.length - 1;
  const shownMore = cut(more, Math.max(0, left - Math.min(rule.length, RULE_WIDTH) - 3));
  const used = shownMore === '' ? 0 : shownMore.length + 1;
  const shownRule = cut(rule, left - used - 2);
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
    ...(shownMore === '' ? [] : [shownMore]),
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

/** What has to be seen, and what may be cut. */
function bodyOf({ direction, outcome, events = [], message, reason, detail, count }: TailEntry) {
  const [topic, payload] = [harmless(message?.topic ?? ''), harmless(message?.payload ?? '')];
  const [event] = events;
  const why = [reason, detail].filter((part) => part !== undefined).map(harmless);
  if (outcome === 'malformed') return { main: `malformed: ${why[0]}`, more: why[1] ?? '' };
  if (outcome === 'lost') {
    const what = topic === '' ? `${count} messages` : topic;
    return { main: `lost: ${what}: ${why[0]}`, more: why[1] ?? '' };
  }
  const came = direction === 'out' ? (event ? eventText(event) : '') : topic;
  if (outcome === 'filtered') return { main: `${came} filtered`, more: direction === 'in' ? payload : '' };
  if (outcome === 'refused') return { main: `${came} refused: ${why[0]}`, more: why[1] ?? '' };
  if (direction === 'out') return { main: `${came} → ${topic}`, more: payload };
  return { main: `${came} → ${events.map(eventText).join(', ')}`, more: payload };
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
