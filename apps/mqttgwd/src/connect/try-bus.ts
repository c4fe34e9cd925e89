import {
  type BusAddress,
  busAddress,
  DBusCallError,
  DBusConnection,
  EVENT_MANAGER,
  type GatewayConfiguration,
  wellKnownName,
} from '@cstbox/dbus-bus';
import { describeError } from '@cstbox/mqtt-core';
import { type Outcome, StepFault, type Trials, within } from './trials.js';

const DAEMON = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
};
const PING = { path: '/', interface: 'org.freedesktop.DBus.Peer', member: 'Ping' };

/**
 * Tries the bus: joins it, asks the event manager for an answer, and looks whether a gateway runs. It takes no name.
 *
 * @param channels those that filters listen to or emit on
 */
export async function tryBus(
  trials: Trials,
  { dbus }: GatewayConfiguration,
  environment: Readonly<Record<string, string | undefined>>,
  channels: readonly string[],
): Promise<void> {
  const place = dbus?.address_file === undefined ? ['dbus', 'address'] : ['dbus', 'address_file'];
  let joined: DBusConnection | undefined;
  await trials.try(
    'bus',
    undefined,
    async (signal) => {
      const address = busAddress(dbus, environment);
      joined = await join(address, trials.timeoutMs, signal);
      return { message: `joined the one that ${address.origin} names, as ${joined.uniqueName}` };
    },
    dbus && place,
  );
  if (!joined) return;
  await using connection = joined;
  await trials.try('event_manager', undefined, (signal) => askEventManager(connection, channels, signal));
  await trials.try('own_name', undefined, (signal) => lookForGateway(connection, signal));
}

async function join(address: BusAddress, timeoutMs: number, signal: AbortSignal): Promise<DBusConnection> {
  const place = await address.read();
  try {
    return await DBusConnection.open(place, { signal, timeoutMs });
  } catch (error) {
    const hint = `the address comes from ${address.origin}; is the bus running, and is it this user's?`;
    throw new StepFault(`${describeError(error)} (${hint})`);
  }
}

async function askEventManager(
  connection: DBusConnection,
  channels: readonly string[],
  signal: AbortSignal,
): Promise<Outcome> {
  const owner = await within(connection.getNameOwner(EVENT_MANAGER), signal);
  if (owner === undefined) {
    throw new StepFault(
      `there is no event manager on the bus: nobody owns ${EVENT_MANAGER}; start the CSTBox, or mqttgwd event-manager`,
    );
  }
  const who = `${EVENT_MANAGER} is ${owner}${await processOf(connection, EVENT_MANAGER, signal)}`;
  try {
    await within(connection.call({ destination: EVENT_MANAGER, ...PING }), signal);
  } catch (error) {
    signal.throwIfAborted();
    if (isForbidden(error)) throw new StepFault(`${who}; the bus does not let this user talk to it: ${policyHint()}`);
    // An answer of any kind is one.
    if (!(error instanceof DBusCallError)) throw new StepFault(`${who}, and does not answer: ${describeError(error)}`);
  }
  const missing = await missingChannels(connection, channels, signal);
  if (missing.length === 0) return { message: `${who}, and answers` };
  const them = missing.join(', ');
  return { outcome: 'warning', message: `${who}; it has no channel ${them}, which filters use` };
}

/** The channels that the event manager says it does not have; of those that it says nothing about nothing is known. */
async function missingChannels(
  connection: DBusConnection,
  channels: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const missing: string[] = [];
  for (const channel of channels) {
    const introspect = { interface: 'org.freedesktop.DBus.Introspectable', member: 'Introspect' };
    const call = connection.call({ destination: EVENT_MANAGER, path: `/${channel}`, ...introspect });
    try {
      await within(call, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DBusCallError && /\.Unknown(Object|Method)$/.test(error.errorName)) missing.push(channel);
    }
  }
  return missing;
}

async function lookForGateway(connection: DBusConnection, signal: AbortSignal): Promise<Outcome> {
  const name = wellKnownName('MQTTGateway');
  const owner = await within(connection.getNameOwner(name), signal);
  if (owner === undefined) return { message: `${name} is free` };
  const who = `${owner}${await processOf(connection, name, signal)}`;
  return { outcome: 'info', message: `a gateway runs already: ${name} is ${who}` };
}

async function processOf(connection: DBusConnection, name: string, signal: AbortSignal): Promise<string> {
  try {
    const call = { ...DAEMON, member: 'GetConnectionUnixProcessID', signature: 's', body: [name] };
    const [pid] = await within(connection.call(call), signal);
    return `, process ${pid}`;
  } catch {
    signal.throwIfAborted();
    return '';
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof DBusCallError && error.errorName === 'org.freedesktop.DBus.Error.AccessDenied';
}

function policyHint(): string {
  return 'mqttgwd policy dbus prints what it has to allow';
}
