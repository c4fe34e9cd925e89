import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultKind, faultNames } from './fault-kinds.js';
import { describeFault, endsGateway, generateSchedule } from './schedule.js';

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('a schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    fc.assert(fc.property(seed, (n) => void expect(generateSchedule(n)).toEqual(generateSchedule(n))));
    const texts = Array.from({ length: 300 }, (_, n) => JSON.stringify({ ...generateSchedule(n), seed: 0 }));
    expect(new Set(texts).size).toBe(300);
  });

  it('has at least one fault, each within the run, in order, and within the bounds of its kind', () => {
    fc.assert(
      fc.property(seed, (n) => {
        const { faults, durationMs } = generateSchedule(n);
        expect(faults.length).toBeGreaterThan(0);
        expect(faults.map(({ atMs }) => atMs)).toEqual(faults.map(({ atMs }) => atMs).sort((a, b) => a - b));
        for (const { name, atMs, durationMs: lasts, amount } of faults) {
          const kind = faultKind(name);
          expect(atMs).toBeLessThan(durationMs);
          expect(lasts).toBeGreaterThanOrEqual(kind.durationMs[0]);
          expect(lasts).toBeLessThanOrEqual(kind.durationMs[1]);
          expect(amount).toBeGreaterThanOrEqual(kind.amount?.bounds[0] ?? 0);
          expect(amount).toBeLessThanOrEqual(kind.amount?.bounds[1] ?? 0);
        }
      }),
    );
  });

  it('breaks no thing twice at a time, nor more than two', () => {
    fc.assert(
      fc.property(seed, (n) => {
        const { faults } = generateSchedule(n);
        for (const fault of faults) {
          const during = faults.filter(
            (other) => other.atMs <= fault.atMs && fault.atMs <= other.atMs + other.durationMs,
          );
          expect(during.length).toBeLessThanOrEqual(2 + Number(during.some(({ atMs }) => atMs === fault.atMs)));
          const targets = during.flatMap(({ name }) => faultKind(name).targets);
          expect(new Set(targets).size).toBe(targets.length);
        }
      }),
    );
  });

  it('damages only an outbox that is on disk, and never ends a gateway whose disk is full', () => {
    fc.assert(
      fc.property(seed, (n) => {
        const { faults, setting } = generateSchedule(n);
        if (setting.durability === 'memory') expect(faults.some(({ name }) => faultKind(name).needsStore)).toBe(false);
        if (faults.some(({ name }) => name === 'diskFull'))
          expect(faults.some(({ name }) => endsGateway(name))).toBe(false);
      }),
    );
  });

  it('goes round every fault at every setting that allows it, within 200 seeds', () => {
    const seen = new Set<string>();
    for (let n = 0; n < 200; n++) {
      const { faults, setting } = generateSchedule(n);
      for (const { name } of faults) seen.add(`${name} ${setting.durability} ${setting.qos}`);
    }
    const possible = faultNames.flatMap((name) =>
      (faultKind(name).needsStore ? ['spill', 'always'] : ['memory', 'spill', 'always']).flatMap((durability) =>
        [0, 1, 2].map((qos) => `${name} ${durability} ${qos}`),
      ),
    );
    expect(possible.filter((each) => !seen.has(each))).toEqual([]);
  });

  it('restarts the event manager in a burst', () => {
    for (let n = 0; n < 300; n++) {
      const { faults, events } = generateSchedule(n);
      for (const { name, atMs } of faults) {
        if (name === 'managerRestart') expect(events.some((burst) => burst.atMs === atMs)).toBe(true);
      }
    }
  });

  it('is told in words', () => {
    expect(describeFault({ name: 'proxyDelay', atMs: 300, durationMs: 500, amount: 20 })).toBe(
      '+300 ms proxyDelay (500 ms, 20 ms): slow in both directions',
    );
    expect(describeFault({ name: 'proxyCut', atMs: 7, durationMs: 0, amount: 0 })).toBe(
      '+7 ms proxyCut: every connection cut',
    );
  });
});
