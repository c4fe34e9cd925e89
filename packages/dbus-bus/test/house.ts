import { type Bus, startBus } from '@cstbox/test-peers';
import { DBusConnection } from '../src/dbus-connection.js';
import { createEventManager } from '../src/event-manager.js';
import type { ServiceContainer } from '../src/service-container.js';

/** A private bus with our event manager on it, and a connection to use. */
export interface House extends AsyncDisposable {
  readonly bus: Bus;
  readonly connection: DBusConnection;
  /** One more connection; closed with the house. */
  connect(): Promise<DBusConnection>;
  readonly eventManager: ServiceContainer;
}

export async function openHouse(): Promise<House> {
  const bus = await startBus();
  const connections: DBusConnection[] = [];
  const connect = async () => {
    const connection = await DBusConnection.open(bus.address);
    connections.push(connection);
    return connection;
  };
  const eventManager = createEventManager(await connect());
  await eventManager.start();
  return {
    bus,
    connection: await connect(),
    connect,
    eventManager,
    async [Symbol.asyncDispose]() {
      await Promise.all(connections.map((connection) => connection.close()));
      await bus[Symbol.asyncDispose]();
    },
  };
}
