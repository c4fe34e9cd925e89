import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** What listens where a broker should, and is none. */
export interface MuteServer extends AsyncDisposable {
  readonly port: number;
  /** How many connections were made so far. */
  readonly connections: number;
}

/** Starts a server that takes connections, and gives one answer to the first that comes, or none, or closes them. */
export async function startMuteServer(port = 0, answer?: Buffer | 'close'): Promise<MuteServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    if (answer === 'close') socket.end();
    else if (answer) socket.once('data', () => socket.write(answer));
    else socket.resume();
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
