import {
  createEventManager,
  DBusConnection,
  type DBusConnectionOptions,
  DBusEventBus,
  MQTTGatewayServiceObject,
  ServiceContainer,
  sessionBusAddress,
} from '@cstbox/dbus-bus';
import { describeError, type Logger, MQTTGatewayError } from '@cstbox/mqtt-core';
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
  await using loaded = await loadGateway(configurationPath, logger);
  const { configuration, inbound, outbound } = loaded;
  const configured = configuration.dbus?.address;
  const address = configured
    ? { text: configured, origin: `dbus.address in ${configurationPath}` }
    : addressOf(environment);
  await runService(address, options, (connection) => {
    const bus = new DBusEventBus(connection, { logger: logger('EventBus') });
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
  await runService(addressOf(environment), options, (connection) =>
    createEventManager(connection, { logger: logger('EventManager') }),
  );
}

/** Where the bus is, and who says so. */
interface BusAddress {
  readonly text: string;
  readonly origin: string;
}

function addressOf(environment: DaemonOptions['environment']): BusAddress {
  return { text: sessionBusAddress(environment), origin: 'DBUS_SESSION_BUS_ADDRESS' };
}

async function runService(
  address: BusAddress,
  { logger, signal }: DaemonOptions,
  create: (connection: DBusConnection) => ServiceContainer,
): Promise<void> {
  await using connection = await join(address, { logger: logger('DBus'), signal });
  const container = create(connection);
  const stop = () => void container.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await container.start();
    if (signal.aborted) stop();
    const how = await container.closed;
    if (how === 'bus_lost') {
      throw new MQTTGatewayError('bus_unreachable', `lost the bus at ${address.text}: ${await connection.closed}`);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function join({ text, origin }: BusAddress, options: DBusConnectionOptions): Promise<DBusConnection> {
  try {
    return await DBusConnection.open(text, options);
  } catch (error) {
    const message = `${describeError(error)} (the address comes from ${origin}; is the bus running, and is it this user's?)`;
    throw new MQTTGatewayError('bus_unreachable', message, { cause: error });
  }
}
