import type { Emission, Emitted } from './event-source.js';
import type { RunningGateway } from './gateways.js';
import { type ProcessUsage, readUsage } from './process-usage.js';
import type { Program } from './program.js';
import type { Stage } from './stage.js';
import { percentile } from './statistics.js';
import type { Arrivals, Subscriber } from './subscriber.js';
import type { TallyFigures } from './tally.js';

/** A phase with a broker that takes what comes is over when nothing has come for so long. */
export const IDLE_MS = 5_000;

/** Events that went from the source to the subscriber as they came. */
export interface LivePhase {
  emitted: Emitted;
  arrivals: Arrivals;
  before: ProcessUsage;
  /** A moment after the last arrival, so that acknowledgements are counted. */
  after: ProcessUsage;
}

export type FloodFigures = TallyFigures & {
  /** From the first sent to the last arrived. */
  seconds: number;
  eventsPerSecond: number;
  /** How fast the bus took them: the gateway is the bottleneck where this is clearly more than it delivered. */
  emittedPerSecond: number;
  /** Over the events that arrived: who loses some does not become cheaper by it. Null when none did. */
  cpuUsPerEvent: number | null;
  /** Part of one core that the gateway had; the other processes share the same cores. */
  cpuShare: number;
  rssBytes: number;
  peakBytes: number;
};

export type PacedFigures = TallyFigures & {
  p50Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
  cpuUsPerEvent: number | null;
  /** How late the generator itself was at worst. */
  sourceLatestMs: number;
};

/** Emits, and waits until all has arrived. */
export async function playLive(
  stage: Stage,
  gateway: RunningGateway,
  subscriber: Program<Subscriber>,
  emission: Emission,
): Promise<LivePhase> {
  await subscriber.call('expect', emission);
  const before = readUsage(gateway.pid);
  const [emitted] = await Promise.all([stage.source.call('emit', emission), subscriber.call('finished', IDLE_MS)]);
  await stage.settle();
  return { emitted, before, after: readUsage(gateway.pid), arrivals: await subscriber.call('arrivals') };
}

export function floodFigures({ emitted, arrivals, before, after }: LivePhase): FloodFigures {
  const { firstNs: _, lastNs, latenciesMs, ...tally } = arrivals;
  const received = latenciesMs.length;
  const seconds = Math.max(0, Number(lastNs - emitted.startedNs) / 1e9);
  const cpuUs = after.cpuUs - before.cpuUs;
  return {
    ...tally,
    seconds,
    eventsPerSecond: received > 0 ? received / seconds : 0,
    emittedPerSecond: tally.count / (Number(emitted.takenNs - emitted.startedNs) / 1e9),
    cpuUsPerEvent: received > 0 ? cpuUs / received : null,
    cpuShare: received > 0 ? cpuUs / 1e6 / seconds : 0,
    rssBytes: after.rssBytes,
    peakBytes: after.peakBytes,
  };
}

export function pacedFigures({ emitted, arrivals, before, after }: LivePhase): PacedFigures {
  const { firstNs: _first, lastNs: _last, latenciesMs, ...tally } = arrivals;
  const received = latenciesMs.length;
  const at = (percent: number) => (received > 0 ? percentile(latenciesMs, percent) : null);
  return {
    ...tally,
    p50Ms: at(50),
    p99Ms: at(99),
    maxMs: at(100),
    cpuUsPerEvent: received > 0 ? (after.cpuUs - before.cpuUs) / received : null,
    sourceLatestMs: emitted.latestMs,
  };
}
