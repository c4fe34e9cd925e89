import {
  ConfigurationError,
  type EventBus,
  Gateway,
  type GatewayCounts,
  type InboundFilter,
  type Logger,
  MemoryOutbox,
  MQTTConnector,
  MQTTGatewayError,
  type OutboundFilter,
  type Outbox,
  silentLogger,
} from '@cstbox/mqtt-core';
import { busAddress } from './bus-address.js';
import { checkConfiguration, type GatewayConfiguration, type GatewayConfigurationInput } from './configuration.js';
import { differences, FIXED_KEYS } from './configuration-difference.js';
import { connectorOptions, DEFAULT_BROKER_PORT, gatewayOptions, memoryBounds } from './configured-options.js';
import { DBusEventBus } from './dbus-event-bus.js';
import type { DBusInterface } from './dbus-interface.js';
import { DBusLink } from './dbus-link.js';
import { GatewayDesk } from './gateway-desk.js';
import type { GatewayProgram } from './gateway-program.js';
import type { ServiceObject } from './service-container.js';
import { inspectFilters, subscriptionsOf } from './subscriptions.js';

/** What the service object may be given beyond the original's arguments. */
export interface MQTTGatewayServiceOptions {
  /** The bus to bridge. Default: the D-Bus bus of the section `dbus`, else the one that the environment or CSTBox names. */
  bus?: EventBus;
  /** Where messages wait for the broker. Default: in memory, within the bounds of the configuration. */
  outbox?: Outbox;
  /** The link to D-Bus that the status tells of. Default: the one that is made where there is no `bus`. */
  link?: DBusLink;
  /** What the program around it can say and do, for those who ask over D-Bus. Default: nothing. */
  program?: GatewayProgram;
  /** Makes the logger of a component. Default: silent. */
  logger?: (component: string) => Logger;
}

/** What became of another configuration for a running gateway. */
export interface ReconfigureReport {
  /** What differs from the configuration before: keys, those of a section with its name before them, as `broker.port`. */
  readonly changed: readonly string[];
  /** What of it differs from what the gateway was started with, and takes effect at the next start only. */
  readonly restartNeeded: readonly string[];
}

/**
 * The gateway as an object of a CSTBox service: assembles bus, connector and filters from a configuration.
 */
export class MQTTGatewayServiceObject implements ServiceObject, AsyncDisposable {
  static readonly DEFAULT_BROKER_PORT = DEFAULT_BROKER_PORT;

  readonly path: string = '/service';

