import {
  type BasicEvent,
  type BusListener,
  type BusSubscription,
  type EventBus,
  type EventData,
  type Logger,
  MQTTGatewayError,
  silentLogger,
  TimedEvent,
  toTimestamp,
} from '@cstbox/mqtt-core';
import type { DBusConnection } from './dbus-connection.js';
import type { DBusMessage } from './dbus-message.js';
import { channelPath, EVENT_MANAGER, EVENT_SIGNAL, EVENT_SIGNATURE } from './names.js';

const OWNER_RULE = `type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${EVENT_MANAGER}'`;

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
 * is forged, and is reported as malformed. A restarted event manager is heard again at once.
 */
export class DBusEventBus implements EventBus {
  readonly #connection: DBusConnection;
  readonly #logger: Logger;
  /** By object path, so that a signal finds its listeners without any work on strings. */
  readonly #routes = new Map<string, Route>();
  #owner: string | undefined;
  /** How often the owner has changed under our eyes. */
  #ownerChanges = 0;
  #tracking: Promise<void> | undefined;

  /** @param connection stays the caller's, who closes it */
  constructor(connection: DBusConnection, { logger = silentLogger }: DBusEventBusOptions = {}) {
    this.#connection = connection;
    this.#logger = logger;
  }

  async subscribe(channels: readonly string[], listener: BusListener): Promise<BusSubscription> {
    const wanted = [...new Set(channels)].map((channel) => ({ channel, path: channelPath(channel) }));
    await this.#trackOwner();
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
      // On a bus that is gone there is nothing to take back.
      await Promise.allSettled(wanted.map(({ path }) => this.#connection.removeMatch(matchRule(path))));
    };
    try {
      await Promise.all(wanted.map(({ path }) => this.#connection.addMatch(matchRule(path))));
    } catch (error) {
      await unsubscribe();
      throw error;
    }
    return { unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }

  /** @param options.timeoutMs how long the event manager may take. Default: 5,000 */
  async emit(
    channel: string,
    { varType, varName, data }: BasicEvent,
    { timeoutMs }: { timeoutMs?: number } = {},
  ): Promise<void> {
    const [accepted] = await this.#connection.call({
      destination: EVENT_MANAGER,
      path: channelPath(channel),
      interface: EVENT_MANAGER,
      member: 'emitEvent',
      signature: 'sss',
      body: [varType, varName, JSON.stringify(data)],
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (accepted === false) {
      throw new MQTTGatewayError('bus_refused', `the event manager refused ${varType}:${varName} on '${channel}'`);
    }
  }

  /** Knows, from its first success on, who the event manager is. */
  #trackOwner(): Promise<void> {
    this.#tracking ??= this.#startTracking().catch((error) => {
      this.#tracking = undefined;
      throw error;
    });
    return this.#tracking;
  }

  async #startTracking(): Promise<void> {
    const stopListening = this.#connection.onSignal((message) => this.#onSignal(message));
    try {
      await this.#connection.addMatch(OWNER_RULE);
      const changes = this.#ownerChanges;
      const owner = await this.#connection.getNameOwner(EVENT_MANAGER);
      // A change that came behind the answer may have been seen before we get to run again.
      if (changes === this.#ownerChanges) this.#owner = owner;
    } catch (error) {
      stopListening();
      throw error;
    }
    if (this.#owner === undefined) {
      this.#logger.warn(
        'there is no event manager on this bus: no event comes and no command is accepted until one starts (mqttgwd event-manager runs ours)',
      );
    }
  }

  #onOwnerChange(owner: string | undefined): void {
    this.#ownerChanges++;
    this.#owner = owner;
    if (owner === undefined) this.#logger.warn('the event manager is gone: no event comes until it is back');
    else this.#logger.info(`the event manager is there (${owner})`);
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

  #onEvent({ channel, subscribers }: Route, { sender, signature, body }: DBusMessage): void {
    const malformed = (reason: string, detail: string) => {
      for (const { listener } of subscribers) listener.malformed(reason, detail);
    };
    // The match rules keep out what others broadcast, but not what they send to us alone.
    if (sender !== this.#owner)
      return malformed('forged_signal', `an event signal from ${sender}, who is not the event manager`);
    if (signature !== EVENT_SIGNATURE)
      return malformed('malformed_signal', `an event signal with the signature '${signature}'`);
    const [timestamp, varType, varName, json] = body as [bigint, string, string, string];
    const data = parseData(json);
    if (!data)
      return malformed(
        'malformed_data',
        `the data of ${JSON.stringify(`${varType}:${varName}`.slice(0, 80))} is no JSON object`,
      );
    const event = new TimedEvent(toTimestamp(timestamp), varType, varName, data);
    for (const { listener } of subscribers) listener.event(channel, event);
  }
}

function matchRule(path: string): string {
  return `type='signal',sender='${EVENT_MANAGER}',interface='${EVENT_MANAGER}',member='${EVENT_SIGNAL}',path='${path}'`;
}

function parseData(json: string): EventData | undefined {
  try {
    const data: unknown = JSON.parse(json);
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as EventData) : undefined;
  } catch {
    return undefined;
  }
}
