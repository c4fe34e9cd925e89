import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { type LaneConditions, ProxyLane } from './proxy-lane.js';

/** Who watches what a {@link TcpProxy} carries, or has a word in it. */
export interface ProxyTap {
  /** A client has come; the number counts up from 1. */
  opened?(connection: number): void;
  /** These bytes are handed to the target. */
  toTarget?(connection: number, bytes: Buffer): void;
  /** These bytes are handed to the client. */
  toClient?(connection: number, bytes: Buffer): void;
  /** Whether these bytes may go to the client; if not, the connection is cut instead. */
  admits?(connection: number, bytes: Buffer): boolean;
  closed?(connection: number): void;
}

interface Link {
  readonly sockets: readonly Socket[];
  /** None, when it began in a black hole. */
  readonly lanes: readonly ProxyLane[];
}

const SOUND: Readonly<LaneConditions> = {
  delayMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  isBlackHole: false,
  isStalled: false,
};

/**
 * Stands between a client and a server on the loopback interface, and does to their connections what networks do. Sound at
 * first; each fault stays until `heal()`, except the cuts, which are over at once.
 */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  /** Told of everything from now on; may be replaced at any time. */
  tap: ProxyTap;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #conditions: LaneConditions = { ...SOUND };
  readonly #links = new Map<number, Link>();
  #connections = 0;
  #isRefusing = false;
  #bytesUntilCut = Number.POSITIVE_INFINITY;

  private constructor(server: Server, targetPort: number, tap: ProxyTap) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.tap = tap;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (client) => this.#accept(client));
  }

  /**
   * Starts a proxy in front of a port of this machine, where something need not listen yet: who comes while nothing does is
   * cut off.
   */
  static async start(targetPort: number, tap: ProxyTap = {}): Promise<TcpProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, targetPort, tap);
  }

  /** How many connections were ever accepted; the refused ones are not among them. */
  get connections(): number {
    return this.#connections;
  }

  /** How many connections there are now. */
  get open(): number {
    return this.#links.size;
  }

  /** Resets every connection. What is on its way is lost. */
  cut(): void {
    for (const { sockets } of this.#links.values()) for (const socket of sockets) reset(socket);
  }

  /** Resets whoever connects, at once. Connections that are there stay. */
  refuse(): void {
    this.#isRefusing = true;
  }

  /** Takes connections again. */
  accept(): void {
    this.#isRefusing = false;
  }

  /** Goes on accepting connections, swallows what either side says, and says nothing. */
  blackHole(): void {
    this.#conditions.isBlackHole = true;
  }

  /** Reads nothing any more, from either side; new connections are taken, and left without an answer. */
  stall(): void {
    this.#conditions.isStalled = true;
    this.#pump();
  }

  /** Hands on again what came while it was stalled, and what comes. */
  flow(): void {
    this.#conditions.isStalled = false;
    this.#pump();
  }

  /** Hands on everything so much later, in both directions. */
  delay(ms: number): void {
    this.#conditions.delayMs = ms;
  }

  /** Hands on no more than that, in each direction of each connection. */
  throttle(bytesPerSecond: number): void {
    this.#conditions.bytesPerSecond = bytesPerSecond;
  }

  /** Cuts every connection after so many more bytes to the target, most likely in the middle of a packet; once. */
  cutAfter(bytes: number): void {
    this.#bytesUntilCut = bytes;
  }

  /** Ends every fault. Connections of which a black hole swallowed something are cut. */
  heal(): void {
    this.accept();
    Object.assign(this.#conditions, SOUND);
    this.#bytesUntilCut = Number.POSITIVE_INFINITY;
    for (const { sockets, lanes } of this.#links.values()) {
      const isSound = lanes.length > 0 && !lanes.some((lane) => lane.hasSwallowed);
      if (isSound) for (const lane of lanes) lane.pump();
      else for (const socket of sockets) reset(socket);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #pump(): void {
    for (const { lanes } of this.#links.values()) for (const lane of lanes) lane.pump();
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.on('error', () => {});
      reset(client);
      return;
    }
    const connection = ++this.#connections;
    this.tap.opened?.(connection);
    if (this.#conditions.isBlackHole) {
      client.resume();
      this.#keep(connection, { sockets: [client], lanes: [] });
      return;
    }
    const target = createConnection({ port: this.#targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const toTarget = new ProxyLane(client, target, this.#conditions, (bytes) => {
      const granted = this.#grant(bytes);
      target.write(granted);
      this.tap.toTarget?.(connection, granted);
    });
    const toClient = new ProxyLane(target, client, this.#conditions, (bytes) => {
      if (this.tap.admits?.(connection, bytes) === false) {
        for (const socket of [client, target]) reset(socket);
        return;
      }
      client.write(bytes);
      this.tap.toClient?.(connection, bytes);
    });
    this.#keep(connection, { sockets: [client, target], lanes: [toTarget, toClient] });
  }

  /** The bytes that may go before the cut that was ordered, and sees to that cut. */
  #grant(bytes: Buffer): Buffer {
    const granted = bytes.subarray(0, this.#bytesUntilCut);
    this.#bytesUntilCut -= granted.length;
    if (granted.length < bytes.length) {
      this.#bytesUntilCut = Number.POSITIVE_INFINITY;
      // What was granted leaves first.
      setImmediate(() => this.cut());
    }
    return granted;
  }

  #keep(connection: number, link: Link): void {
    this.#links.set(connection, link);
    let open = link.sockets.length;
    for (const socket of link.sockets) {
      socket.on('error', () => {});
      socket.on('close', () => {
        // An orderly end has been handed on behind the last byte; anything else ends the other side at once.
        if (!socket.readableEnded) for (const each of link.sockets) reset(each);
        if (--open > 0) return;
        for (const lane of link.lanes) lane.stop();
        this.#links.delete(connection);
        this.tap.closed?.(connection);
      });
    }
  }
}

function reset(socket: Socket): void {
  // What is not connected yet has nothing to reset.
  if (socket.connecting) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}
