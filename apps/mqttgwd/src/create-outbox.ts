import { type GatewayConfiguration, memoryBounds } from '@cstbox/dbus-bus';
import { type Logger, MemoryOutbox, type Outbox } from '@cstbox/mqtt-core';
import { LevelOutbox } from '@cstbox/mqtt-outbox-level';

/** Where messages wait when the configuration does not say: what the Filesystem Hierarchy Standard provides for. */
const DEFAULT_DIRECTORY = '/var/lib/mqttgwd';

/** How a configuration has messages kept, and where, with what it leaves open. What a simulation would send is not kept. */
export function placeOfOutbox({ outbox = {}, simulate = false }: GatewayConfiguration) {
  const { durability = 'spill', directory = DEFAULT_DIRECTORY } = outbox;
  return { durability: simulate ? 'memory' : durability, directory } as const;
}

/** The outbox that a configuration asks for; nothing is opened yet. */
export function createOutbox(configuration: GatewayConfiguration, logger: Logger): Outbox {
  const { outbox = {}, simulate = false } = configuration;
  const { durability, directory } = placeOfOutbox(configuration);
  const bounds = memoryBounds(configuration);
  if (simulate && outbox.durability !== 'memory') {
    logger.info(`simulated: messages that wait in ${directory} are left alone, and none is put there`);
  }
  if (durability === 'memory') return new MemoryOutbox(bounds);
  return new LevelOutbox({
    ...bounds,
    directory,
    durability,
    logger,
    ...(outbox.commit_interval === undefined ? {} : { commitIntervalMs: outbox.commit_interval * 1_000 }),
    ...(outbox.spill_after === undefined ? {} : { spillAfterMs: outbox.spill_after * 1_000 }),
  });
}
