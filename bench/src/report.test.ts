import { describe, expect, it } from 'vitest';
import { type Reading, type Row, renderFaults, renderTable } from './report.js';
import type { TallyFigures } from './tally.js';

const tally = { count: 10, lost: 0, doubled: 0, outOfOrder: 0, outOfOrderPerVariable: 0, misrouted: 0, stray: 0 };

interface Run {
  speed: number;
  delay: number | null;
  first: TallyFigures;
  second: TallyFigures;
}

function run(speed: number, faults = {}, delay: number | null = 0.25): Run {
  return { speed, delay, first: { ...tally, ...faults }, second: { ...tally, lost: 1 } };
}

const reading: Reading<Run> = {
  columns: [
    { title: 'events/s', digits: 0, figure: ({ speed }) => speed },
    { title: 'p50 ms', digits: 2, figure: ({ delay }) => delay },
  ],
  tallies: ({ first, second }) => [first, second],
};

describe('the table', () => {
  it('shows medians, the range below them, and the faults of all runs and phases together', () => {
    const runs = [run(40_000), run(20_000, { lost: 3 }), run(30_000, { doubled: 1, outOfOrder: 2 })];
    const rows: Row<Run>[] = [{ gateway: 'mqttgwd', durability: 'spill', qos: 1, runs }];
    expect(renderTable(rows, reading).split('\n')).toEqual([
      'gateway  durability  QoS       events/s     p50 ms  lost  doubled  out of order',
      'mqttgwd  spill         1         30,000       0.25     6        1         2 (0)',
      '                          20,000–40,000  0.25–0.25                             ',
    ]);
  });

  it('shows what a subject has not: an outbox, a figure', () => {
    const rows: Row<Run>[] = [{ gateway: 'node-pipe', durability: undefined, qos: 0, runs: [run(0, {}, null)] }];
    expect(renderTable(rows, reading)).toMatch(/\nnode-pipe {2}– +0 +0 +– +1 +0 +0 \(0\)$/);
  });
});

it('names faults that have no column', () => {
  const runs = [run(1), run(1, { misrouted: 4, stray: 5 })];
  expect(renderFaults([{ gateway: 'mqttgwd', durability: 'always', qos: 2, runs }], reading)).toEqual([
    "mqttgwd, always, QoS 2, run 2: 4 under another's topic",
    'mqttgwd, always, QoS 2, run 2: 5 that were not sent in that phase',
  ]);
});
