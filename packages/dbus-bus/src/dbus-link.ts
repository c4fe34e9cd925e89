import {
  type BusState,
  describeError,
  formatDuration,
  type Logger,
  MQTTGatewayError,
  silentLogger,
} from '@cstbox/mqtt-core';
import { Backoff, type BackoffBounds } from './backoff.js';
import { type BusAddress, busAddress, fixedAddress } from './bus-address.js';
import { DBusConnection } from './dbus-connection.js';
import type { DBusMessage } from './dbus-message.js';
import { WatchedState } from './watched-state.js';

/** Options of a {@link DBusLink}. */
export interface DBusLinkOptions {
  /**
   * The bus, by its D-Bus server address, or by where to look for that. Default: where `DBUS_SESSION_BUS_ADDRESS` says,
   * else where the file of a CSTBox says.
   */
  address?: string | BusAddress;
  /** Default: silent. */
  logger?: Logger;
  /** How long the bus may take to accept a connection, and to answer a ping, in ms. Default: 5,000. */
  timeoutMs?: number;
  /** How often the bus is asked whether it is alive, and where it is now, in ms. Default: 10,000. */
  pingIntervalMs?: number;
  /** The pauses between attempts to join, in ms; they double, and differ at random. Default: from 500 to 10,000. */
  retryMs?: BackoffBounds;
}

/** What is to be done on a new connection before it counts as attached. */
export type ConnectHook = (connection: DBusConnection) => Promise<void>;

const PING = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus.Peer',
  member: 'Ping',
};
/** So many faults of one outage are worth a warning each. */
const MAX_REPORTED = 10;

/**
 * A link to a message bus that outlasts its connections: joins the bus whenever it is there, notices when it is lost or
 * hangs, and joins it again.
 */
export class DBusLink implements AsyncDisposable {
  /** Handles the method calls of others, on whatever connection; whoever serves objects sets it. */
  onMethodCall: ((call: DBusMessage, connection: DBusConnection) => void) | undefined;

  readonly #address: BusAddress;
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  readonly #pingIntervalMs: number;
  readonly #retryMs: BackoffBounds;
  readonly #backoff: Backoff;
  readonly #state: WatchedState<BusState>;
  readonly #hooks = new Set<ConnectHook>();
  /** Since when the bus is away or hangs, in ms of `performance.now()`, and whether it was there before. */
  #awaySince: number | undefined;
  #wasThere = false;
  /** The faults of this outage that were logged. */
  readonly #reported = new Set<string>();
  /** The connection, also while it is prepared or hangs. */
  #current: DBusConnection | undefined;
  /** The bus that it is connected to. */
  #place = '';
  /** Gives up the attempt to connect that is under way. */
  #attempt = new AbortController();
  /** Ends the pause that is under way. */
  #wake = () => {};
  #running: Promise<void> | undefined;
  readonly #firstAttempt: Promise<void>;
  #settleFirstAttempt = () => {};

