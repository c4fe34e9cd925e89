import { MemoryEventBus } from '@cstbox/mqtt-core';
import type { RunningGateway, Stage } from './stage.js';

/** Plays on a bus within the process, where there is no D-Bus. */
export async function inMemory(play: (stage: Stage) => Promise<void>): Promise<void> {
  await using devices = new MemoryEventBus();
  await play({
    devices,
    description: 'in memory, within this process',
    async run(createService) {
      const service = createService(devices);
      await service.start();
      return untilStopped(() => service.stop());
    },
  });
}

function untilStopped(stopService: () => Promise<void>): RunningGateway {
  let settle = () => {};
  const closed = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const stop = async () => {
    await stopService();
    settle();
  };
  return { closed, stop, [Symbol.asyncDispose]: stop };
}
