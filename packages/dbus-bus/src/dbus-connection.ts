/// <reference path="./dbus-next.d.ts" />
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describeError, type Logger, MQTTGatewayError, silentLogger } from '@cstbox/mqtt-core';
import codec from 'dbus-next/lib/marshall-compat.js';
import { unmarshalMessages } from 'dbus-next/lib/message.js';
import { parseDBusAddress } from './dbus-address.js';
import { type DBusCall, DBusCallError, type DBusMessage, MessageType } from './dbus-message.js';
import { openSocket } from './dbus-socket.js';

/** Options of {@link DBusConnection.open}. */
export interface DBusConnectionOptions {
  /** Gives up the attempt to connect. */
  signal?: AbortSignal;
  /** Default: silent. */
  logger?: Logger;
  /** How long the bus may take to accept and to greet, each, in ms. Default: 5,000. */
  timeoutMs?: number;
}

const DAEMON = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
};
const CALL_TIMEOUT_MS = 5_000;
/** How long to wait for the end of taking something back: nothing depends on it. */
const TAKE_BACK_TIMEOUT_MS = 1_000;
/** How long what was sent may take to leave when the connection is closed. */
const FLUSH_TIMEOUT_MS = 500;
/** D-Bus specification, "Message Format": a message has at most 128 MiB. */
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;

/** The serial after this one: of 32 bits, and never 0 (D-Bus specification, "Header Fields"). */
export function nextSerial(serial: number): number {
  return serial === 0xffff_ffff ? 1 : serial + 1;
}

/** More kinds of faults than that are not worth a line each. */
const MAX_REPORTED = 20;

interface PendingCall {
  resolve(body: readonly unknown[]): void;
  reject(error: MQTTGatewayError): void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * A connection to a message bus: calls, signals, matches and names.
 *
 * Uses dbus-next for encoding and for the handshake only: its own `MessageBus` neither notices the loss of the daemon nor
 * bounds a call, and answers a stranger's signal with a stack trace.
 */
export class DBusConnection implements AsyncDisposable {
  /** Resolves with the reason when the connection has ended, whoever ended it. Never rejects. */
  readonly closed: Promise<string>;
  /** Handles the method calls of others; whoever serves objects sets it. */
  onMethodCall: ((message: DBusMessage) => void) | undefined;
  /** Called before each message that arrives; whoever watches over the connection sets it. */
  onMessage: (() => void) | undefined;
  /** Called when the connection has ended, before what is pending is rejected. */
  onEnd: (() => void) | undefined;

  readonly #socket: Socket;
  readonly #logger: Logger;
  readonly #pending = new Map<number, PendingCall>();
  readonly #signalHandlers = new Set<(message: DBusMessage) => void>();
  #serial = 0;
  #uniqueName = '';
  #endReason: string | undefined;
  #closing: Promise<void> | undefined;
  /** Kinds of faults that were logged: a stranger can repeat them at will. */
  readonly #reported = new Set<string>();
  readonly #settleClosed: (reason: string) => void;

