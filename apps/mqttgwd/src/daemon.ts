import {
  type BusAddress,
  busAddress,
  createEventManager,
  DBusEventBus,
  DBusLink,
  MQTTGatewayServiceObject,
  type Secrets,
  ServiceContainer,
} from '@cstbox/dbus-bus';
import { createOutbox, placeOfOutbox } from './create-outbox.js';
import { loadGateway } from './load-gateway.js';
import type { Log } from './log.js';
import { version } from './version.js';

/** What the daemon is given by whoever starts it. */
export interface DaemonOptions {
  /** Where the bus is, unless the configuration says; and what the configuration's `${env:NAME}` stand for. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Where its lines go. */
  log: Log;
  /** Takes what no line of the process may show from now on. */
  secrets?: Secrets;
  /** Takes what writes counts and status to the log, to be called when somebody wants to see them. */
  onStatusWanted: (logStatus: () => void) => void;
  /** Stops the daemon in order. */
  signal: AbortSignal;
}

/**
 * Runs the gateway as a CSTBox service, until it is told to stop. It waits for a bus that is away.
 *
 * @throws {ConfigurationError} the configuration is wrong
 * @throws {MQTTGatewayError} `name_taken`, by another gateway that was there first; `outbox_locked`, by one that uses the
 *   same outbox
 */
export async function runGateway(configurationPath: string, options: DaemonOptions): Promise<void> {
  const { environment, log } = options;
  const { logger } = log;
  await using loaded = await loadGateway(configurationPath, { ...options, logger });
  const { configuration, inbound, outbound } = loaded;
  await runService(busAddress(configuration.dbus, environment), options, (link) => {
    const bus = new DBusEventBus(link, { logger: logger('EventBus') });
    const outbox = createOutbox(configuration, logger('Outbox'));
    const { file, secrets } = loaded;
    const program = {
      version,
      configurationPath: file.path,
      outbox: placeOfOutbox(configuration),
      faults: log.recent,
      redact: secrets.redact,
    };
    const parts = { bus, outbox, link, program, logger };
    const service = new MQTTGatewayServiceObject(configuration, inbound, outbound, parts);
    options.onStatusWanted(() => service.gateway?.logStatus(log.unfolded('MQTTGateway')));
    return new ServiceContainer('MQTTGateway', link, [service], { logger: logger('MQTTGateway') });
  });
}

/**
 * Runs an event manager alone: a CSTBox bus without the original. It waits for a bus that is away.
 *
 * @throws {ConfigurationError} the environment names a bus by an address that can't be used
 * @throws {MQTTGatewayError} `name_taken`, by another event manager that was there first
 */
export async function runEventManager(options: DaemonOptions): Promise<void> {
  const { environment, log } = options;
  await runService(busAddress(undefined, environment), options, (link) =>
    createEventManager(link, { logger: log.logger('EventManager') }),
  );
}

async function runService(
  address: BusAddress,
  { log, signal }: DaemonOptions,
  create: (link: DBusLink) => ServiceContainer,
): Promise<void> {
  await using link = new DBusLink({ address, logger: log.logger('DBus') });
  const container = create(link);
  const stop = () => void container.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await container.start();
    if (signal.aborted) stop();
    const fault = await container.closed;
    if (fault) throw fault;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
