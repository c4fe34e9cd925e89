import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startBroker } from '@cstbox/test-peers';
import { diskUse } from './disk-use.js';
import type { Subject } from './durability.js';
import { FIRST_BACKLOG_VALUE, FIRST_FLOOD_VALUE } from './event-payload.js';
import type { GatewayCounts } from './gateway-counts.js';
import { outboxDirectory, type RunningGateway } from './gateways.js';
import { type FloodFigures, floodFigures, playLive } from './live-phase.js';
import { readUsage } from './process-usage.js';
import { decimals } from './report.js';
import type { Scenario, Setting } from './scenario.js';
import { Stage } from './stage.js';
import type { TallyFigures } from './tally.js';

export interface BacklogSetting extends Setting {
  /** Events of the backlog. */
  events: number;
}

/** The raw figures of one run. */
export interface BacklogRun {
  /** From starting the gateway with nothing kept to its name on the bus. */
  emptyStartMs: number;
  /** With a broker, by the same gateway and over the same outbox. */
  live: FloodFigures;
  /** While the broker is away. */
  fill: { eventsPerSecond: number; cpuUsPerEvent: number; rssBytes: number; diskBytes: number };
  /** From SIGTERM, with the backlog, to the end of the process. */
  stopSeconds: number;
  restart: {
    /** From starting the gateway with the backlog to its name on the bus. */
    startMs: number;
    /** From there to its answer that names what waits; null when it does not answer. */
    countedMs: number | null;
    /** How much waits, as the gateway says. */
    waiting: number | null;
    rssBytes: number;
    diskBytes: number;
  };
  drain: TallyFigures & {
    /** From the broker's start to the first arrival: the gateway's pause between its attempts. Null when none arrived. */
    untilFirstSeconds: number | null;
    /** From the first arrival to the last. */
    seconds: number;
    eventsPerSecond: number;
    cpuUsPerEvent: number | null;
    rssBytes: number;
    /** The most that was resident since the restart. */
    peakBytes: number;
    diskBytes: number;
  };
}

/** Events for the live rate: as many as the flood has by default. */
export const LIVE_EVENTS = 100_000;
/** A gateway may take so long to store what it has in memory. */
const STOP_WITHIN_MS = 60_000;
const COUNTS_WITHIN_MS = 10_000;
/** Longer than any pause between attempts to connect. */
const DRAIN_IDLE_MS = 90_000;
/** For the outbox to give back what the drain has freed. */
const TIDY_MS = 2_000;

/** Events while the broker is away, a restart of the gateway with all of them, and their way out when the broker is back. */
export const backlogScenario: Scenario<BacklogSetting, BacklogRun> = {
  measure: (subject, setting, signal) => Stage.with(signal, (stage) => play(stage, subject, setting)),
  columns: [
    { title: 'live/s', digits: 0, figure: ({ live }) => live.eventsPerSecond },
    { title: 'fill/s', digits: 0, figure: ({ fill }) => fill.eventsPerSecond },
    { title: 'stop s', digits: 1, figure: ({ stopSeconds }) => stopSeconds },
    { title: 'empty start ms', digits: 0, figure: ({ emptyStartMs }) => emptyStartMs },
    { title: 'start ms', digits: 0, figure: ({ restart }) => restart.startMs },
    { title: 'waiting', digits: 0, figure: ({ restart }) => restart.waiting },
    { title: 'drain s', digits: 1, figure: ({ drain }) => drain.seconds },
    { title: 'drain/s', digits: 0, figure: ({ drain }) => drain.eventsPerSecond },
    {
      title: '% of live',
      digits: 0,
      figure: ({ live, drain }) => percentOf(live.eventsPerSecond, drain.eventsPerSecond),
    },
    { title: 'µs CPU/event', digits: 1, figure: ({ drain }) => drain.cpuUsPerEvent },
    { title: 'peak MB', digits: 0, figure: ({ drain }) => drain.peakBytes / 1e6 },
    { title: 'disk MB', digits: 1, figure: ({ restart }) => restart.diskBytes / 1e6 },
    { title: 'after MB', digits: 1, figure: ({ drain }) => drain.diskBytes / 1e6 },
  ],
  tallies: ({ live, drain }) => [live, drain],
  summary: ({ live, drain }) =>
    `${decimals(live.eventsPerSecond, 0)} events/s live, ${decimals(drain.eventsPerSecond, 0)} in the drain`,
};

