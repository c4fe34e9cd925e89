import {
  describeError,
  FRAMEWORK_EVENT_CHANNEL,
  type Logger,
  MQTTGatewayError,
  makeBasicEvent,
  silentLogger,
} from '@cstbox/mqtt-core';
import type { DBusConnection } from './dbus-connection.js';
import { DBusEventBus } from './dbus-event-bus.js';
import { wellKnownName } from './names.js';
import { type DBusInterface, ObjectServer } from './object-server.js';

/** A part of a service: an object on the bus that can be started and stopped. */
export interface ServiceObject {
  /** Its object path. */
  readonly path: string;
  /** What others may call there. */
  readonly interface: DBusInterface;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The states that a service announces, by their numbers on the wire. */
export const ServiceState = Object.freeze({
  unknown: 0,
  stopped: 1,
  starting: 2,
  running: 3,
  stopping: 4,
  aborting: 5,
} as const);

/** Options of a {@link ServiceContainer}. */
export interface ServiceContainerOptions {
  /** Whether to announce states on the framework channel. Default: true. */
  announce?: boolean;
  /** Default: silent. */
  logger?: Logger;
}

/** How long an announcement may take: an event manager that hangs must hold up neither start nor stop. */
const ANNOUNCEMENT_TIMEOUT_MS = 1_000;
const SYSTEM_PATH = '/__system__';
/** The variable type of an announcement. */
const SERVICE_EVENT = 'svcevt';

/**
 * A CSTBox service on the bus: owns `fr.cstb.cstbox.<name>`, exports its objects and `/__system__` with `terminate()`,
 * and announces its life on the framework channel.
 */
export class ServiceContainer implements AsyncDisposable {
  /** Resolves when the service has stopped: because it was asked to, or because the bus is gone. Never rejects. */
  readonly closed: Promise<'stopped' | 'bus_lost'>;

  readonly #name: string;
  readonly #connection: DBusConnection;
  readonly #objects: readonly ServiceObject[];
  readonly #events: DBusEventBus;
  readonly #announces: boolean;
  readonly #logger: Logger;
  #server: ObjectServer | undefined;
  #announcementFailed = false;
  #started: ServiceObject[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #settleClosed: (how: 'stopped' | 'bus_lost') => void = () => {};

  /**
   * @param name short or full name of the service
   * @param connection stays the caller's, who closes it when the container has stopped
   * @param objects started in order, stopped in reverse
   */
  constructor(
    name: string,
    connection: DBusConnection,
    objects: readonly ServiceObject[],
    { announce = true, logger = silentLogger }: ServiceContainerOptions = {},
  ) {
    this.#name = name;
    this.#connection = connection;
    this.#objects = objects;
    this.#events = new DBusEventBus(connection);
    this.#announces = announce;
    this.#logger = logger;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  /**
   * Takes the name, exports the objects, starts them, and announces it.
   *
   * @throws {MQTTGatewayError} `name_taken`, when another process has the name; `closed`, after `stop()`
   * @throws what an object's `start()` throws, after it announced that it aborts and gave the name back
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Stops the objects, announces it, and gives the name back. Idempotent. */
  stop(): Promise<void> {
    return this.#stopWith('stopped');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw new MQTTGatewayError('closed', 'the service was stopped: make a new one');
    this.#server = new ObjectServer(this.#connection);
    try {
      this.#server.export(SYSTEM_PATH, this.#systemInterface());
      for (const object of this.#objects) this.#server.export(object.path, object.interface);
      // Callers may find the name at any moment from now on: the objects are there before it.
      await this.#connection.requestName(wellKnownName(this.#name));
    } catch (error) {
      this.#end('stopped');
      throw error;
    }
    await this.#announce('starting');
    try {
      for (const object of this.#objects) {
        this.#started.unshift(object);
        await object.start();
      }
    } catch (error) {
      await this.#announce('aborting');
      await this.#stopObjects();
      await this.#releaseName();
      this.#end('stopped');
      throw error;
    }
    await this.#announce('running');
    void this.#connection.closed.then(() => this.#stopWith('bus_lost'));
    this.#logger.info('running');
  }

  #stopWith(how: 'stopped' | 'bus_lost'): Promise<void> {
    this.#stopping ??= this.#stop(how);
    return this.#stopping;
  }

  async #stop(how: 'stopped' | 'bus_lost'): Promise<void> {
    await this.#starting?.catch(() => {});
    if (this.#server) {
      if (how === 'stopped') await this.#announce('stopping');
      await this.#stopObjects();
      if (how === 'stopped') {
        await this.#announce('stopped');
        await this.#releaseName();
      }
      this.#logger.info('stopped');
    }
    this.#end(how);
  }

  /** Nothing is served any more: after a stop, or because it never came to be. */
  #end(how: 'stopped' | 'bus_lost'): void {
    this.#server?.close();
    this.#server = undefined;
    this.#settleClosed(how);
  }

  async #stopObjects(): Promise<void> {
    for (const object of this.#started.splice(0)) {
      try {
        await object.stop();
      } catch (error) {
        this.#logger.error(`${object.path} did not stop in order: ${describeError(error)}`);
      }
    }
  }

  async #releaseName(): Promise<void> {
    // It goes with the connection at the latest.
    await this.#connection.releaseName(wellKnownName(this.#name)).catch(() => {});
  }

  /** Tells the world; that nobody listens is no reason to fail. */
  async #announce(state: keyof typeof ServiceState): Promise<void> {
    if (!this.#announces) return;
    const event = makeBasicEvent(SERVICE_EVENT, this.#name, undefined, undefined, {
      state: ServiceState[state],
      state_str: state,
    });
    try {
      await this.#events.emit(FRAMEWORK_EVENT_CHANNEL, event, { timeoutMs: ANNOUNCEMENT_TIMEOUT_MS });
    } catch (error) {
      const line = `could not announce '${state}' on the framework channel: ${describeError(error)}`;
      if (this.#announcementFailed) this.#logger.debug(line);
      else this.#logger.warn(line);
      this.#announcementFailed = true;
    }
  }

  #systemInterface(): DBusInterface {
    const terminate = () => {
      this.#logger.info('terminate() was called');
      // The caller gets its reply first.
      setImmediate(() => void this.stop());
      return [];
    };
    return {
      name: wellKnownName('__system__'),
      methods: { terminate: { in: [], out: [], replySignature: '', handle: terminate } },
      signals: {},
    };
  }
}
