import { harmless, type Paint, WIDTH, wrap } from '../terminal.js';
import type { Change } from './changes.js';
import type { Example, Redact } from './example.js';
import type { DirectionReport, ReplayReport } from './replay.js';
import type { Entry } from './tally.js';

/** How a report is shown. */
export interface ReplayStyle {
  readonly paint: Paint;
  /** Whether two configurations were compared. */
  readonly compared: boolean;
  /** Is asked before a text is broken into lines, after which a secret would not be found. */
  readonly redact: Redact;
}

const CHANGES: Readonly<Record<Change, string>> = {
  added: 'added',
  lost: 'lost',
  target: 'goes elsewhere',
  payload: 'other payload',
  delivery: 'QoS or retain',
  terms: 'other terms',
};

const COUNT = 10;
const LABEL = 16;
/** So many lines of a kind are shown; `--json` has all. */
const MAX_ENTRIES = 50;

/** What would be different, or what a configuration makes of it, for people. */
export function replayText(report: ReplayReport, style: ReplayStyle): string {
  const { files, seconds, from, to } = report;
  const records = report.out.records + report.in.records;
  const speed = seconds > 0 ? `, ${Math.round(records / seconds)} records/s` : '';
  const time = from === undefined || to === undefined ? [] : [`from ${iso(from)} to ${iso(to)}`];
  const lines = [
    `${records} records in ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${seconds.toFixed(1)} s${speed}`,
    ...time,
    '',
    ...directionLines('bus to MQTT', 'events', report.out, style),
    '',
    ...directionLines('MQTT to bus', 'messages', report.in, style),
    ...notes(report, style.redact).flatMap((note) => ['', wrap(note, { width: WIDTH })]),
  ];
  return `${lines.join('\n')}\n`;
}

function directionLines(title: string, what: string, report: DirectionReport, style: ReplayStyle): string[] {
  const { paint, compared, redact } = style;
  const { records, different, differences, outcomes } = report;
  if (!compared)
    return [paint.bold(`${title}: ${records} ${what}`), ...few(outcomes, (entry) => outcomeLines(entry, redact))];
  const verdict = different === 0 ? paint.green('no difference') : paint.yellow(`${different} differ`);
  return [
    `${paint.bold(`${title}: ${records} ${what}`)}, ${verdict}`,
    ...few(differences, (entry) => differenceLines(entry, redact)),
  ];
}

function few<E>(entries: readonly Entry<E>[], lines: (entry: Entry<E>) => string[]): string[] {
  const shown = entries.slice(0, MAX_ENTRIES).flatMap(lines);
  const left = entries.length - MAX_ENTRIES;
  return left > 0 ? [...shown, `${' '.repeat(COUNT + 2)}and ${left} more kinds: --json has them`] : shown;
}

function outcomeLines({ key, count }: Entry<never>, redact: Redact): string[] {
  const [outcome = 'other', rule = ''] = key;
  return [row(count, outcome, redact(rule) || (outcome === 'filtered' ? 'no rule takes it' : ''))];
}

function differenceLines({ key, count, examples }: Entry<Example>, redact: Redact): string[] {
  const [change, oldRule = '', oldOutcome = '', rule = '', outcome = ''] = key;
  if (change === undefined) return [row(count, 'other', '')];
  const [was, is] = [redact(side(oldRule, oldOutcome)), redact(side(rule, outcome))];
  return [
    row(count, CHANGES[change as Change], was === is ? was : `old  ${was}`),
    ...(was === is ? [] : [row('', '', `new  ${is}`)]),
    ...examples.flatMap(({ at, what, old, now }) => [
      row('', '', `${iso(at)} ${what}`),
      row('', '', `  - ${old}`),
      row('', '', `  + ${now}`),
    ]),
  ];
}

/** Who has decided, and why nothing comes of it. */
function side(rule: string, outcome: string): string {
  if (outcome === 'accepted') return rule || '(a filter without rules)';
  if (outcome === 'filtered') return rule === '' ? 'no rule takes it' : `blocked by ${rule}`;
  return rule === '' ? outcome : `${outcome}, ${rule}`;
}

function row(count: number | string, label: string, text: string): string {
  const head = `${String(count).padStart(COUNT)}  ${label.padEnd(LABEL)}`;
  const indent = ' '.repeat(head.length);
  const lines = wrap(harmless(text), { width: WIDTH - head.length }).split('\n');
  return `${head}${lines.join(`\n${indent}`)}`.trimEnd();
}

/** What is not as it was, or not as it will be. */
function notes({ damaged, gaps, missed, unplayed }: ReplayReport, redact: Redact): string[] {
  const { throttled, expiring, latest } = unplayed;
  const asks = [
    throttled > 0 ? `throttle (${throttled} messages)` : [],
    expiring > 0 ? `expiry (${expiring})` : [],
    latest > 0 ? `on_backlog: latest (${latest})` : [],
  ].flat();
  const places = damaged.first.map(({ path, line }) => `${harmless(redact(path))}:${line}`).join(', ');
  return [
    damaged.count > 0
      ? `damaged lines: ${damaged.count} (${places}${damaged.count > damaged.first.length ? ', …' : ''})`
      : [],
    gaps.bus > 0 ? `the bus was away ${times(gaps.bus)} while it was recorded` : [],
    gaps.mqtt > 0 ? `the broker was away ${times(gaps.mqtt)} while it was recorded` : [],
    missed > 0 ? `records that are missing, since the disk did not take them: ${missed}` : [],
    asks.length > 0
      ? `not played, since it takes a broker and its absence: ${asks.join(', ')}; each message counts as published`
      : [],
    'By the time of the recording: max_age, rate_limit, deadband. What a deadband or a command_id remembers from before the recording is not known.',
  ].flat();
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** Within what a Date holds. */
function iso(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
