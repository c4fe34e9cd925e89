import { expect, it } from 'vitest';
import { type RuleSetFigures, renderRuleSets } from './rules.js';

const figures: RuleSetFigures = {
  loadMs: 1.25,
  firstUs: 100,
  p50Us: 2,
  p99Us: 9.75,
  maxUs: 1_500,
  knownNs: 80,
  heapBytes: 12_300_000,
  hostileMs: 4,
};

it('shows a line for each set of rules, with the medians of its runs', () => {
  const rows = [
    { rules: 1, runs: [figures, { ...figures, knownNs: 100 }, { ...figures, knownNs: 90 }] },
    { rules: 10_000, runs: [figures] },
  ];
  expect(renderRuleSets(rows).split('\n')).toEqual([
    'rules   load ms  first µs  p50 µs  p99 µs  max µs  known ns  heap MB  64 KiB ms',
    '     1      1.3       100     2.0     9.8   1,500        90     12.3        4.0',
    '10,000      1.3       100     2.0     9.8   1,500        80     12.3        4.0',
  ]);
});
