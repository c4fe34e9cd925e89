import type { NamedCounts, ReportedFault, StatusReport } from '@cstbox/dbus-bus';
import type { Counts } from '@cstbox/mqtt-core';
import { inWords } from './duration.js';
import { harmless, type Paint, WIDTH, wrap } from './terminal.js';
import { dayAndTime } from './time-of-day.js';

/** So many rules are shown, those that decided most, unless all are wanted. */
const SHOWN_RULES = 5;
const SHOWN_FAULTS = 5;
const NAME_WIDTH = 28;
const LABEL_WIDTH = 15;
const DIRECTIONS = [
  ['out', 'bus to MQTT'],
  ['in', 'MQTT to bus'],
] as const;

/** How a status is shown. */
export interface StatusStyle {
  readonly paint: Paint;
  /** Whether all rules are wanted. */
  readonly rules: boolean;
  /** How many lines there is room for, at most. Default: any number. */
  readonly room?: number | undefined;
}

/** A status for people, in lines of 80 columns: what is wrong comes before what is usual. */
export function statusLines(status: StatusReport, { paint, rules, room }: StatusStyle): string[] {
  const title = (text: string) => ['', paint.bold(text)];
  const links = [...headLines(status, paint), '', ...linkLines(status, paint)];
  const rates = [...title(row('per second', ['10 s', '1 min', '10 min'])), ...rateLines(status)];
  const counts = [
    ...title(row('', ['received', 'forwarded', 'filtered', 'dropped', 'waiting'])),
    ...DIRECTIONS.flatMap(([key, name]) => directionLines(name, status.counts[key])),
    ...replyLines(status),
  ];
  const ruleCounts = DIRECTIONS.flatMap(([key, name]) => {
    const lines = ruleLines(status.counts[key].rules, rules);
    return lines.length > 0 ? [...title(`rules, ${name}`), ...lines] : [];
  });
  const faults = status.faults.slice(-SHOWN_FAULTS).map((fault) => faultLines(fault, paint));
  const below = (lines: readonly string[]) =>
    lines.length > 0 ? [...title('last warnings and errors'), ...lines] : [];
  const all = [...links, ...below(faults.flat()), ...rates, ...counts, ...ruleCounts];
  if (room === undefined || all.length <= room) return all;
  // Where not all has room, rates give way to links, the newest warning and counts.
  const [newest = []] = faults.slice(-1);
  const needed = links.length + below(newest).length + counts.length + 1;
  const usual = needed + rates.length <= room ? [...rates, ...counts] : counts;
  const forFaults = room - links.length - usual.length - 1 - title('').length;
  const shown = [...links, ...below(newestFitting(faults, forFaults)), ...usual, ...ruleCounts].slice(0, room - 1);
  return [...shown, `… ${all.length - shown.length} more lines: mqttgwd status shows all`];
}

/** As many of the newest as have room, whole; of the newest one at least the beginning. */
function newestFitting(faults: readonly (readonly string[])[], room: number): string[] {
  const [newest = [], ...older] = faults.toReversed();
  let shown = newest.slice(0, Math.max(1, room));
  for (const fault of older) {
    if (shown.length + fault.length > room) break;
    shown = [...fault, ...shown];
  }
  return shown;
}

function headLines({ version, time, since, configuration, simulate }: StatusReport, paint: Paint): string[] {
  const name = ['mqttgwd', version].filter((part) => part !== undefined).join(' ');
  const head = `${name}, running for ${inWords(time - since)}`;
  return [
    paint.bold(head),
    ...(configuration === undefined ? [] : hanging('with ', harmless(configuration))),
    ...(simulate ? [paint.yellow('simulated: nothing is published, the log says what would be')] : []),
  ];
}

