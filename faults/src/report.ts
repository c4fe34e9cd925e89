import { emptyFigures, type Figures } from './checker.js';
import { faultNames } from './fault-kinds.js';
import type { RunResult } from './run.js';
import { describeFault, describeSetting } from './schedule.js';

const HEADER = [
  'fault',
  'runs',
  'events',
  'commands',
  'lost',
  'in window',
  'by broker',
  'doubled',
  '(by broker)',
  'out of order',
  'altered',
  'unheard',
  'broken',
];

/** One row for each fault, with all runs in which it happened, and one for all runs. */
export function renderTable(results: readonly RunResult[]): string {
  const rows = faultNames.flatMap((name) => {
    const those = results.filter(({ schedule }) => schedule.faults.some((fault) => fault.name === name));
    return those.length > 0 ? [row(name, those)] : [];
  });
  return align([HEADER, ...rows, row('all runs', results)]);
}

/** The same by setting. */
export function renderSettings(results: readonly RunResult[]): string {
  const nameOf = ({ schedule: { setting } }: RunResult) => `${setting.durability}, QoS ${setting.qos}`;
  const names = [...new Set(results.map(nameOf))].sort();
  const rows = names.map((name) =>
    row(
      name,
      results.filter((result) => nameOf(result) === name),
    ),
  );
  return align([['setting', ...HEADER.slice(1)], ...rows]);
}

/** What a failed run needs to be told: what should not have been, what happened, and how to see it again. */
export function renderFailure({ schedule, problems }: RunResult): string {
  return [
    `seed ${schedule.seed} (${describeSetting(schedule.setting)}):`,
    ...problems.map((problem) => `  ${problem}`),
    ...schedule.faults.map((fault) => `    ${describeFault(fault)}`),
    `  again: pnpm faults --seed ${schedule.seed} --verbose`,
  ].join('\n');
}

/** `seed 42, spill, QoS 1, MQTT 5: 1,204 events, 63 commands, 6.2 s: gatewayKill, proxyCut` */
export function renderRun({ schedule, events, commands, problems, seconds }: RunResult): string {
  const names = schedule.faults.map(({ name }) => name).join(', ');
  const verdict = problems.length > 0 ? ` BROKEN: ${problems.join('; ')}` : '';
  return `seed ${schedule.seed}, ${describeSetting(schedule.setting)}: ${names}: ${events.count} events, ${commands.count} commands, ${seconds.toFixed(1)} s${verdict}`;
}

function row(name: string, results: readonly RunResult[]): string[] {
  const sum = (of: (figures: Figures) => number) =>
    results.reduce((total, { events, commands }) => total + of(events) + of(commands), 0);
  const totals = emptyFigures();
  for (const key of Object.keys(totals) as (keyof Figures)[]) totals[key] = sum((figures) => figures[key]);
  const events = results.reduce((total, each) => total + each.events.count, 0);
  const broken = results.filter(({ problems }) => problems.length > 0).length;
  const { count, lost, inWindow, byBroker, doubled, doubledByBroker, outOfOrder, altered, stray, unheard } = totals;
  const cells = [
    results.length,
    events,
    count - events,
    lost,
    inWindow,
    byBroker,
    doubled,
    doubledByBroker,
    outOfOrder,
  ];
  return [name, ...[...cells, altered + stray, unheard, broken].map((cell) => cell.toLocaleString('en'))];
}

/** The first column to the left, the numbers to the right. */
function align(lines: readonly string[][]): string {
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join('  ')).join('\n');
}
