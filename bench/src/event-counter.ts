/** The least that can listen to the bus: counts signals and does nothing with them. Shows what the source can give. */
import { connectToBus } from './dbus-connection.js';
import { EVENT_MANAGER } from './event-frames.js';
import { obey } from './obey.js';

export interface EventCounter {
  connect(busAddress: string): Promise<void>;
  /** Resolves with CLOCK_MONOTONIC when so many events have come since the last call. */
  count(events: number): Promise<bigint>;
}

let counted = 0;
let onEvent = () => {};

obey<EventCounter>({
  async connect(busAddress) {
    const bus = await connectToBus(busAddress);
    const rule = `type='signal',interface='${EVENT_MANAGER}'`;
    await bus.call('AddMatch', 's', (body) => body.string(rule));
    bus.onSignal = () => {
      counted++;
      onEvent();
    };
  },

  count(events) {
    return new Promise((resolve) => {
      onEvent = () => {
        if (counted < events) return;
        counted = 0;
        onEvent = () => {};
        resolve(process.hrtime.bigint());
      };
      onEvent();
    });
  },
});