function linkLines({ time, links, outbox, commands }: StatusReport, paint: Paint): string[] {
  const link = (name: string, state: string, since: number, more: string) => {
    const colour = state === 'attached' || state === 'connected' ? paint.green : paint.yellow;
    const start = `${name.padEnd(LABEL_WIDTH)}${state.padEnd(11)}for ${inWords(time - since).padEnd(13)}`;
    const [first = '', ...rest] = hanging(start, more);
    return [first.replace(state, colour), ...rest];
  };
  const { bus, eventManager, broker } = links;
  const attempts = broker.state === 'connected' || broker.attempts === 0 ? [] : [`attempt ${broker.attempts}`];
  const spoken = broker.protocolVersion ? [`MQTT ${broker.protocolVersion}`] : [];
  const oldest = outbox.oldest === undefined ? [] : [`the oldest for ${inWords(time - outbox.oldest)}`];
  const held = outbox.held > 0 ? [`${outbox.held} held back by throttle`] : [];
  const kept = outbox.directory === undefined ? outbox.durability : `${outbox.durability} in ${outbox.directory}`;
  const fault = (text: string | undefined) =>
    text === undefined ? [] : hanging(' '.repeat(LABEL_WIDTH), harmless(text)).map(paint.yellow);
  return [
    ...(bus ? link('bus', bus.state, bus.since, harmless(bus.address ?? '')) : []),
    ...link('event manager', eventManager.state, eventManager.since, ''),
    ...link('broker', broker.state, broker.since, [harmless(broker.broker), ...spoken, ...attempts].join(', ')),
    ...fault(broker.fault),
    ...hanging(
      'outbox'.padEnd(LABEL_WIDTH),
      `${[`${outbox.waiting} waiting`, ...oldest, ...held].join(', ')}; ${harmless(kept)}`,
    ),
    ...fault(outbox.fault),
    `${'commands'.padEnd(LABEL_WIDTH)}${commands.waiting} waiting`,
  ];
}

function rateLines({ rates }: StatusReport): string[] {
  const shown = (rate: number) => (rate < 100 ? rate.toFixed(1) : compact(Math.round(rate)));
  return DIRECTIONS.flatMap(([key, name]) =>
    (['received', 'forwarded'] as const).map((what) => {
      const { last10s, last1min, last10min } = rates[key][what];
      return row(`${name}, ${what}`, [last10s, last1min, last10min].map(shown));
    }),
  );
}

function directionLines(name: string, counts: StatusReport['counts']['out']): string[] {
  const filters = counts.filters.length > 1 ? counts.filters : [];
  const dropped = Object.entries(counts.dropped).map(([reason, count]) => `${harmless(reason)} ${count}`);
  return [
    ...countLines(name, counts),
    ...filters.flatMap((each) => countLines(`  ${harmless(each.name)}`, each)),
    ...(dropped.length > 0 ? hanging('  dropped: ', dropped.join(', ')) : []),
  ];
}

function replyLines({ counts: { replies } }: StatusReport): string[] {
  const { sent, lost } = replies;
  return sent + lost > 0 ? [`answers to commands: ${sent} sent, ${lost} lost`] : [];
}

function ruleLines(all: readonly NamedCounts[], wantsAll: boolean): string[] {
  const busiest = all.toSorted((a, b) => b.received - a.received);
  const shown = wantsAll ? busiest : busiest.slice(0, SHOWN_RULES);
  const more = all.length - shown.length;
  return [
    ...shown.flatMap((each) => countLines(harmless(each.name), each)),
    ...(more > 0 ? [`and ${more} more: --rules shows all`] : []),
  ];
}

function faultLines({ time, level, component, msg }: ReportedFault, paint: Paint): string[] {
  const colour = level === 'error' ? paint.red : paint.yellow;
  return hanging(`${dayAndTime(new Date(time))} `, `${harmless(component)} > ${harmless(msg)}`).map(colour);
}

/** A name that is too long for its column stands on lines of its own. */
function countLines(name: string, { received, forwarded, filtered, dropped, waiting }: Counts): string[] {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const cells = [received, forwarded, filtered, lost, waiting].map(compact);
  if (name.length < NAME_WIDTH) return [row(name, cells)];
  return [...chunks(name, WIDTH), row('', cells)];
}

function row(name: string, cells: readonly string[]): string {
  return `${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(10)).join('')}`.trimEnd();
}

/** At most nine characters: what is larger is shown in thousands, millions and so on. */
function compact(count: number): string {
  if (count < 1_000_000_000) return String(count);
  const power = Math.floor(Math.log10(count) / 3);
  return `${(count / 1_000 ** power).toFixed(3)}${['', 'k', 'M', 'G', 'T', 'P'][power]}`;
}

/** A text behind a label, in as many lines below each other as it needs. */
function hanging(label: string, text: string): string[] {
  const width = WIDTH - label.length;
  const lines = wrap(text, { width }).split('\n');
  return lines
    .flatMap((line) => chunks(line, width))
    .map((line, index) => `${index === 0 ? label : ' '.repeat(label.length)}${line}`.trimEnd());
}

function chunks(text: string, width: number): string[] {
  return text.match(new RegExp(`.{1,${width}}`, 'gsu')) ?? [''];
}
