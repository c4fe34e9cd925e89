import { setTimeout as sleep } from 'node:timers/promises';
import type { Burst } from './schedule.js';

const TICK_MS = 5;

/** Sends what is due of each burst, until all is sent; late rather than not at all. */
export async function pump(bursts: readonly Burst[], send: (count: number) => void): Promise<void> {
  const startMs = performance.now();
  const sent = bursts.map(() => 0);
  while (sent.some((count, i) => count < (bursts[i] as Burst).count)) {
    const nowMs = performance.now() - startMs;
    for (const [i, burst] of bursts.entries()) {
      const due = dueAt(burst, nowMs) - (sent[i] as number);
      if (due > 0) send(due);
      sent[i] = (sent[i] as number) + Math.max(0, due);
    }
    await sleep(TICK_MS);
  }
}

function dueAt({ atMs, count, overMs }: Burst, nowMs: number): number {
  if (nowMs < atMs) return 0;
  return nowMs >= atMs + overMs ? count : Math.floor((count * (nowMs - atMs)) / overMs);
}
