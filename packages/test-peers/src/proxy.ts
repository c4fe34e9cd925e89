import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on the loopback interface, for tests that break a connection. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections were made so far. */
  readonly connections: number;
  /** Ends every connection without a goodbye. */
  cut(): void;
  /** Passes nothing on any more, in either direction; new connections are taken, and left without an answer. */
  stall(): void;
  /** Passes on again what came meanwhile, and what comes. */
  flow(): void;
  /**
   * Looks at what the server sends before it is passed on: `false` cuts the connection instead. Settable at any time.
   */
  fromServer: ((chunk: Buffer) => boolean) | undefined;
}

/** Starts a proxy to a port of this machine, which need not be open yet. */
export async function startProxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isStalled = false;
  let count = 0;
  const server = createServer((client) => {
    count++;
    const upstream = connect(target, '127.0.0.1');
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
      socket.on('data', (chunk) => {
        if (socket === upstream && proxy.fromServer?.(chunk) === false) return end();
        if (other.writable && !other.write(chunk)) {
          socket.pause();
          other.once('drain', () => isStalled || socket.resume());
        }
      });
      if (isStalled) socket.pause();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const each = (action: (socket: Socket) => void) => () => {
    for (const socket of sockets) action(socket);
  };
  const cut = each((socket) => socket.destroy());
  const pause = each((socket) => socket.pause());
  const resume = each((socket) => socket.resume());
  const proxy: Proxy = {
    port,
    get connections() {
      return count;
    },
    cut,
    stall() {
      isStalled = true;
      pause();
    },
    flow() {
      isStalled = false;
      resume();
    },
    fromServer: undefined,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
  return proxy;
}
