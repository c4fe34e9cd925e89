import { nameOf, type Subject } from './durability.js';
import { type Spread, spread } from './statistics.js';
import type { TallyFigures } from './tally.js';

/** A subject with the figures of all its runs. */
export interface Row<F> extends Subject {
  runs: F[];
}

/** A column of the table: the median of a figure that every run has, or null where it has none. */
export interface Column<F> {
  title: string;
  digits: number;
  figure(run: F): number | null;
}

/** What a scenario says of its figures. */
export interface Reading<F> {
  columns: readonly Column<F>[];
  tallies(run: F): TallyFigures[];
}

/** The table for the terminal: medians, and where there are several runs, least and greatest below them. */
export function renderTable<F>(rows: readonly Row<F>[], { columns, tallies }: Reading<F>): string {
  const titles = columns.map(({ title }) => title);
  const lines = [['gateway', 'durability', 'QoS', ...titles, 'lost', 'doubled', 'out of order']];
  for (const { gateway, durability, qos, runs } of rows) {
    const spreads = columns.map(({ figure }) => spreadOf(runs, figure));
    const cells = (show: (values: Spread, digits: number) => string, none: string) =>
      spreads.map((values, column) => (values ? show(values, columns[column]?.digits ?? 0) : none));
    const medians = cells(({ median }, digits) => decimals(median, digits), '–');
    lines.push([gateway, durability ?? '–', String(qos), ...medians, ...sums(runs.flatMap(tallies))]);
    if (runs.length > 1) lines.push(['', '', '', ...cells(range, ''), '', '', '']);
  }
  return alignColumns(lines, 2);
}

function spreadOf<F>(runs: readonly F[], figure: (run: F) => number | null): Spread | undefined {
  const values = runs.map(figure).filter((value) => value !== null);
  return values.length > 0 ? spread(values) : undefined;
}

/** Faults are not averaged: those of all runs and phases together. */
function sums(tallies: readonly TallyFigures[]): string[] {
  const sum = (figure: keyof TallyFigures) =>
    decimals(
      tallies.reduce((total, tally) => total + tally[figure], 0),
      0,
    );
  return [sum('lost'), sum('doubled'), `${sum('outOfOrder')} (${sum('outOfOrderPerVariable')})`];
}

/** Faults that have no column, because there should never be one: one line each. */
export function renderFaults<F>(rows: readonly Row<F>[], { tallies }: Reading<F>): string[] {
  return rows.flatMap((row) =>
    row.runs.flatMap((run, index) =>
      tallies(run).flatMap(({ misrouted, stray }) => [
        ...(misrouted > 0 ? [`${nameOf(row)}, run ${index + 1}: ${misrouted} under another's topic`] : []),
        ...(stray > 0 ? [`${nameOf(row)}, run ${index + 1}: ${stray} that were not sent in that phase`] : []),
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

/** Names, which are the first columns, to the left, and numbers to the right. */
export function alignColumns(lines: readonly string[][], names: number): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column < names ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
