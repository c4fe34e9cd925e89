import type { GatewayName, Qos } from './gateways.js';
import type { RunFigures } from './measure.js';
import { type Spread, spread } from './statistics.js';

/** One gateway at one QoS, with all its runs. */
export interface Row {
  gateway: GatewayName;
  qos: Qos;
  runs: RunFigures[];
}

const HEADER = [
  'gateway',
  'QoS',
  'events/s',
  'µs CPU/event',
  'RSS MB',
  'peak MB',
  'p50 ms',
  'p99 ms',
  'lost',
  'doubled',
  'out of order',
];

/** The table for the terminal: medians, and where there are several runs, least and greatest below them. */
export function renderTable(rows: readonly Row[]): string {
  const lines = [HEADER];
  for (const row of rows) {
    const columns = spreads(row.runs);
    const medians = columns.map(([values, digits]) => (values ? decimals(values.median, digits) : '–'));
    lines.push([row.gateway, String(row.qos), ...medians, ...sums(row.runs)]);
    if (row.runs.length > 1) {
      lines.push(['', '', ...columns.map(([values, digits]) => (values ? range(values, digits) : '')), '', '', '']);
    }
  }
  return align(lines);
}

type Column = [values: Spread | undefined, digits: number];

function spreads(runs: readonly RunFigures[]): Column[] {
  const column = (digits: number, figure: (run: RunFigures) => number | null): Column => {
    const values = runs.map(figure).filter((value) => value !== null);
    return [values.length > 0 ? spread(values) : undefined, digits];
  };
  return [
    column(0, ({ flood }) => flood.eventsPerSecond),
    column(1, ({ flood }) => flood.cpuUsPerEvent),
    column(0, ({ flood }) => flood.rssBytes / 1e6),
    column(0, ({ flood }) => flood.peakBytes / 1e6),
    column(2, ({ paced }) => paced.p50Ms),
    column(2, ({ paced }) => paced.p99Ms),
  ];
}

/** Faults are not averaged: those of all runs and both phases together. */
function sums(runs: readonly RunFigures[]): string[] {
  const phases = runs.flatMap(({ flood, paced }) => [flood, paced]);
  const sum = (figure: 'lost' | 'doubled' | 'outOfOrder' | 'outOfOrderPerVariable') =>
    phases.reduce((total, phase) => total + phase[figure], 0);
  return [
    decimals(sum('lost'), 0),
    decimals(sum('doubled'), 0),
    `${decimals(sum('outOfOrder'), 0)} (${decimals(sum('outOfOrderPerVariable'), 0)})`,
  ];
}

/** Faults that have no column, because there should never be one: one line each. */
export function renderFaults(rows: readonly Row[]): string[] {
  return rows.flatMap(({ gateway, qos, runs }) =>
    runs.flatMap(({ flood, paced }, run) =>
      [flood, paced].flatMap(({ misrouted, stray }) => [
        ...(misrouted > 0 ? [`${gateway}, QoS ${qos}, run ${run + 1}: ${misrouted} under another's topic`] : []),
        ...(stray > 0 ? [`${gateway}, QoS ${qos}, run ${run + 1}: ${stray} that were not sent in that phase`] : []),
      ]),
    ),
  );
}

/** A number as people read it: 12,345.6. */
export function decimals(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function range({ min, max }: Spread, digits: number): string {
  return `${decimals(min, digits)}–${decimals(max, digits)}`;
}

/** The first column to the left, the others, which are numbers, to the right. */
function align(lines: readonly string[][]): string {
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