  /** @throws {ConfigurationError} when the address can't be used */
  constructor({ address, logger = silentLogger, ...options }: DBusLinkOptions = {}) {
    const given = typeof address === 'string' ? fixedAddress(address, 'the program') : address;
    this.#address = given ?? busAddress(undefined, process.env);
    this.#logger = logger;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#pingIntervalMs = options.pingIntervalMs ?? 10_000;
    this.#retryMs = options.retryMs ?? { min: 500, max: 10_000 };
    this.#backoff = new Backoff(this.#retryMs);
    this.#state = new WatchedState<BusState>('away', logger);
    this.#firstAttempt = new Promise((resolve) => {
      this.#settleFirstAttempt = resolve;
    });
  }

  /** `attached` while there is a connection that answers and is prepared, `away` while there is none. */
  get state(): BusState {
    return this.#state.current;
  }

  /** When {@link state} was entered, in ms since the Epoch. */
  get since(): number {
    return this.#state.since;
  }

  /** The D-Bus server address of the bus that it has joined, or tried last; `undefined` before the first attempt. */
  get address(): string | undefined {
    return this.#place || undefined;
  }

  /** The connection, while the state is `attached`. */
  get connection(): DBusConnection | undefined {
    return this.state === 'attached' ? this.#current : undefined;
  }

  /** Calls the watcher at each change of {@link state}, until the returned function is called. */
  watch(watcher: (state: BusState) => void): () => void {
    return this.#state.watch(watcher);
  }

  /**
   * Has the hook prepare each new connection before it counts as attached, until the returned function is called. When a
   * hook fails, the connection is given up, and another is made after a while.
   */
  onConnect(hook: ConnectHook): () => void {
    this.#hooks.add(hook);
    return () => this.#hooks.delete(hook);
  }

  /**
   * Starts to join the bus, and to join it again, until `close()`. Resolves when the first attempt has succeeded or failed.
   *
   * @throws {MQTTGatewayError} `closed`, after `close()`
   */
  async run(): Promise<void> {
    if (this.state === 'closed') throw new MQTTGatewayError('closed', 'the link to the bus was closed');
    this.#running ??= this.#run();
    await this.#firstAttempt;
  }

  /**
   * Sends a message that wants no reply, also on a connection that is being prepared.
   *
   * @throws {MQTTGatewayError} `bus_unreachable`, when there is no connection
   */
  send(message: DBusMessage): void {
    if (!this.#current) throw new MQTTGatewayError('bus_unreachable', 'there is no connection to the bus');
    this.#current.send(message);
  }

  /** Ends the link, after what was sent has left. Idempotent. */
  async close(): Promise<void> {
    this.#state.set('closed');
    this.#attempt.abort();
    this.#wake();
    this.#settleFirstAttempt();
    await this.#current?.close();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    while (this.state !== 'closed') {
      const connection = await this.#join();
      this.#settleFirstAttempt();
      if (connection) await this.#keep(connection);
      if (this.#isOpen()) await this.#pause(this.#backoff.next());
    }
  }

  /** One attempt. */
  async #join(): Promise<DBusConnection | undefined> {
    try {
      this.#place = await this.#address.read();
      const connection = await this.#connect();
      connection.onMethodCall = (call) => this.onMethodCall?.(call, connection);
      connection.onEnd = () => {
        this.#awaySince ??= performance.now();
        if (this.#isOpen()) this.#state.set('away');
        this.#wake();
      };
      this.#current = connection;
      if (!(await this.#prepare(connection))) return undefined;
      this.#reported.clear();
      this.#logger.info(`joined the bus at ${this.#place}${this.#wasThere ? ' again' : ''}${this.#outage()}`);
      this.#wasThere = true;
      this.#state.set('attached');
      return connection;
    } catch (error) {
      this.#report(describeError(error));
      return undefined;
    }
  }

  async #connect(): Promise<DBusConnection> {
    this.#attempt = new AbortController();
    if (!this.#isOpen()) this.#attempt.abort();
    const options = { signal: this.#attempt.signal, logger: this.#logger, timeoutMs: this.#timeoutMs };
    try {
      return await DBusConnection.open(this.#place, options);
    } catch (error) {
      const hint = `the address comes from ${this.#address.origin}; is the bus running, and is it this user's?`;
      throw new MQTTGatewayError('bus_unreachable', `${describeError(error)} (${hint})`, { cause: error });
    }
  }

  /** Runs the hooks; on failure the connection is gone. */
  async #prepare(connection: DBusConnection): Promise<boolean> {
    for (const hook of this.#hooks) {
      try {
        await hook(connection);
      } catch (error) {
        await this.#drop(connection, 'it could not be prepared');
        // Whoever has taken its hook back knows why.
        if (this.#hooks.has(hook)) this.#report(describeError(error));
        return false;
      }
    }
    if (connection.isOpen && this.#isOpen()) return true;
    await this.#drop(connection, 'closed');
    return false;
  }

  /** Watches over a connection until it has ended. */
  async #keep(connection: DBusConnection): Promise<void> {
    const since = performance.now();
    while (connection.isOpen) {
      await this.#pause(this.#pingIntervalMs);
      // A bus that comes and goes is not worth a hurry, one that was there for long is.
      if (performance.now() - since >= this.#retryMs.max) this.#backoff.reset();
      if (!connection.isOpen) break;
      const moved = await this.#movedTo();
      if (moved !== undefined) connection.abort(`the bus is at ${moved} now`);
      else if (!(await isAlive(connection, this.#timeoutMs))) await this.#waitFor(connection);
    }
    if (this.#isOpen()) {
      this.#logger.warn(`lost the bus at ${this.#place}: ${await connection.closed}; joining it again`);
    }
    await this.#drop(connection, 'closed');
  }

  /**
   * The bus hangs. Either it goes on: then what it has for us comes on this connection, and nothing is lost. Or it
   * answers to others: then this connection is dead.
   */
  async #waitFor(connection: DBusConnection): Promise<void> {
    this.#logger.warn(`the bus at ${this.#place} does not answer: waiting for it`);
    this.#awaySince ??= performance.now();
    let isSilent = true;
    connection.onMessage = () => {
      isSilent = false;
      connection.onMessage = undefined;
      this.#logger.info(`the bus answers again${this.#outage()}`);
      this.#attempt.abort();
      this.#wake();
      if (this.#isOpen()) this.#state.set('attached');
    };
    this.#state.set('away');
    while (isSilent && connection.isOpen) {
      const isElsewhere = (await this.#movedTo()) !== undefined;
      if (isSilent && (isElsewhere || (await this.#answersToOthers()))) {
        if (isSilent) connection.abort('it does not answer');
      } else if (isSilent && connection.isOpen) {
        await this.#pause(this.#backoff.next());
      }
    }
    connection.onMessage = undefined;
  }

  async #answersToOthers(): Promise<boolean> {
    try {
      await (await this.#connect()).close();
      return true;
    } catch (error) {
      this.#logger.debug(`still: ${describeError(error)}`);
      return false;
    }
  }

  /** Where the bus is now, if that is another place. */
  async #movedTo(): Promise<string | undefined> {
    try {
      const place = await this.#address.read();
      return place === this.#place ? undefined : place;
    } catch {
      // What we have is better than nothing.
      return undefined;
    }
  }

  async #drop(connection: DBusConnection, reason: string): Promise<void> {
    if (this.#isOpen()) connection.abort(reason);
    await connection.close();
    this.#current = undefined;
  }

  /** ` after 12 s`, where there was an outage, which is over now. */
  #outage(): string {
    const since = this.#awaySince;
    this.#awaySince = undefined;
    return since === undefined ? '' : ` after ${formatDuration(performance.now() - since)}`;
  }

  /** Logs a fault once in an outage. */
  #report(fault: string): void {
    if (!this.#isOpen()) return;
    this.#awaySince ??= performance.now();
    if (this.#reported.has(fault) || this.#reported.size >= MAX_REPORTED) return this.#logger.debug(`still: ${fault}`);
    this.#reported.add(fault);
    this.#logger.warn(`${fault}; trying again until it works`);
  }

  #isOpen(): boolean {
    return this.#state.current !== 'closed';
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wake = end;
    });
  }
}

/** Whether anything at all comes from the bus when it is pinged: what came before the answer counts as well. */
async function isAlive(connection: DBusConnection, timeoutMs: number): Promise<boolean> {
  let heard = false;
  connection.onMessage = () => {
    heard = true;
  };
  await connection.call({ ...PING, timeoutMs }).catch(() => {});
  connection.onMessage = undefined;
  return heard || !connection.isOpen;
}
