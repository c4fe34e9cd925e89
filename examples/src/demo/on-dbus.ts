import { createEventManager, DBusConnection, DBusEventBus, ServiceContainer } from '@cstbox/dbus-bus';
import type { Logger } from '@cstbox/mqtt-core';
import { startBus } from '@cstbox/test-peers';
import type { Stage } from './stage.js';

/** Plays on a private D-Bus with our own event manager. The gateway is a service there, as the daemon runs it. */
export async function onDBus(
  logger: (component: string) => Logger,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  await using bus = await startBus();
  await using ofManager = await DBusConnection.open(bus.address, { logger: logger('EventManager') });
  await using ofDevices = await DBusConnection.open(bus.address, { logger: logger('devices') });
  await using ofGateway = await DBusConnection.open(bus.address, { logger: logger('DBus') });
  await using manager = createEventManager(ofManager, { logger: logger('EventManager') });
  await manager.start();

  await play({
    devices: new DBusEventBus(ofDevices),
    description: 'a private dbus-daemon, with our own event manager on it',
    address: bus.address,
    async run(createService) {
      const service = createService(new DBusEventBus(ofGateway));
      const container = new ServiceContainer('MQTTGateway', ofGateway, [service], { logger: logger('MQTTGateway') });
      await container.start();
      return container;
    },
  });
}