  private constructor(socket: Socket, logger: Logger) {
    this.#socket = socket;
    this.#logger = logger;
    let settle: (reason: string) => void = () => {};
    this.closed = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settleClosed = settle;
    socket.on('error', (error) => this.#end(describeError(error)));
    socket.on('close', () => this.#end('the bus closed the connection'));
    this.#read();
  }

  /**
   * Connects, authenticates and says hello.
   *
   * @param address a D-Bus server address
   * @throws {ConfigurationError} when the address can't be used
   * @throws {MQTTGatewayError} `bus_unreachable`, when nothing that speaks D-Bus answers there
   */
  static async open(address: string, options: DBusConnectionOptions = {}): Promise<DBusConnection> {
    const { signal, logger = silentLogger, timeoutMs = CALL_TIMEOUT_MS } = options;
    const faults: string[] = [];
    for (const candidate of parseDBusAddress(address)) {
      try {
        return await DBusConnection.#greet(await openSocket(candidate, timeoutMs, signal), timeoutMs, logger, signal);
      } catch (error) {
        faults.push(describeError(error));
      }
    }
    throw new MQTTGatewayError('bus_unreachable', `no bus answers at ${address}: ${faults.join('; ')}`);
  }

  static async #greet(
    socket: Socket,
    timeoutMs: number,
    logger: Logger,
    signal?: AbortSignal,
  ): Promise<DBusConnection> {
    const connection = new DBusConnection(socket, logger);
    const giveUp = () => socket.destroy(new Error('aborted'));
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted) giveUp();
    try {
      const [name] = await connection.call({ ...DAEMON, member: 'Hello', timeoutMs });
      connection.#uniqueName = name as string;
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Whether it has not ended. */
  get isOpen(): boolean {
    return this.#endReason === undefined;
  }

  /** The name that the bus gave this connection, such as `:1.42`. */
  get uniqueName(): string {
    return this.#uniqueName;
  }

  /**
   * Calls a method and resolves with the reply's arguments, whatever introspection says of them.
   *
   * @throws {DBusCallError} `bus_refused` or `bus_unreachable`, when an error comes back
   * @throws {MQTTGatewayError} `bus_unreachable`, when no reply comes in time or the connection is lost
   */
  call({ timeoutMs = CALL_TIMEOUT_MS, ...message }: DBusCall): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      const serial = this.#nextSerial();
      this.#write({ ...message, type: MessageType.METHOD_CALL }, serial);
      const giveUp = () => {
        if (!this.#pending.delete(serial)) return;
        const fault = `no reply to ${message.member} from ${message.destination} within ${timeoutMs} ms`;
        reject(new MQTTGatewayError('bus_unreachable', fault));
      };
      // It was perhaps this process that stood still: what has come meanwhile is read before it is judged.
      const timer = Number.isFinite(timeoutMs) ? setTimeout(() => setImmediate(giveUp), timeoutMs) : undefined;
      this.#pending.set(serial, { resolve, reject, timer });
    });
  }

  /**
   * Sends a message that wants no reply: a signal, or the reply to a call.
   *
   * @throws {MQTTGatewayError} `closed`, when the connection has ended
   */
  send(message: DBusMessage): void {
    this.#write(message, this.#nextSerial());
  }

  /** Calls the handler for each signal that arrives, wanted or not, until the returned function is called. */
  onSignal(handler: (message: DBusMessage) => void): () => void {
    this.#signalHandlers.add(handler);
    return () => this.#signalHandlers.delete(handler);
  }

  /** Asks the bus for the signals that a rule matches (D-Bus specification, "Match Rules"). */
  async addMatch(rule: string): Promise<void> {
    await this.call({ ...DAEMON, member: 'AddMatch', signature: 's', body: [rule] });
  }

  /** Takes back one {@link addMatch} of the same rule. */
  async removeMatch(rule: string): Promise<void> {
    const timeoutMs = TAKE_BACK_TIMEOUT_MS;
    await this.call({ ...DAEMON, member: 'RemoveMatch', signature: 's', body: [rule], timeoutMs });
  }

  /** The unique name of a name's owner, or `undefined` when nobody owns it. */
  async getNameOwner(name: string): Promise<string | undefined> {
    try {
      const [owner] = await this.call({ ...DAEMON, member: 'GetNameOwner', signature: 's', body: [name] });
      return owner as string;
    } catch (error) {
      if (error instanceof DBusCallError && error.errorName === 'org.freedesktop.DBus.Error.NameHasNoOwner')
        return undefined;
      throw error;
    }
  }

  /**
   * Takes a name, for as long as the connection lasts.
   *
   * @throws {MQTTGatewayError} `name_taken`, when another process has it
   */
  async requestName(name: string): Promise<void> {
    const DO_NOT_QUEUE = 4;
    const PRIMARY_OWNER = 1;
    const ALREADY_OWNER = 4;
    const [result] = await this.call({ ...DAEMON, member: 'RequestName', signature: 'su', body: [name, DO_NOT_QUEUE] });
    if (result === PRIMARY_OWNER || result === ALREADY_OWNER) return;
    const owner = await this.#processOf(name);
    throw new MQTTGatewayError('name_taken', `${name} is already owned on this bus${owner}: stop that one first`);
  }

