import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.js';

describe('the command line', () => {
  it('gives at least 200 schedules by default, two at a time', () => {
    const { schedules, jobs, verbose } = parseOptions([]);
    expect(schedules.length).toBeGreaterThanOrEqual(200);
    expect([jobs, verbose]).toEqual([2, false]);
  });

  it('replays seeds', () => {
    const { schedules } = parseOptions(['--seed', '42', '--seed', '42', '--verbose']);
    expect(schedules.map(({ seed }) => seed)).toEqual([42, 42]);
  });

  it('finds schedules with a fault', () => {
    const { schedules } = parseOptions(['--fault', 'busKill', '--runs', '3', '--first', '50']);
    expect(schedules).toHaveLength(3);
    for (const { seed, faults } of schedules) {
      expect(seed).toBeGreaterThanOrEqual(50);
      expect(faults.map(({ name }) => name)).toContain('busKill');
    }
  });

  it.each([
    [['--seed', 'x'], '--seed: x'],
    [['--seed=-1'], '--seed: -1'],
    [['--jobs', '0'], '--jobs: 0'],
    [['--runs', ''], '--runs: '],
    [['--fault', 'flood'], '--fault: flood is none of gatewayKill,'],
    [['--what'], '--what'],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
