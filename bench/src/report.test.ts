import { describe, expect, it } from 'vitest';
import type { RunFigures } from './measure.js';
import { renderFaults, renderTable } from './report.js';

const tally = { count: 10, lost: 0, doubled: 0, outOfOrder: 0, outOfOrderPerVariable: 0, misrouted: 0, stray: 0 };

function run(eventsPerSecond: number, faults = {}, p50Ms: number | null = 0.25): RunFigures {
  return {
    flood: {
      ...tally,
      ...faults,
      seconds: 1,
      eventsPerSecond,
      emittedPerSecond: 90_000,
      cpuUsPerEvent: 12.34,
      cpuShare: 0.8,
      rssBytes: 80e6,
      peakBytes: 90e6,
    },
    paced: { ...tally, p50Ms, p99Ms: 1.5, maxMs: 2, cpuUsPerEvent: 100, sourceLatestMs: 1 },
  };
}

describe('the table', () => {
  it('shows medians, the range below them, and all faults together', () => {
    const runs = [run(40_000), run(20_000, { lost: 3 }), run(30_000, { lost: 1, outOfOrder: 2 })];
    expect(renderTable([{ gateway: 'mqttgwd', qos: 1, runs }]).split('\n')).toEqual([
      'gateway  QoS       events/s  µs CPU/event  RSS MB  peak MB     p50 ms     p99 ms  lost  doubled  out of order',
      'mqttgwd    1         30,000          12.3      80       90       0.25       1.50     4        0         2 (0)',
      '              20,000–40,000     12.3–12.3   80–80    90–90  0.25–0.25  1.50–1.50                             ',
    ]);
  });

  it('shows that there was no latency where nothing arrived', () => {
    expect(renderTable([{ gateway: 'node-pipe', qos: 0, runs: [run(0, { lost: 10 }, null)] }])).toMatch(
      /–\s+1\.50\s+10/,
    );
  });
});

it('names faults that have no column', () => {
  const rows = [{ gateway: 'mqttgwd', qos: 2, runs: [run(1), run(1, { misrouted: 4, stray: 5 })] } as const];
  expect(renderFaults(rows.map((row) => ({ ...row, runs: [...row.runs] })))).toEqual([
    "mqttgwd, QoS 2, run 2: 4 under another's topic",
    'mqttgwd, QoS 2, run 2: 5 that were not sent in that phase',
  ]);
});
