import { describe, expect, it } from 'vitest';
import { bytesOfStatus, cpuUsOfStat, readUsage } from './process-usage.js';

describe('the kernel on a process', () => {
  it('gives user and system time, whatever the program is called', () => {
    const stat = '42 (a) S (b c) S 1 42 42 0 -1 4194304 98 0 0 0 150 25 7 7 20 0 1 0 217239 3133440 367';
    expect(cpuUsOfStat(stat)).toBe(1_750_000);
  });

  it('gives memory in kB of 1,024 bytes', () => {
    const status = 'VmPeak:\t  3000 kB\nVmHWM:\t  2000 kB\nVmRSS:\t  1000 kB\n';
    expect(bytesOfStatus(status, 'VmRSS')).toBe(1_024_000);
    expect(() => bytesOfStatus(status, 'VmSwap')).toThrow('no VmSwap');
  });

  it('agrees with what the process says of itself', () => {
    const start = performance.now();
    while (performance.now() - start < 50);
    const { user, system } = process.cpuUsage();
    const usage = readUsage(process.pid);
    expect(usage.cpuUs / (user + system)).toBeCloseTo(1, 1);
    expect(usage.peakBytes).toBeGreaterThanOrEqual(usage.rssBytes);
  });
});
