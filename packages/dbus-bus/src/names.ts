import { MQTTGatewayError } from '@cstbox/mqtt-core';

/** What every well-known name and interface of CSTBox starts with. */
export const NAME_PREFIX = 'fr.cstb.cstbox.';

/** The full name for a short one; a full name stays as it is. */
export function wellKnownName(name: string): string {
  return name.startsWith(NAME_PREFIX) ? name : NAME_PREFIX + name;
}

/** The event manager's name on the bus, and the interface of its channels. */
export const EVENT_MANAGER = wellKnownName('EventManager');
/** The signal that carries an event: `tsss`, timestamp (ms), var_type, var_name, data (JSON). */
export const EVENT_SIGNAL = 'onCSTBoxEvent';
/** The signature of {@link EVENT_SIGNAL} and of `emitFullEvent`. */
export const EVENT_SIGNATURE = 'tsss';

/**
 * The object path of a channel.
 *
 * @throws {MQTTGatewayError} `bus_refused`, for a name that no channel can have (D-Bus specification, "Valid Object
 *   Paths"): the daemon cuts the connection of whoever sends such a path
 */
export function channelPath(channel: string): string {
  if (/^[A-Za-z0-9_]+$/.test(channel)) return `/${channel}`;
  throw new MQTTGatewayError('bus_refused', `there is no channel ${JSON.stringify(channel.slice(0, 80))}`);
}
