import { createEventManager, DBusEventBus, DBusLink, ServiceContainer } from '@cstbox/dbus-bus';
import type { Logger } from '@cstbox/mqtt-core';
import { startBus } from '@cstbox/test-peers';
import type { Stage } from './stage.js';

/** Plays on a private D-Bus with our own event manager. The gateway is a service there, as the daemon runs it. */
export async function onDBus(
  logger: (component: string) => Logger,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  await using bus = await startBus({ detached: true });
  const { address } = bus;
  await using ofManager = new DBusLink({ address, logger: logger('EventManager') });
  await using ofDevices = new DBusLink({ address, logger: logger('devices') });
  await using ofGateway = new DBusLink({ address, logger: logger('DBus') });
  await using manager = createEventManager(ofManager, { logger: logger('EventManager') });
  await manager.start();
  await ofDevices.run();

  await play({
    devices: new DBusEventBus(ofDevices),
    description: 'a private dbus-daemon, with our own event manager on it',
    address,
    async run(createService) {
      const service = createService(new DBusEventBus(ofGateway));
      const container = new ServiceContainer('MQTTGateway', ofGateway, [service], { logger: logger('MQTTGateway') });
      await container.start();
      return container;
    },
  });
}
