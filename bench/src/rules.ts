import { Program } from './program.js';
import { alignColumns, decimals } from './report.js';
import type { RuleSet } from './rule-set.js';
import { spread } from './statistics.js';

/** How many rules there are: a line of the table each. */
export const RULE_COUNTS = [1, 10, 100, 1_000, 10_000];

/** What is measured of a set of rules. */
export interface RuleSetFigures {
  loadMs: number;
  /** The very first variable. */
  firstUs: number;
  p50Us: number;
  p99Us: number;
  maxUs: number;
  /** A variable that is known already. */
  knownNs: number;
  /** The rules, and what is remembered of the variables. */
  heapBytes: number;
  /** The longest that a text of 64 KiB takes, with rules added that invite backtracking. */
  hostileMs: number;
}

/** A set with the figures of all its runs. */
export interface RuleSetRow {
  rules: number;
  runs: RuleSetFigures[];
}

/** Measures all sets, in turns within each run. */
export async function measureRuleSets(
  { runs, variables }: { runs: number; variables: number },
  signal: AbortSignal,
): Promise<RuleSetRow[]> {
  const rows = RULE_COUNTS.map((rules): RuleSetRow => ({ rules, runs: [] }));
  for (let run = 1; run <= runs; run++) {
    for (const { rules, runs: figures } of rows) {
      await using program = new Program<RuleSet>('rule-set', signal);
      figures.push(await program.call('measure', { rules, variables }));
      console.error(`run ${run}/${runs}: ${decimals(rules, 0)} rules`);
    }
  }
  return rows;
}

interface RuleColumn {
  title: string;
  digits: number;
  figure(run: RuleSetFigures): number;
}

const COLUMNS: readonly RuleColumn[] = [
  { title: 'load ms', digits: 1, figure: ({ loadMs }) => loadMs },
  { title: 'first µs', digits: 0, figure: ({ firstUs }) => firstUs },
  { title: 'p50 µs', digits: 1, figure: ({ p50Us }) => p50Us },
  { title: 'p99 µs', digits: 1, figure: ({ p99Us }) => p99Us },
  { title: 'max µs', digits: 0, figure: ({ maxUs }) => maxUs },
  { title: 'known ns', digits: 0, figure: ({ knownNs }) => knownNs },
  { title: 'heap MB', digits: 1, figure: ({ heapBytes }) => heapBytes / 1e6 },
  { title: '64 KiB ms', digits: 1, figure: ({ hostileMs }) => hostileMs },
];

/** The table for the terminal: medians of all runs. */
export function renderRuleSets(rows: readonly RuleSetRow[]): string {
  const lines = rows.map(({ rules, runs }) => [
    decimals(rules, 0).padStart(6),
    ...COLUMNS.map(({ digits, figure }) => decimals(spread(runs.map(figure)).median, digits)),
  ]);
  return alignColumns([['rules', ...COLUMNS.map(({ title }) => title)], ...lines], 1);
}
