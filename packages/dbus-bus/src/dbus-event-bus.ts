import {
  type BasicEvent,
  type BusListener,
  type BusSubscription,
  type EventBus,
  type EventData,
  MQTTGatewayError,
  TimedEvent,
  toTimestamp,
} from '@cstbox/mqtt-core';
import type { DBusConnection } from './dbus-connection.js';
import type { DBusMessage } from './dbus-message.js';
import { channelPath, EVENT_MANAGER, EVENT_SIGNAL, EVENT_SIGNATURE } from './names.js';

const OWNER_RULE = `type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${EVENT_MANAGER}'`;

/** A channel that somebody listens to. */
interface Route {
  readonly channel: string;
  readonly listeners: Set<BusListener>;
}

/**
 * CSTBox's event bus, over D-Bus: hears the event manager's signals, and hands events to it.
 *
 * Only signals of the connection that owns `fr.cstb.cstbox.EventManager` are events; the same signal from anybody else
 * is forged, and is reported as malformed. A restarted event manager is heard again at once.
 */
export class DBusEventBus implements EventBus {
  readonly #connection: DBusConnection;
  /** By object path, so that a signal finds its listeners without any work on strings. */
  readonly #routes = new Map<string, Route>();
  #owner: string | undefined;
  #tracking: Promise<void> | undefined;

  /** @param connection stays the caller's, who closes it */
  constructor(connection: DBusConnection) {
    this.#connection = connection;
  }

  async subscribe(channels: readonly string[], listener: BusListener): Promise<BusSubscription> {
    this.#tracking ??= this.#trackOwner();
    await this.#tracking;
    const wanted = [...new Set(channels)];
    for (const channel of wanted) {
      const path = channelPath(channel);
      const route = this.#routes.get(path) ?? { channel, listeners: new Set() };
      route.listeners.add(listener);
      this.#routes.set(path, route);
    }
    await Promise.all(wanted.map((channel) => this.#connection.addMatch(matchRule(channel))));

    let ended = false;
    const unsubscribe = async () => {
      if (ended) return;
      ended = true;
      for (const channel of wanted) {
        const route = this.#routes.get(channelPath(channel));
        route?.listeners.delete(listener);
        if (route?.listeners.size === 0) this.#routes.delete(channelPath(channel));
      }
      // On a bus that is gone there is nothing to take back.
      await Promise.allSettled(wanted.map((channel) => this.#connection.removeMatch(matchRule(channel))));
    };
    return { unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }

  async emit(channel: string, { varType, varName, data }: BasicEvent): Promise<void> {
    const [accepted] = await this.#connection.call({
      destination: EVENT_MANAGER,
      path: channelPath(channel),
      interface: EVENT_MANAGER,
      member: 'emitEvent',
      signature: 'sss',
      body: [varType, varName, JSON.stringify(data)],
    });
    if (accepted === false) {
      throw new MQTTGatewayError('bus_refused', `the event manager refused ${varType}:${varName} on '${channel}'`);
    }
  }

  async #trackOwner(): Promise<void> {
    this.#connection.onSignal((message) => this.#onSignal(message));
    await this.#connection.addMatch(OWNER_RULE);
    this.#owner = await this.#connection.getNameOwner(EVENT_MANAGER);
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
      this.#owner = (message.body[2] as string) || undefined;
    }
  }

  #onEvent({ channel, listeners }: Route, { sender, signature, body }: DBusMessage): void {
    const malformed = (reason: string, detail: string) => {
      for (const listener of listeners) listener.malformed(reason, detail);
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
    for (const listener of listeners) listener.event(channel, event);
  }
}

function matchRule(channel: string): string {
  return `type='signal',sender='${EVENT_MANAGER}',interface='${EVENT_MANAGER}',member='${EVENT_SIGNAL}',path='${channelPath(channel)}'`;
}

function parseData(json: string): EventData | undefined {
  try {
    const data: unknown = JSON.parse(json);
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as EventData) : undefined;
  } catch {
    return undefined;
  }
}