  #inbound: readonly InboundFilter[];
  #outbound: readonly OutboundFilter[];
  readonly #options: MQTTGatewayServiceOptions;
  /** By which the gateway works. */
  #configuration!: GatewayConfiguration;
  /** The last one that was given; of it, some takes effect at the next start only. */
  #given!: GatewayConfiguration;
  #connector!: MQTTConnector;
  #gateway: Gateway | undefined;
  #ownLink: DBusLink | undefined;
  readonly #desk: GatewayDesk;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /**
   * @param cfg the configuration, as {@link loadConfiguration} returns it
   * @param inbound what may come in, one filter or several of which the first that answers decides; without any nothing does
   * @param outbound what may go out, likewise
   * @throws {ConfigurationError} when there is no filter at all, or the configuration is wrong
   */
  constructor(
    cfg: GatewayConfigurationInput,
    inbound?: InboundFilter | readonly InboundFilter[] | null,
    outbound?: OutboundFilter | readonly OutboundFilter[] | null,
    options: MQTTGatewayServiceOptions = {},
  ) {
    this.#inbound = [inbound ?? []].flat();
    this.#outbound = [outbound ?? []].flat();
    if (this.#inbound.length + this.#outbound.length === 0) {
      throw new ConfigurationError(
        'a gateway without any filter lets nothing cross: give it an inbound or an outbound filter',
      );
    }
    this.#options = options;
    this.#desk = new GatewayDesk({
      program: options.program ?? {},
      configuration: () => this.#configuration,
      link: () => options.link ?? this.#ownLink,
    });
    this.configure(cfg);
  }

  /** `fr.cstb.cstbox.MQTTGateway`, as the README describes it. */
  get interface(): DBusInterface {
    return this.#desk.interface;
  }

  /** The gateway at work, from `start()` on. */
  get gateway(): Gateway | undefined {
    return this.#gateway;
  }

  /** What came and what became of it; `undefined` before `start()`. */
  get counts(): GatewayCounts | undefined {
    return this.#gateway?.counts;
  }

  /**
   * Takes a configuration, before `start()`.
   *
   * @throws {ConfigurationError} with every problem in it; certificates and keys are read here
   * @throws {MQTTGatewayError} `closed`, after `start()`
   */
  configure(cfg: GatewayConfigurationInput): void {
    if (this.#starting)
      throw new MQTTGatewayError('closed', 'the service has started: it takes no other configuration');
    const configuration = this.#check(cfg);
    const { topics } = subscriptionsOf(configuration, this.#inbound);
    const options = connectorOptions(configuration, topics);
    this.#connector = new MQTTConnector({ ...options, logger: this.#logger('MQTTConnector') });
    this.#configuration = this.#given = configuration;
  }

  /**
   * Goes on with another configuration and other filters, as {@link Gateway.reconfigure} does: nothing on its way is lost, doubled or
   * overtaken for it. What only a start can take (`outbox`, `dbus`, `simulate`) is named, and stays as it is.
   *
   * The filters of before are not used any more when it resolves; whoever made them may dispose of them then.
   *
   * @param cfg all of the new configuration
   * @throws {ConfigurationError} with every problem in it; nothing has changed then
   * @throws {MQTTGatewayError} `closed`, before `start()` and after `stop()`; `bus_refused`, when the bus does not let us listen to a
   *   channel; nothing has changed then
   */
  async reconfigure(
    cfg: GatewayConfigurationInput,
    inbound?: InboundFilter | readonly InboundFilter[] | null,
    outbound?: OutboundFilter | readonly OutboundFilter[] | null,
  ): Promise<ReconfigureReport> {
    const given = this.#check(cfg);
    await this.#starting;
    const gateway = this.#gateway;
    if (!gateway) throw new MQTTGatewayError('closed', 'the service has not started: there is nothing to change yet');
    const { outbox, dbus, simulate } = this.#configuration;
    const configuration = { ...given, outbox, dbus, simulate };
    const filters = { inbound: [inbound ?? []].flat(), outbound: [outbound ?? []].flat() };
    const { topics } = subscriptionsOf(configuration, filters.inbound);
    const connector = connectorOptions(configuration, topics);
    await gateway.reconfigure({ ...gatewayOptions(configuration), ...filters, connector });
    const report = {
      changed: differences(this.#given, given),
      restartNeeded: differences(this.#configuration, given, FIXED_KEYS),
    };
    [this.#inbound, this.#outbound, this.#configuration, this.#given] = [
      filters.inbound,
      filters.outbound,
      configuration,
      given,
    ];
    return report;
  }

  /**
   * Attaches to the bus and starts to connect to the broker, without waiting for either to be there. A second call
   * returns the same promise.
   *
   * @throws {MQTTGatewayError} `closed`, after `stop()`
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Delivers what is on its way, and disconnects from both sides. Idempotent; it can't be started again. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw new MQTTGatewayError('closed', 'the service was stopped: make a new one');
    const logger = this.#logger('MQTTGateway');
    for (const { message } of inspectFilters(this.#configuration, this.#inbound, this.#outbound)) logger.warn(message);
    this.#gateway = new Gateway({
      bus: this.#options.bus ?? this.#connectBus(),
      connector: this.#connector,
      inbound: this.#inbound,
      outbound: this.#outbound,
      outbox: this.#options.outbox ?? new MemoryOutbox(memoryBounds(this.#configuration)),
      ...gatewayOptions(this.#configuration),
      logger,
    });
    this.#desk.open(this.#gateway);
    await this.#gateway.start();
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    this.#desk.close();
    await this.#gateway?.stop();
    await this.#ownLink?.close();
  }

  #check(cfg: GatewayConfigurationInput): GatewayConfiguration {
    const configuration = checkConfiguration(cfg);
    const durability = configuration.outbox?.durability ?? 'memory';
    if (durability === 'memory' || this.#options.outbox) return configuration;
    const message = `'${durability}' needs an outbox that keeps messages: hand one over, such as LevelOutbox of @cstbox/mqtt-outbox-level`;
    throw new ConfigurationError([{ message, path: ['outbox', 'durability'] }]);
  }

  #connectBus(): EventBus {
    const address = busAddress(this.#configuration.dbus, process.env);
    this.#ownLink = new DBusLink({ address, logger: this.#logger('DBus') });
    const bus = new DBusEventBus(this.#ownLink, { logger: this.#logger('EventBus') });
    void this.#ownLink.run();
    return bus;
  }

  #logger(component: string): Logger {
    return this.#options.logger?.(component) ?? silentLogger;
  }
}
