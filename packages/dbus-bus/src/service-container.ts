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
import type { DBusInterface } from './dbus-interface.js';
import type { DBusLink } from './dbus-link.js';
import { wellKnownName } from './names.js';
import { ObjectServer } from './object-server.js';

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
 *
 * A bus that is away is weather: the objects run all the same, and on each bus that the link joins, the service takes its
 * name before anything else is heard or said there, and announces itself as soon as the event manager listens.
 */
export class ServiceContainer implements AsyncDisposable {
  /**
   * Resolves when the service has stopped: with `undefined` because it was asked to, or with the error that ended it.
   * Never rejects.
   */
  readonly closed: Promise<MQTTGatewayError | undefined>;

  readonly #name: string;
  readonly #link: DBusLink;
  readonly #objects: readonly ServiceObject[];
  readonly #announces: boolean;
  readonly #logger: Logger;
  #server: ObjectServer | undefined;
  #events: DBusEventBus | undefined;
  /** Takes back, in turn, what binds us to the link. */
  readonly #ties: (() => void)[] = [];
  #hasOwnedName = false;
  /** Why the service can't be: another process had the name first. */
  #refusal: MQTTGatewayError | undefined;
  #announcementFailed = false;
  #started: ServiceObject[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #stopRequested: Promise<void>;
  #requestStop = () => {};
  #settleClosed: (fault: MQTTGatewayError | undefined) => void = () => {};

  /**
   * @param name short or full name of the service
   * @param link stays the caller's, who closes it when the container has stopped
   * @param objects started in order, stopped in reverse
   */
  constructor(
    name: string,
    link: DBusLink,
    objects: readonly ServiceObject[],
    { announce = true, logger = silentLogger }: ServiceContainerOptions = {},
  ) {
    this.#name = name;
    this.#link = link;
    this.#objects = objects;
    this.#announces = announce;
    this.#logger = logger;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#stopRequested = new Promise((resolve) => {
      this.#requestStop = resolve;
    });
  }

  /**
   * Exports the objects, runs the link, takes the name, starts the objects, and announces it. A bus that is away is
   * waited for by the link; the objects start without it.
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
    return this.#stopWith(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw new MQTTGatewayError('closed', 'the service was stopped: make a new one');
    try {
      this.#server = new ObjectServer(this.#link);
      this.#server.export(SYSTEM_PATH, this.#systemInterface());
      for (const object of this.#objects) this.#server.export(object.path, object.interface);
      // Callers may find the name at any moment from now on: the objects are there before it.
      await Promise.race([this.#join(), this.#stopRequested]);
      if (this.#refusal) throw this.#refusal;
    } catch (error) {
      await this.#end(this.#refusal);
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
      await this.#end();
      throw error;
    }
    if (this.#events) this.#ties.push(this.#events.watch((state) => state === 'attached' && this.#announce('running')));
    await this.#announce('running');
    this.#ties.push(this.#link.watch((state) => state === 'closed' && this.#stopWith(undefined)));
    if (!this.#stopping) this.#logger.info('running');
  }

  /** Takes the name, on a bus that is there or on the first that comes. */
  async #join(): Promise<void> {
    const hook = (connection: DBusConnection) => this.#takeName(connection);
    this.#ties.push(this.#link.onConnect(hook));
    const { connection } = this.#link;
    if (connection) {
      await hook(connection).catch((error) => this.#refusal ?? connection.abort(describeError(error)));
    } else await this.#link.run();
    if (!this.#announces || this.#stopping) return;
    this.#events = new DBusEventBus(this.#link);
    await this.#events.settled();
  }

  async #takeName(connection: DBusConnection): Promise<void> {
    try {
      await connection.requestName(wellKnownName(this.#name));
      this.#hasOwnedName = true;
    } catch (error) {
      // Who had the name before may wait for it; who never had it is one too many.
      if (!this.#hasOwnedName && error instanceof MQTTGatewayError && error.code === 'name_taken') {
        this.#refusal = error;
        this.#untie();
        void this.#stopWith(error);
      }
      throw error;
    }
  }

  #stopWith(fault: MQTTGatewayError | undefined): Promise<void> {
    this.#requestStop();
    this.#stopping ??= this.#stop(fault);
    return this.#stopping;
  }

  async #stop(fault: MQTTGatewayError | undefined): Promise<void> {
    await this.#starting?.catch(() => {});
    if (this.#server) {
      if (!fault) await this.#announce('stopping');
      await this.#stopObjects();
      if (!fault) await this.#announce('stopped');
      this.#logger.info('stopped');
    }
    await this.#end(fault);
  }

  /** Nothing is served any more: after a stop, or because it never came to be. */
  async #end(fault?: MQTTGatewayError): Promise<void> {
    this.#untie();
    // The name goes with the connection at the latest.
    if (!fault) await this.#link.connection?.releaseName(wellKnownName(this.#name)).catch(() => {});
    await this.#events?.close();
    this.#server?.close();
    this.#server = undefined;
    this.#settleClosed(fault);
  }

  #untie(): void {
    for (const untie of this.#ties.splice(0)) untie();
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

  /** Tells the world; that nobody listens is no reason to fail. */
  async #announce(state: keyof typeof ServiceState): Promise<void> {
    if (!this.#events) return;
    const event = makeBasicEvent(SERVICE_EVENT, this.#name, undefined, undefined, {
      state: ServiceState[state],
      state_str: state,
    });
    try {
      await this.#events.emit(FRAMEWORK_EVENT_CHANNEL, event, { timeoutMs: ANNOUNCEMENT_TIMEOUT_MS });
    } catch (error) {
      const line = `could not announce '${state}' on the framework channel: ${describeError(error)}`;
      // That the bus is away is known.
      if (this.#announcementFailed || this.#link.state !== 'attached') return this.#logger.debug(line);
      this.#logger.warn(line);
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