async function play(stage: Stage, subject: Subject, setting: BacklogSetting): Promise<BacklogRun> {
  const port = await freePort();
  const { events: count, variables } = setting;
  const emission = { count, variables, firstValue: FIRST_BACKLOG_VALUE, rate: 0 };

  const { filled, stopSeconds } = await (async () => {
    const startedMs = performance.now();
    await using gateway = await stage.startGateway(subject, port);
    await stage.untilOnBus(gateway);
    const emptyStartMs = performance.now() - startedMs;
    const live = await measureLive(stage, gateway, port, setting);
    const before = readUsage(gateway.pid);
    const { startedNs, takenNs } = await stage.source.call('emit', { ...emission, follow: gateway.busName });
    const after = readUsage(gateway.pid);
    const fill = {
      eventsPerSecond: count / (Number(takenNs - startedNs) / 1e9),
      cpuUsPerEvent: (after.cpuUs - before.cpuUs) / count,
      rssBytes: after.rssBytes,
      diskBytes: await diskUse(outboxDirectory(stage.directory)),
    };
    const stoppedMs = performance.now();
    await gateway.end(STOP_WITHIN_MS);
    return { filled: { emptyStartMs, live, fill }, stopSeconds: (performance.now() - stoppedMs) / 1000 };
  })();

  const startedMs = performance.now();
  await using gateway = await stage.startGateway(subject, port);
  await stage.untilOnBus(gateway);
  const startMs = performance.now() - startedMs;
  const counts = await untilCounted(gateway, stage.signal);
  const restart = {
    startMs,
    countedMs: counts ? performance.now() - startedMs - startMs : null,
    waiting: counts?.waiting ?? null,
    rssBytes: readUsage(gateway.pid).rssBytes,
    diskBytes: await diskUse(outboxDirectory(stage.directory)),
  };
  return { ...filled, stopSeconds, restart, drain: await measureDrain(stage, gateway, port, setting) };
}

function percentOf(whole: number, part: number): number | null {
  return whole > 0 ? (100 * part) / whole : null;
}

/** Asks the gateway until it names something that waits. */
async function untilCounted(gateway: RunningGateway, signal: AbortSignal): Promise<GatewayCounts | undefined> {
  const deadline = performance.now() + COUNTS_WITHIN_MS;
  for (;;) {
    // One that has just started may not be there yet to answer.
    const counts = await gateway.counts(200);
    if ((counts !== undefined && counts.waiting > 0) || performance.now() > deadline) return counts;
    await sleep(10, undefined, { signal });
  }
}

/** Brings a broker for the time of a flood. */
async function measureLive(
  stage: Stage,
  gateway: RunningGateway,
  port: number,
  { broker: kind, events, variables }: BacklogSetting,
): Promise<FloodFigures> {
  await using broker = await startBroker({ kind, port });
  await using subscriber = await stage.subscribe(broker.port);
  await stage.untilForwarding(gateway, subscriber);
  const count = Math.min(events, LIVE_EVENTS);
  return floodFigures(
    await playLive(stage, gateway, subscriber, { count, variables, firstValue: FIRST_FLOOD_VALUE, rate: 0 }),
  );
}

async function measureDrain(
  stage: Stage,
  gateway: RunningGateway,
  port: number,
  { broker: kind, events: count, variables }: BacklogSetting,
): Promise<BacklogRun['drain']> {
  // Nothing may reach the broker before the subscriber has subscribed.
  process.kill(gateway.pid, 'SIGSTOP');
  await using broker = await startBroker({ kind, port });
  await using subscriber = await stage.subscribe(broker.port);
  await subscriber.call('expect', { count, variables, firstValue: FIRST_BACKLOG_VALUE });
  const before = readUsage(gateway.pid);
  const resumedNs = process.hrtime.bigint();
  process.kill(gateway.pid, 'SIGCONT');
  await subscriber.call('finished', DRAIN_IDLE_MS);
  await stage.settle();
  const after = readUsage(gateway.pid);
  const { firstNs, lastNs, latenciesMs: _, ...tally } = await subscriber.call('arrivals');
  await sleep(TIDY_MS, undefined, { signal: stage.signal });
  const received = tally.count - tally.lost;
  const seconds = Number(lastNs - firstNs) / 1e9;
  return {
    ...tally,
    untilFirstSeconds: received > 0 ? Number(firstNs - resumedNs) / 1e9 : null,
    seconds,
    eventsPerSecond: seconds > 0 ? received / seconds : 0,
    cpuUsPerEvent: received > 0 ? (after.cpuUs - before.cpuUs) / received : null,
    rssBytes: after.rssBytes,
    peakBytes: after.peakBytes,
    diskBytes: await diskUse(outboxDirectory(stage.directory)),
  };
}