  /** Gives a name back. */
  async releaseName(name: string): Promise<void> {
    const timeoutMs = TAKE_BACK_TIMEOUT_MS;
    await this.call({ ...DAEMON, member: 'ReleaseName', signature: 's', body: [name], timeoutMs });
  }

  /** Ends the connection at once, as one that was lost for the reason. */
  abort(reason: string): void {
    this.#end(reason);
    this.#socket.destroy();
  }

  /** Ends the connection, after what was sent has left. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#endReason === undefined) {
      this.#end('closed');
      const flushed = new Promise<void>((resolve) => this.#socket.end(() => resolve()));
      // A bus that hangs takes nothing, and one that is gone says so: neither holds us up.
      const timer = setTimeout(() => this.#socket.destroy(), FLUSH_TIMEOUT_MS);
      await Promise.race([flushed, once(this.#socket, 'close').catch(() => {})]);
      clearTimeout(timer);
    }
    this.#socket.destroy();
  }

  async #processOf(name: string): Promise<string> {
    try {
      const [pid] = await this.call({ ...DAEMON, member: 'GetConnectionUnixProcessID', signature: 's', body: [name] });
      return ` by process ${pid}`;
    } catch {
      return '';
    }
  }

  #read(): void {
    // The decoder reads in a listener of 'readable': what it throws on a message it can't decode would end the process.
    // It has consumed that message by then, and goes on with the next.
    const guarded = (listener: () => void) => () => {
      for (;;) {
        try {
          return listener();
        } catch (error) {
          this.#reportOnce(`left out a message of the bus that can't be decoded: ${describeError(error)}`);
        }
      }
    };
    const read = (size: number): Buffer | null => {
      if (size <= MAX_MESSAGE_BYTES) return this.#socket.read(size) as Buffer | null;
      this.#socket.destroy(new Error('the bus sent a message beyond the size that D-Bus allows'));
      return null;
    };
    unmarshalMessages(
      { on: (event, listener) => this.#socket.on(event, guarded(listener)), read },
      (raw) => this.#dispatch(codec.messageToJsFmt(raw) as DBusMessage),
      {},
    );
  }

  #dispatch(message: DBusMessage): void {
    if (!this.isOpen) return;
    try {
      this.onMessage?.();
      if (message.type === MessageType.SIGNAL) {
        for (const handler of this.#signalHandlers) handler(message);
      } else if (message.type === MessageType.METHOD_CALL) {
        this.onMethodCall?.(message);
      } else {
        this.#settleCall(message);
      }
    } catch (error) {
      this.#reportOnce(`a handler of bus messages failed: ${describeError(error)}`);
    }
  }

  #reportOnce(fault: string): void {
    if (this.#reported.has(fault) || this.#reported.size >= MAX_REPORTED) return this.#logger.debug(fault);
    this.#reported.add(fault);
    this.#logger.error(`${fault}; further ones are not logged`);
  }

  #settleCall({ type, replySerial = 0, errorName = '', body = [] }: DBusMessage): void {
    const call = this.#pending.get(replySerial);
    if (!call) return;
    this.#pending.delete(replySerial);
    clearTimeout(call.timer);
    if (type === MessageType.ERROR) call.reject(new DBusCallError(errorName, String(body[0] ?? '')));
    else call.resolve(body);
  }

  #write(message: DBusMessage | Omit<DBusCall, 'timeoutMs'>, serial: number): void {
    if (this.#endReason !== undefined) {
      throw new MQTTGatewayError('bus_unreachable', `the connection to the bus has ended: ${this.#endReason}`);
    }
    const [frame] = codec.marshallMessage({ ...message, serial });
    if (frame.length > MAX_MESSAGE_BYTES) {
      throw new MQTTGatewayError('bus_refused', `a message of ${frame.length} bytes is beyond what D-Bus allows`);
    }
    this.#socket.write(frame);
  }

  #nextSerial(): number {
    this.#serial = nextSerial(this.#serial);
    return this.#serial;
  }

  #end(reason: string): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.onEnd?.();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new MQTTGatewayError('bus_unreachable', `the connection to the bus has ended: ${reason}`));
    }
    this.#pending.clear();
    this.#signalHandlers.clear();
    this.#settleClosed(reason);
  }
}
