import { afterAll, describe, expect, it, vi } from 'vitest';
import { Budget } from './budget.js';

describe('Budget', () => {
  it('is spent when its steps are', () => {
    const budget = new Budget(10_000, Number.POSITIVE_INFINITY);
    let steps = 0;
    while (!budget.isSpent) {
      budget.left--;
      steps++;
    }
    expect(steps).toBe(10_001);
    expect(budget.remaining).toBe(-1);
  });

  it('takes what was overdrawn out of what is left', () => {
    const budget = new Budget(10_000, Number.POSITIVE_INFINITY);
    budget.left -= 9_000;
    expect(budget.isSpent).toBe(false);
    expect(budget.remaining).toBe(1_000);
    budget.left -= 2_000;
    expect(budget.isSpent).toBe(true);
    expect(budget.remaining).toBe(-1_000);
  });

  describe('with a clock', () => {
    const cpu = vi.spyOn(process, 'cpuUsage');
    const wall = vi.spyOn(performance, 'now');
    const setClocks = (cpuMs: number, wallMs: number) => {
      cpu.mockReturnValue({ user: 0.7 * cpuMs * 1_000, system: 0.3 * cpuMs * 1_000 });
      wall.mockReturnValue(wallMs);
    };
    afterAll(() => vi.restoreAllMocks());

    /** Whether it is spent after some thousand steps, up to the time that both clocks show. */
    const isSpentAt = (cpuMs: number, wallMs: number) => {
      const budget = new Budget(100_000, 5);
      setClocks(1_000, 2_000);
      budget.left -= 5_000;
      expect(budget.isSpent).toBe(false);
      setClocks(1_000 + cpuMs, 2_000 + wallMs);
      budget.left -= 5_000;
      return budget.isSpent;
    };

    it('is spent when the time is', () => {
      expect(isSpentAt(4, 4)).toBe(false);
      expect(isSpentAt(6, 6)).toBe(true);
    });

    it('does not count what other threads and other programs take', () => {
      expect(isSpentAt(6, 4)).toBe(false);
      expect(isSpentAt(4, 100)).toBe(false);
    });

    it('is not looked at for the steps of a usual text', () => {
      cpu.mockClear();
      const budget = new Budget(100_000, 5);
      budget.left -= 1_500;
      expect(budget.isSpent).toBe(false);
      expect(cpu).not.toHaveBeenCalled();
    });
  });

  it('has room for some milliseconds of work on one text', () => {
    expect(new Budget().remaining).toBe(100_000);
    expect(Budget.share(0.5).remaining).toBe(50_000);
  });
});
