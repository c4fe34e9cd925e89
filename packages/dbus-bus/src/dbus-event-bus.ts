import {
  type BasicEvent,
  type BusListener,
  type BusState,
  type BusSubscription,
  describeError,
  type EventBus,
  formatDuration,
  type Logger,
  MQTTGatewayError,
  silentLogger,
  TimedEvent,
} from '@cstbox/mqtt-core';
import type { DBusConnection } from './dbus-connection.js';
import type { DBusLink } from './dbus-link.js';
import { DBusCallError, type DBusMessage } from './dbus-message.js';
import { readEventSignal } from './event-signal.js';
import { channelPath, EVENT_MANAGER, EVENT_SIGNAL } from './names.js';
import { WatchedState } from './watched-state.js';

const OWNER_RULE = `type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${EVENT_MANAGER}'`;

const NO_EVENT_MANAGER = `there is no event manager on the bus (${EVENT_MANAGER}): no event comes and no command is accepted until one starts (mqttgwd event-manager runs ours)`;

/** One subscription. The same listener may be in several. */
interface Subscriber {
  readonly listener: BusListener;
}

/** A channel that somebody listens to. */
interface Route {
  readonly channel: string;
  readonly subscribers: Set<Subscriber>;
}

/** Options of a {@link DBusEventBus}. */
export interface DBusEventBusOptions {
  /** Default: silent. */
  logger?: Logger;
}

/**
 * CSTBox's event bus, over D-Bus: hears the event manager's signals, and hands events to it.
 *
 * Only signals of the connection that owns `fr.cstb.cstbox.EventManager` are events; the same signal from anybody else
 * is forged, and is reported as malformed. It is `attached` while the link is, the event manager is there, and all that
 * is subscribed to is heard; a restart of the event manager or of the bus is over as soon as they are back.
 */
export class DBusEventBus implements EventBus, AsyncDisposable {
  readonly #link: DBusLink;
  readonly #logger: Logger;
  readonly #state: WatchedState<BusState>;
  readonly #unwatchLink: () => void;
  /** By object path, so that a signal finds its listeners without any work on strings. */
  readonly #routes = new Map<string, Route>();
  /** The connection that the rest of the fields is about. */
  #connection: DBusConnection | undefined;
  #attaching: Promise<void> = Promise.resolve();
  /** Whether it is known who the event manager is, and what is subscribed to is heard. */
  #isReady = false;
  /** The match rules that the bus has of us, by object path. */
  #placed = new Map<string, Promise<void>>();
  #stopListening = () => {};
  #owner: string | undefined;
  /** How often the owner has changed under our eyes. */
  #ownerChanges = 0;
  /** Whether the log says that there is an event manager, and since when it says that there is none, in ms of `performance.now()`. */
  #isSaidToBeThere = true;
  #missingSince = 0;

  /** @param link stays the caller's, who runs and closes it */
  constructor(link: DBusLink, { logger = silentLogger }: DBusEventBusOptions = {}) {
    this.#link = link;
    this.#logger = logger;
    this.#state = new WatchedState<BusState>('away', logger);
    this.#unwatchLink = link.watch(() => this.#followLink());
    this.#followLink();
  }

  get state(): BusState {
    return this.#state.current;
  }

  watch(watcher: (state: BusState) => void): () => void {
    return this.#state.watch(watcher);
  }

