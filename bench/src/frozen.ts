import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '@cstbox/test-peers';
import { FIRST_FLOOD_VALUE } from './event-payload.js';
import { readUsage } from './process-usage.js';
import { decimals } from './report.js';
import type { Scenario, Setting } from './scenario.js';
import { Stage } from './stage.js';
import type { TallyFigures } from './tally.js';

export interface FrozenSetting extends Setting {
  /** How long the broker is frozen. */
  seconds: number;
  /** Events per second meanwhile. */
  rate: number;
}

/** The raw figures of one run. */
export interface FrozenRun {
  /** Resident before the freeze. */
  rssBeforeBytes: number;
  /** Resident during the freeze, second by second. */
  rssBytes: number[];
  /** The most that was resident up to the end of the freeze, and up to the last arrival. */
  frozenPeakBytes: number;
  peakBytes: number;
  /** Resident after the last arrival. */
  rssAfterBytes: number;
  /** CPU time over the events, freeze and thaw together. */
  cpuUsPerEvent: number;
  /** How late the source was at worst: the rate was not kept where it is much. */
  sourceLatestMs: number;
  /** From waking the broker. */
  thaw: TallyFigures & { firstSeconds: number | null; lastSeconds: number | null };
}

/** Longer than it takes to notice that the broker is back. */
const THAW_IDLE_MS = 90_000;

/** Traffic while the broker is frozen by SIGSTOP: it keeps its connections, and takes nothing. */
export const frozenScenario: Scenario<FrozenSetting, FrozenRun> = {
  measure: (subject, { broker: kind, variables, seconds, rate }, signal) =>
    Stage.with(signal, async (stage) => {
      if (kind === 'aedes') throw new Error('aedes has no process of its own to freeze: use --broker mosquitto');
      await using broker = await startBroker({ kind });
      await using subscriber = await stage.subscribe(broker.port);
      await using gateway = await stage.startGateway(subject, broker.port);
      await stage.untilForwarding(gateway, subscriber);

      const emission = { count: seconds * rate, variables, firstValue: FIRST_FLOOD_VALUE, rate };
      await subscriber.call('expect', emission);
      const before = readUsage(gateway.pid);
      broker.process.freeze();
      const emitting = new AbortController();
      const [emitted, rssBytes] = await Promise.all([
        stage.source.call('emit', emission).finally(() => emitting.abort()),
        sampleRss(gateway.pid, emitting.signal),
      ]);
      const frozen = readUsage(gateway.pid);
      const wokenNs = process.hrtime.bigint();
      broker.process.thaw();
      await subscriber.call('finished', THAW_IDLE_MS);
      await stage.settle();
      const after = readUsage(gateway.pid);
      const { firstNs, lastNs, latenciesMs: _, ...tally } = await subscriber.call('arrivals');
      const sinceWaking = (ns: bigint) => (ns === 0n ? null : Number(ns - wokenNs) / 1e9);
      return {
        rssBeforeBytes: before.rssBytes,
        rssBytes,
        frozenPeakBytes: frozen.peakBytes,
        peakBytes: after.peakBytes,
        rssAfterBytes: after.rssBytes,
        cpuUsPerEvent: (after.cpuUs - before.cpuUs) / emission.count,
        sourceLatestMs: emitted.latestMs,
        thaw: { ...tally, firstSeconds: sinceWaking(firstNs), lastSeconds: sinceWaking(lastNs) },
      };
    }),
  columns: [
    { title: 'RSS before MB', digits: 0, figure: ({ rssBeforeBytes }) => rssBeforeBytes / 1e6 },
    { title: 'frozen peak MB', digits: 0, figure: ({ frozenPeakBytes }) => frozenPeakBytes / 1e6 },
    { title: 'frozen end MB', digits: 0, figure: ({ rssBytes }) => (rssBytes.at(-1) ?? 0) / 1e6 },
    { title: 'peak MB', digits: 0, figure: ({ peakBytes }) => peakBytes / 1e6 },
    { title: 'RSS after MB', digits: 0, figure: ({ rssAfterBytes }) => rssAfterBytes / 1e6 },
    { title: 'µs CPU/event', digits: 1, figure: ({ cpuUsPerEvent }) => cpuUsPerEvent },
    { title: 'first s', digits: 1, figure: ({ thaw }) => thaw.firstSeconds },
    { title: 'last s', digits: 1, figure: ({ thaw }) => thaw.lastSeconds },
  ],
  tallies: ({ thaw }) => [thaw],
  summary: ({ frozenPeakBytes, thaw }) =>
    `${decimals(frozenPeakBytes / 1e6, 0)} MB at most while frozen, ${decimals(thaw.lost, 0)} lost`,
};

/** Resident memory at once, at every second, and when it is aborted. */
async function sampleRss(pid: number, signal: AbortSignal): Promise<number[]> {
  const samples = [readUsage(pid).rssBytes];
  while (!signal.aborted) {
    await sleep(1_000, undefined, { signal }).catch(() => {});
    samples.push(readUsage(pid).rssBytes);
  }
  return samples;
}
