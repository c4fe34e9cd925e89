import {
  CONFIGURATION_ERROR,
  DBusCallError,
  DBusConnection,
  GATEWAY,
  type ReloadReport,
  type StatusReport,
  type TailAnswer,
  type TailOptions,
} from '@cstbox/dbus-bus';
import { ConfigurationError, describeError, MQTTGatewayError } from '@cstbox/mqtt-core';
import type { GatewayAddress } from './gateway-address.js';

/** A reload looks at all rules together, which may take its time. */
const RELOAD_TIMEOUT_MS = 120_000;
/** A view answers after 5 s at the latest. */
const TAIL_TIMEOUT_MS = 15_000;

/** The gateway that runs, asked over D-Bus. */
export class GatewayClient implements AsyncDisposable {
  readonly #connection: DBusConnection;
  readonly #address: GatewayAddress;

  private constructor(connection: DBusConnection, address: GatewayAddress) {
    this.#connection = connection;
    this.#address = address;
  }

  /** @throws {MQTTGatewayError} `bus_unreachable`, when there is no bus, with where it was looked for */
  static async connect(address: GatewayAddress): Promise<GatewayClient> {
    try {
      return new GatewayClient(await DBusConnection.open(await address.address.read()), address);
    } catch (error) {
      const text = `${describeError(error)} (the address comes from ${address.address.origin})`;
      const remedy = "is the bus running, and is it this user's? DBUS_SESSION_BUS_ADDRESS and -c name another one";
      throw unavailable(withDoubt(`${text}: ${remedy}`, address), error);
    }
  }

  /** @throws {MQTTGatewayError} `bus_unreachable`, when no gateway answers, with the remedy; so do the other methods */
  async status(): Promise<StatusReport> {
    return this.#ask('getStatus', []);
  }

  /** @throws {ConfigurationError} with every problem: the gateway works on as before */
  async reload(): Promise<ReloadReport> {
    return this.#ask('reload', [], RELOAD_TIMEOUT_MS);
  }

  /** Opens a view of what crosses, and hands over what happens until the signal is aborted. */
  async *tail(options: TailOptions, signal: AbortSignal): AsyncGenerator<TailAnswer> {
    const id = await this.#call('openTail', [JSON.stringify(options)]);
    // The gateway closes the view when this connection is closed.
    while (!signal.aborted) yield await this.#ask('readTail', [id], TAIL_TIMEOUT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  async #ask<T>(member: string, body: readonly string[], timeoutMs?: number): Promise<T> {
    return JSON.parse(await this.#call(member, body, timeoutMs)) as T;
  }

  async #call(member: string, body: readonly string[], timeoutMs?: number): Promise<string> {
    try {
      const [text] = await this.#connection.call({
        destination: GATEWAY,
        path: '/service',
        interface: GATEWAY,
        member,
        signature: 's'.repeat(body.length),
        body,
        ...(timeoutMs !== undefined && { timeoutMs }),
      });
      return text as string;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof DBusCallError)) return error;
    const { errorName } = error;
    const text = error.message.slice(`${errorName}: `.length);
    if (errorName === CONFIGURATION_ERROR) {
      // A line for each problem is all that an error on the bus can tell.
      return new ConfigurationError(text.split('\n').map((message) => ({ message, path: [] })));
    }
    if (errorName.endsWith('.ServiceUnknown') || errorName.endsWith('.NameHasNoOwner')) {
      const text = `no gateway runs on this bus (the address comes from ${this.#address.address.origin})`;
      const remedy = 'mqttgwd starts one; should it run on another bus, name its configuration with -c';
      return unavailable(withDoubt(`${text}: ${remedy}`, this.#address), error);
    }
    if (errorName.endsWith('.UnknownMethod')) {
      return unavailable('the gateway that runs is older than this command: restart it', error);
    }
    if (errorName.endsWith('.AccessDenied')) {
      return unavailable(`the bus does not let this user speak to the gateway: ${text}`, error);
    }
    return unavailable(text, error);
  }
}

/** Who has a configuration that names another bus learns why it was not asked. */
function withDoubt(text: string, { doubt }: GatewayAddress): string {
  return doubt === undefined ? text : `${text}\nthe configuration was not asked: ${doubt}`;
}

function unavailable(message: string, cause: unknown): MQTTGatewayError {
  return new MQTTGatewayError('bus_unreachable', message, { cause });
}