  /** Resolves as soon as it is known whether the event manager is there; at once while the bus is away. */
  async settled(): Promise<void> {
    for (let seen: Promise<void> | undefined; seen !== this.#attaching; await seen) seen = this.#attaching;
  }

  async subscribe(channels: readonly string[], listener: BusListener): Promise<BusSubscription> {
    this.#assertOpen();
    const wanted = [...new Set(channels)].map((channel) => ({ channel, path: channelPath(channel) }));
    const subscriber: Subscriber = { listener };
    for (const { channel, path } of wanted) {
      const route = this.#routes.get(path) ?? { channel, subscribers: new Set() };
      route.subscribers.add(subscriber);
      this.#routes.set(path, route);
    }
    let ended = false;
    const unsubscribe = async () => {
      if (ended) return;
      ended = true;
      for (const { path } of wanted) {
        const route = this.#routes.get(path);
        route?.subscribers.delete(subscriber);
        if (route?.subscribers.size === 0) this.#routes.delete(path);
      }
      await this.#takeBack(wanted.map(({ path }) => path).filter((path) => !this.#routes.has(path)));
    };
    await this.settled();
    try {
      await this.#place(wanted.map(({ path }) => path));
    } catch (error) {
      if (isRefusal(error)) {
        await unsubscribe();
        throw error;
      }
    }
    return { unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }

  /**
   * While it is not yet known whether the event manager is there, the event is handed over, and the daemon answers.
   *
   * @param options.timeoutMs how long the event manager may take. Default: as long as it is there, since an event that was sent and
   *   not answered is in its hands: whoever sent it again would double it
   */
  async emit(
    channel: string,
    { varType, varName, data }: BasicEvent,
    { timeoutMs = Number.POSITIVE_INFINITY }: { timeoutMs?: number } = {},
  ): Promise<void> {
    this.#assertOpen();
    const path = channelPath(channel);
    if (varType.includes('\0') || varName.includes('\0')) {
      // The daemon cuts the connection of whoever sends such a string.
      throw new MQTTGatewayError('bus_refused', 'a name on the bus holds no NUL');
    }
    const { connection } = this.#link;
    if (!connection) throw new MQTTGatewayError('bus_unreachable', 'the bus is away');
    if (this.#isReady && this.#owner === undefined) {
      throw new MQTTGatewayError('bus_unreachable', 'there is no event manager on the bus');
    }
    const [accepted] = await connection.call({
      destination: EVENT_MANAGER,
      path,
      interface: EVENT_MANAGER,
      member: 'emitEvent',
      signature: 'sss',
      body: [varType, varName, JSON.stringify(data)],
      timeoutMs,
    });
    if (accepted === false) {
      throw new MQTTGatewayError('bus_refused', `the event manager refused ${varType}:${varName} on '${channel}'`);
    }
  }

  /** Ends every subscription, for good; the link stays. Idempotent. */
  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.#state.set('closed');
    this.#unwatchLink();
    this.#stopListening();
    this.#routes.clear();
    await this.settled();
    const tracking = this.#connection?.isOpen ? this.#connection.removeMatch(OWNER_RULE) : undefined;
    await Promise.allSettled([tracking, this.#takeBack([...this.#placed.keys()])]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #followLink(): void {
    const { connection, state } = this.#link;
    if (state === 'closed') {
      this.#routes.clear();
      this.#state.set('closed');
    } else if (connection && connection !== this.#connection) {
      this.#attaching = this.#attach(connection);
    } else if (connection) {
      // It was silent for a while; what was subscribed to meanwhile is not yet heard.
      void this.#place(this.#routes.keys()).catch(() => {});
    }
    this.#update();
  }

  async #attach(connection: DBusConnection): Promise<void> {
    this.#connection = connection;
    this.#isReady = false;
    this.#owner = undefined;
    this.#placed = new Map();
    this.#stopListening = connection.onSignal((message) => this.#onSignal(message));
    try {
      await connection.addMatch(OWNER_RULE);
      const changes = this.#ownerChanges;
      const owner = await connection.getNameOwner(EVENT_MANAGER);
      // A change that came behind the answer may have been seen before we get to run again.
      if (changes === this.#ownerChanges) this.#owner = owner;
      // Not before the owner is known: an event that comes now has a sender to compare with.
      await this.#place(this.#routes.keys());
    } catch (error) {
      connection.abort(`can't listen to it: ${describeError(error)}`);
      return;
    }
    this.#isReady = true;
    this.#update();
  }

  /**
   * Has the bus send us the events of these objects. A bus that does not answer is asked again: the link decides whether the connection
   * is dead, and until then what the bus holds for us may still come on it.
   */
  async #place(paths: Iterable<string>): Promise<void> {
    const connection = this.#connection;
    if (!connection?.isOpen || this.#link.connection !== connection) return;
    const placing = [...paths].map((path) => {
      const placed = this.#placed.get(path) ?? this.#addMatch(connection, path);
      this.#placed.set(path, placed);
      return placed;
    });
    await Promise.all(placing);
  }

  async #addMatch(connection: DBusConnection, path: string): Promise<void> {
    for (;;) {
      try {
        return await connection.addMatch(matchRule(path));
      } catch (error) {
        const isWaitedFor = connection.isOpen && this.#link.connection === connection;
        if (isWaitedFor && !(error instanceof DBusCallError)) continue;
        // When the link has found that the bus answers again, it is placed anew.
        if (this.#connection === connection) this.#placed.delete(path);
        throw error;
      }
    }
  }

  async #takeBack(paths: readonly string[]): Promise<void> {
    const placed = paths.filter((path) => this.#placed.delete(path));
    const connection = this.#connection;
    // On a bus that is gone there is nothing to take back.
    if (!connection?.isOpen) return;
    await Promise.allSettled(placed.map((path) => connection.removeMatch(matchRule(path))));
  }

  #onOwnerChange(owner: string | undefined): void {
    this.#ownerChanges++;
    this.#owner = owner;
    this.#update();
  }

  #update(): void {
    if (this.state === 'closed') return;
    const isThere = this.#owner !== undefined;
    if (this.#link.connection === undefined || !this.#isReady) return this.#state.set('away');
    if (isThere !== this.#isSaidToBeThere) {
      this.#isSaidToBeThere = isThere;
      const now = performance.now();
      if (isThere) this.#logger.info(`the event manager is there, after ${formatDuration(now - this.#missingSince)}`);
      else this.#logger.warn(NO_EVENT_MANAGER);
      this.#missingSince = now;
    }
    this.#state.set(isThere ? 'attached' : 'away');
  }

  #assertOpen(): void {
    if (this.state === 'closed') throw new MQTTGatewayError('closed', 'the bus was closed');
  }

  #onSignal(message: DBusMessage): void {
    if (message.member === EVENT_SIGNAL && message.interface === EVENT_MANAGER) {
      const route = this.#routes.get(message.path as string);
      if (route) this.#onEvent(route, message);
    } else if (
      message.member === 'NameOwnerChanged' &&
      message.sender === 'org.freedesktop.DBus' &&
      message.body?.[0] === EVENT_MANAGER
    ) {
      this.#onOwnerChange((message.body[2] as string) || undefined);
    }
  }

  #onEvent({ channel, subscribers }: Route, message: DBusMessage): void {
    // The match rules keep out what others broadcast, but not what they send to us alone.
    const read =
      message.sender === this.#owner
        ? readEventSignal(message)
        : (['forged_signal', `an event signal from ${message.sender}, who is not the event manager`] as const);
    if (read instanceof TimedEvent) {
      for (const { listener } of subscribers) listener.event(channel, read);
    } else {
      for (const { listener } of subscribers) listener.malformed(...read);
    }
  }
}

function matchRule(path: string): string {
  return `type='signal',sender='${EVENT_MANAGER}',interface='${EVENT_MANAGER}',member='${EVENT_SIGNAL}',path='${path}'`;
}

/** Whether the bus is there and said no, which waiting does not mend. */
function isRefusal(error: unknown): boolean {
  return error instanceof MQTTGatewayError && error.code === 'bus_refused';
}
