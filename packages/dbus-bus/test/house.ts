import { type Bus, startBus } from '@cstbox/test-peers';
import { DBusConnection } from '../src/dbus-connection.js';
import { DBusLink, type DBusLinkOptions } from '../src/dbus-link.js';
import { createEventManager } from '../src/event-manager.js';
import type { ServiceContainer } from '../src/service-container.js';

/** A private bus with our event manager on it. What is opened here is closed with it. */
export interface House extends AsyncDisposable {
  readonly bus: Bus;
  /** A connection to look around with. */
  readonly connection: DBusConnection;
  /** One more connection. */
  connect(): Promise<DBusConnection>;
  /** A link that has joined the bus, and is in a hurry when it must do so again. */
  link(options?: DBusLinkOptions): Promise<DBusLink>;
  readonly eventManager: ServiceContainer;
}

/** Enough to see a bus come back in a test. */
export const HURRY = { retryMs: { min: 5, max: 20 } } as const;

export async function openHouse(): Promise<House> {
  const bus = await startBus();
  const opened: { close(): Promise<void> }[] = [];
  const connect = async () => {
    const connection = await DBusConnection.open(bus.address);
    opened.push(connection);
    return connection;
  };
  const link = async (options: DBusLinkOptions = {}) => {
    const made = new DBusLink({ address: bus.address, ...HURRY, ...options });
    opened.push(made);
    await made.run();
    return made;
  };
  const eventManager = createEventManager(await link());
  await eventManager.start();
  return {
    bus,
    connection: await connect(),
    connect,
    link,
    eventManager,
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((each) => each.close()));
      await bus[Symbol.asyncDispose]();
    },
  };
}
