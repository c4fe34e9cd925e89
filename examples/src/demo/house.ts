import { type BasicEvent, CONTROL_EVENT_CHANNEL, type EventBus, SENSOR_EVENT_CHANNEL } from '@cstbox/mqtt-core';
import { ACTUATORS } from './actuators.js';
import { pause } from './pause.js';
import { SENSORS } from './sensors.js';

/** Between two sensors, when all of them report at the start. */
const ROLL_CALL_MS = 60;
const REPORT_PERIOD_MS = 250;
/** What a relay takes to switch. */
const REACTION_MS = 200;

/**
 * A simulated house: sensors report, actuators obey and report their new state, each as a CSTBox driver does it.
 *
 * @param bus stays the caller's
 */
export async function startHouse(bus: EventBus): Promise<AsyncDisposable> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const reactions = new Set<Promise<void>>();

  const report = async (event: BasicEvent) => {
    // A bus that went away ends the demo, and whoever runs the gateway says so.
    if (!signal.aborted) await bus.emit(SENSOR_EVENT_CHANNEL, event).catch(() => {});
  };
  const react = async (event: BasicEvent) => {
    await pause(REACTION_MS, signal);
    await report(event);
  };
  const subscription = await bus.subscribe([CONTROL_EVENT_CHANNEL], {
    event(_channel, command) {
      for (const actuator of ACTUATORS) {
        const state = actuator(command);
        if (!state) continue;
        const reaction = react(state).finally(() => reactions.delete(reaction));
        reactions.add(reaction);
      }
    },
    malformed() {},
  });
  const reporting = (async () => {
    for (const sensor of SENSORS) {
      await report(sensor());
      await pause(ROLL_CALL_MS, signal);
    }
    for (let last = -1; !signal.aborted; ) {
      await pause(REPORT_PERIOD_MS, signal);
      // Any but the last one again.
      last = (last + 1 + Math.floor(Math.random() * (SENSORS.length - 1))) % SENSORS.length;
      await report((SENSORS[last] as (typeof SENSORS)[number])());
    }
  })();

  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all([reporting, ...reactions]);
      await subscription.unsubscribe();
    },
  };
}
