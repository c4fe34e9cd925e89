import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { waitFor } from './processes.js';
import { TcpProxy } from './tcp-proxy.js';

/** A server that keeps what it hears and says it back, behind a proxy. */
async function openLine() {
  const heard: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      heard.push(bytes);
      socket.write(bytes);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await TcpProxy.start((server.address() as { port: number }).port);
  return {
    proxy,
    sockets,
    heard: () => Buffer.concat(heard).toString(),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function connect(proxy: TcpProxy) {
  const socket = createConnection(proxy.port, '127.0.0.1');
  let text = '';
  let end: string | undefined;
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('end', () => {
    end ??= 'ended';
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end ??= error.code;
  });
  await waitFor('the connection', () => !socket.connecting);
  return { socket, says: () => text, end: () => end };
}

describe('TcpProxy', () => {
  it('carries both ways, counts connections, and hands on an orderly end behind the last byte', async () => {
    await using line = await openLine();
    const client = await connect(line.proxy);
    line.proxy.delay(20);
    client.socket.end('x'.repeat(600_000));
    await waitFor('the echo', () => client.end());
    expect(client.end()).toBe('ended');
    expect(client.says().length).toBe(600_000);
    await connect(line.proxy);
    expect(line.proxy.connections).toBe(2);
    await waitFor('the first to go', () => line.proxy.open === 1);
  });

  it('cuts what is there, and takes the next', async () => {
    await using line = await openLine();
    const first = await connect(line.proxy);
    first.socket.write('a');
    await waitFor('an echo', () => first.says());
    line.proxy.cut();
    await waitFor('the cut', () => first.end() === 'ECONNRESET' && line.sockets.size === 0);
    const second = await connect(line.proxy);
    second.socket.write('b');
    await waitFor('an echo', () => second.says() === 'b');
  });

  it('refuses and accepts', async () => {
    await using line = await openLine();
    const first = await connect(line.proxy);
    line.proxy.refuse();
    const refused = await connect(line.proxy);
    await waitFor('the refusal', () => refused.end() === 'ECONNRESET');
    first.socket.write('still');
    await waitFor('the echo', () => first.says() === 'still');
    line.proxy.accept();
    const second = await connect(line.proxy);
    second.socket.write('again');
    await waitFor('the echo', () => second.says() === 'again');
    expect(line.proxy.connections).toBe(2);
  });

  it('is a black hole to those that are there and to those that come, and cuts them when it heals', async () => {
    await using line = await openLine();
    const [before, idle] = [await connect(line.proxy), await connect(line.proxy)];
    before.socket.write('a');
    await waitFor('an echo', () => before.says() === 'a');
    line.proxy.blackHole();
    before.socket.write('swallowed');
    const during = await connect(line.proxy);
    during.socket.write('swallowed too');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([before.end(), during.end()]).toEqual([undefined, undefined]);
    line.proxy.heal();
    await waitFor('the cuts', () => before.end() && during.end());
    expect(line.heard()).toBe('a');
    expect(line.sockets.size).toBeGreaterThan(0);
    idle.socket.write('b');
    await waitFor('an echo', () => idle.says() === 'b');
  });

  it('stalls those that are there and those that come, even what ends meanwhile, and hands it all on when it flows', async () => {
    await using line = await openLine();
    const [before, ending] = [await connect(line.proxy), await connect(line.proxy)];
    before.socket.write('a');
    await waitFor('an echo', () => before.says() === 'a');
    line.proxy.stall();
    before.socket.write('b');
    const during = await connect(line.proxy);
    during.socket.write('c');
    for (const socket of line.sockets) socket.end('bye');
    ending.socket.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([before, during, ending].map(({ says, end }) => [says(), end()])).toEqual([
      ['a', undefined],
      ['', undefined],
      ['', undefined],
    ]);
    expect(line.heard()).toBe('a');
    line.proxy.flow();
    await waitFor('the rest', () => line.heard().length === 3);
    await waitFor('the end', () => before.end());
    expect(before.says()).toBe('abye');
  });

  it('cuts the connection in place of what its tap refuses, and no other', async () => {
    await using line = await openLine();
    const [refused, other] = [await connect(line.proxy), await connect(line.proxy)];
    line.proxy.tap = { admits: (_connection, bytes) => bytes.toString() !== 'no' };
    other.socket.write('yes');
    await waitFor('an echo', () => other.says() === 'yes');
    refused.socket.write('no');
    await waitFor('the cut', () => refused.end());
    expect(refused.says()).toBe('');
    line.proxy.tap = {};
    other.socket.write('no');
    await waitFor('an echo', () => other.says() === 'yesno');
  });

  it('delays everything, in order', async () => {
    await using line = await openLine();
    const client = await connect(line.proxy);
    line.proxy.delay(60);
    const started = performance.now();
    client.socket.write('a');
    await new Promise((resolve) => setTimeout(resolve, 20));
    line.proxy.delay(30);
    client.socket.write('b');
    await waitFor('the echo', () => client.says() === 'ab');
    // One way at 60 ms, one at 30 ms; timers may be a millisecond early.
    expect(performance.now() - started).toBeGreaterThan(85);
  });

  it('throttles, and loses nothing', async () => {
    await using line = await openLine();
    const client = await connect(line.proxy);
    line.proxy.throttle(100_000);
    const started = performance.now();
    const text = Array.from({ length: 4_000 }, (_, i) => `${i},`).join('');
    client.socket.write(text);
    await waitFor('the echo', () => client.says().length === text.length);
    expect(client.says()).toBe(text);
    expect(performance.now() - started).toBeGreaterThan((text.length / 100_000) * 900);
  });

  it('goes on at once when it heals', async () => {
    await using line = await openLine();
    const client = await connect(line.proxy);
    line.proxy.throttle(1);
    client.socket.write('x'.repeat(10_000));
    await new Promise((resolve) => setTimeout(resolve, 30));
    line.proxy.heal();
    await waitFor('the echo', () => client.says().length === 10_000);
  });

  it('cuts after so many bytes, which arrive, and does it once', async () => {
    await using line = await openLine();
    const client = await connect(line.proxy);
    line.proxy.cutAfter(10);
    client.socket.write('123456');
    await waitFor('an echo', () => client.says() === '123456');
    client.socket.write('7890abc');
    await waitFor('the cut', () => client.end());
    expect(line.heard()).toBe('1234567890');
    const second = await connect(line.proxy);
    second.socket.write('x'.repeat(50));
    await waitFor('the echo', () => second.says().length === 50);
  });

  it('cuts off who comes while nothing listens behind it', async () => {
    await using line = await openLine();
    await using proxy = await TcpProxy.start(1);
    const client = await connect(proxy);
    await waitFor('the cut', () => client.end());
    expect(line.proxy.connections).toBe(0);
  });

  it('holds a sender up whose receiver does not read', async () => {
    const silent = createServer((socket) => void socket.on('error', () => {}).pause()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    await using proxy = await TcpProxy.start((silent.address() as { port: number }).port);
    const client = await connect(proxy);
    const size = 64 * 1024 * 1024;
    client.socket.write(Buffer.alloc(size));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(client.socket.writableLength).toBeGreaterThan(size / 4);
    proxy.cut();
    await waitFor('the cut', () => client.end());
    silent.close();
  });
});
