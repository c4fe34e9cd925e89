import {
  type BusAddress,
  busAddress,
  createEventManager,
  DBusEventBus,
  DBusLink,
  type GatewayConfiguration,
  MQTTGatewayServiceObject,
  type Secrets,
  ServiceContainer,
} from '@cstbox/dbus-bus';
import { MQTTGatewayError } from '@cstbox/mqtt-core';
import { createOutbox, placeOfOutbox } from './create-outbox.js';
import { inspectConfiguration } from './inspect-configuration.js';
import { loadGateway } from './load-gateway.js';
import type { Log } from './log.js';
import { Reloader } from './reload.js';
import { version } from './version.js';

/** What the daemon is given by whoever starts it. */
export interface DaemonOptions {
  /** Where the bus is, unless the configuration says; and what the configuration's `${env:NAME}` stand for. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Where its lines go. */
  log: Log;
  /** Takes what no line of the process may show from now on. */
  secrets?: Secrets;
  /** Whether nothing is published, whatever the configuration says. Default: false. */
  simulate?: boolean;
  /** Takes what writes counts and status to the log, to be called when somebody wants to see them. */
  onStatusWanted: (logStatus: () => void) => void;
  /** Takes what has the gateway take its configuration anew, to be called when somebody wants that. Default: nobody does. */
  onReloadWanted?: (reload: () => void) => void;
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
  let service: MQTTGatewayServiceObject | undefined;
  /** Resolves when the gateway has started, or will not. */
  let settleStarted = () => {};
  const started = new Promise<void>((resolve) => {
    settleStarted = resolve;
  });
  const loading = loadGateway(configurationPath, { ...options, logger }).then(
    (loaded) =>
      new Reloader({
        loaded,
        inspect: () => inspectConfiguration(loaded.file.path, { ...options, logger }),
        async apply({ configuration, inbound, outbound }) {
          await started;
          if (!service) throw new MQTTGatewayError('closed', 'the gateway has not started');
          return service.reconfigure(simulated(configuration, options), inbound, outbound);
        },
        logger: log.unfolded('Configuration'),
      }),
  );
  // What was wanted while it starts is done when it has started.
  options.onReloadWanted?.(() => void loading.then((reloader) => reloader.reload()).catch(() => {}));
  await using reloader = await loading;
  const { file, secrets, inbound, outbound, ...loaded } = reloader.loaded;
  const configuration = simulated(loaded.configuration, options);
  if (configuration.simulate) {
    logger('MQTTGateway').info('simulated: nothing is published, and the log says what would be');
  }
  const create = (link: DBusLink) => {
    const bus = new DBusEventBus(link, { logger: logger('EventBus') });
    const outbox = createOutbox(configuration, logger('Outbox'));
    const program = {
      version,
      configurationPath: file.path,
      outbox: placeOfOutbox(configuration),
      faults: log.recent,
      redact: secrets.redact,
      reload: () => reloader.reload(),
    };
    const parts = { bus, outbox, link, program, logger };
    service = new MQTTGatewayServiceObject(configuration, inbound, outbound, parts);
    options.onStatusWanted(() => service?.gateway?.logStatus(log.unfolded('MQTTGateway')));
    return new ServiceContainer('MQTTGateway', link, [service], { logger: logger('MQTTGateway') });
  };
  try {
    await runService(busAddress(configuration.dbus, environment), options, create, settleStarted);
  } finally {
    settleStarted();
  }
}

function simulated(configuration: GatewayConfiguration, { simulate }: DaemonOptions): GatewayConfiguration {
  return simulate ? { ...configuration, simulate } : configuration;
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
  started: () => void = () => {},
): Promise<void> {
  await using link = new DBusLink({ address, logger: log.logger('DBus') });
  const container = create(link);
  const stop = () => void container.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await container.start();
    started();
    if (signal.aborted) stop();
    const fault = await container.closed;
    if (fault) throw fault;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
