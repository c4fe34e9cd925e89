import { readdirSync, readFileSync } from 'node:fs';

/** What a process has used up to now, as the kernel counts it. */
export interface ProcessUsage {
  cpuUs: number;
  rssBytes: number;
  /** The most that was ever resident. */
  peakBytes: number;
}

/** The kernel's USER_HZ, which is 100 on every Linux that Node runs on. */
const TICK_US = 10_000;

export function readUsage(pid: number): ProcessUsage {
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
  const status = read('status');
  return {
    // Both are lower bounds: one is cut to whole ticks, the other misses threads that have ended.
    cpuUs: Math.max(cpuUsOfStat(read('stat')), cpuUsOfThreads(pid)),
    rssBytes: bytesOfStatus(status, 'VmRSS'),
    peakBytes: bytesOfStatus(status, 'VmHWM'),
  };
}

/** User and system time out of /proc/<pid>/stat. */
export function cpuUsOfStat(stat: string): number {
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Time on a CPU out of /proc/<pid>/task/<tid>/schedstat, in nanoseconds there; 0 where the kernel has no such file. */
function cpuUsOfThreads(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // The thread has ended, or schedstat is not compiled in.
    }
  }
  return ns / 1000;
}

/** An entry of /proc/<pid>/status, which counts in kB of 1,024 bytes. */
export function bytesOfStatus(status: string, key: string): number {
  const kilobytes = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`no ${key} in the process's status`);
  return Number(kilobytes) * 1024;
}
