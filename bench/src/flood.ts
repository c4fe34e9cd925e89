import { startBroker } from '@cstbox/test-peers';
import { FIRST_FLOOD_VALUE, FIRST_PACED_VALUE } from './event-payload.js';
import { type FloodFigures, floodFigures, type PacedFigures, pacedFigures, playLive } from './live-phase.js';
import { decimals } from './report.js';
import type { Scenario, Setting } from './scenario.js';
import { Stage } from './stage.js';

export interface FloodSetting extends Setting {
  /** Events of the flood. */
  events: number;
  /** Events for the latency, and how many of them per second. */
  pacedEvents: number;
  pacedRate: number;
  /** How many look at all that crosses meanwhile. */
  viewers: number;
}

/** The raw figures of one run. */
export interface FloodRun {
  flood: FloodFigures;
  paced: PacedFigures;
}

/** Events as fast as the bus takes them, then some at a fixed rate. */
export const floodScenario: Scenario<FloodSetting, FloodRun> = {
  measure(subject, { broker: kind, variables, events, pacedEvents, pacedRate, viewers }, signal) {
    return Stage.with(signal, async (stage) => {
      await using broker = await startBroker({ kind });
      await using subscriber = await stage.subscribe(broker.port);
      await using gateway = await stage.startGateway(subject, broker.port);
      await stage.untilForwarding(gateway, subscriber);
      await using _viewers = await stage.startViewers(viewers);
      const play = (firstValue: number, count: number, rate: number) =>
        playLive(stage, gateway, subscriber, { count, variables, firstValue, rate });
      const flood = floodFigures(await play(FIRST_FLOOD_VALUE, events, 0));
      const paced = pacedFigures(await play(FIRST_PACED_VALUE, pacedEvents, pacedRate));
      return { flood, paced };
    });
  },
  columns: [
    { title: 'events/s', digits: 0, figure: ({ flood }) => flood.eventsPerSecond },
    { title: 'µs CPU/event', digits: 1, figure: ({ flood }) => flood.cpuUsPerEvent },
    { title: 'RSS MB', digits: 0, figure: ({ flood }) => flood.rssBytes / 1e6 },
    { title: 'peak MB', digits: 0, figure: ({ flood }) => flood.peakBytes / 1e6 },
    { title: 'p50 ms', digits: 2, figure: ({ paced }) => paced.p50Ms },
    { title: 'p99 ms', digits: 2, figure: ({ paced }) => paced.p99Ms },
  ],
  tallies: ({ flood, paced }) => [flood, paced],
  summary: ({ flood }) => `${decimals(flood.eventsPerSecond, 0)} events/s`,
};
