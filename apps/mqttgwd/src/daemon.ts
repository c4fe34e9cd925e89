import {
  createEventManager,
  DBusConnection,
  DBusEventBus,
  MQTTGatewayServiceObject,
  ServiceContainer,
  sessionBusAddress,
} from '@cstbox/dbus-bus';
import { type Logger, MQTTGatewayError } from '@cstbox/mqtt-core';
import { loadGateway } from './load-gateway.js';

/** What the daemon is given by whoever starts it. */
export interface DaemonOptions {
  /** Where the bus is, unless the configuration says. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Makes the logger of a component. */
  logger: (component: string) => Logger;
  /** Stops the daemon in order. */
  signal: AbortSignal;
}

/**
 * Runs the gateway as a CSTBox service, until it is told to stop.
 *
 * @throws {ConfigurationError} the configuration is wrong
 * @throws {MQTTGatewayError} `bus_unreachable`, at the start or when the bus goes away; `name_taken`
 */
export async function runGateway(configurationPath: string, options: DaemonOptions): Promise<void> {
  const { environment, logger } = options;
  const { configuration, inbound, outbound } = await loadGateway(configurationPath, logger);
  await runService(configuration.dbus?.address ?? sessionBusAddress(environment), options, (connection) => {
    const bus = new DBusEventBus(connection);
    const service = new MQTTGatewayServiceObject(configuration, inbound, outbound, { bus, logger });
    return new ServiceContainer('MQTTGateway', connection, [service], { logger: logger('MQTTGateway') });
  });
}

/**
 * Runs an event manager alone: a CSTBox bus without the original.
 *
 * @throws {MQTTGatewayError} `bus_unreachable`, at the start or when the bus goes away; `name_taken`
 */
export async function runEventManager(options: DaemonOptions): Promise<void> {
  const { environment, logger } = options;
  await runService(sessionBusAddress(environment), options, (connection) =>
    createEventManager(connection, { logger: logger('EventManager') }),
  );
}

async function runService(
  address: string,
  { logger, signal }: DaemonOptions,
  create: (connection: DBusConnection) => ServiceContainer,
): Promise<void> {
  await using connection = await DBusConnection.open(address, { signal, logger: logger('DBus') });
  const container = create(connection);
  const stop = () => void container.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await container.start();
    if (signal.aborted) stop();
    const how = await container.closed;
    if (how === 'bus_lost') {
      throw new MQTTGatewayError('bus_unreachable', `lost the bus at ${address}: ${await connection.closed}`);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
