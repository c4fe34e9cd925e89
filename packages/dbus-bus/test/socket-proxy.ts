import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A stretch of cable between a bus and its users. */
export interface SocketProxy extends AsyncDisposable {
  /** What the users take for the bus. */
  readonly address: string;
  /** How often somebody has connected. */
  readonly accepted: number;
  /** Carries nothing more on the connections there are, and keeps them open; new ones work. */
  freeze(): void;
  /** Cuts every connection there is. */
  cut(): void;
}

/** @param target the path of the bus's socket */
export async function startSocketProxy(target: string): Promise<SocketProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-proxy-'));
  const path = join(directory, 'bus');
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((user) => {
    accepted++;
    const bus = createConnection(target);
    for (const [one, other] of [
      [user, bus],
      [bus, user],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }).listen(path);
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `unix:path=${path}`,
    get accepted() {
      return accepted;
    },
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
      await rm(directory, { recursive: true });
    },
  };
}
