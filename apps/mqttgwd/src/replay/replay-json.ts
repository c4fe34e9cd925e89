import { jsonLine } from '../terminal.js';
import type { DirectionReport, ReplayReport } from './replay.js';

/** A report for a program. */
export function replayJson({ out, in: into, ...report }: ReplayReport, redact?: (text: string) => string): string {
  const records = out.records + into.records;
  const speed = { records, records_per_second: Math.round(records / report.seconds) };
  return `${jsonLine({ ...speed, ...report, out: direction(out), in: direction(into) }, 2, redact)}\n`;
}

function direction({ records, different, differences, outcomes }: DirectionReport) {
  return {
    records,
    different,
    differences: differences.map(({ key: [change, old_rule, old_outcome, rule, outcome], count, examples }) => ({
      change: change ?? 'other',
      old: { rule: old_rule, outcome: old_outcome },
      new: { rule, outcome },
      count,
      examples,
    })),
    outcomes: outcomes.map(({ key: [outcome, rule], count }) => ({ outcome: outcome ?? 'other', rule, count })),
  };
}
