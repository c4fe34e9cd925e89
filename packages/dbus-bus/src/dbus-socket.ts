/// <reference path="./dbus-next.d.ts" />
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { describeError } from '@cstbox/mqtt-core';
import handshake from 'dbus-next/lib/handshake.js';
import type { SocketAddress } from './dbus-address.js';

/**
 * Connects to a bus and authenticates. What is read from the socket from now on are messages.
 *
 * @param timeoutMs how long the bus may take for both
 * @throws when nothing that speaks D-Bus answers in time
 */
export async function openSocket(address: SocketAddress, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  const giveUp = signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal;
  const socket = createConnection(address);
  socket.setNoDelay();
  // Whoever waits hears of an error; at a moment when nobody does, it must not end the process.
  socket.on('error', () => {});
  try {
    await once(socket, 'connect', { signal: giveUp });
    await authenticate(socket, giveUp);
    return socket;
  } catch (error) {
    socket.destroy();
    if (!giveUp.aborted) throw error;
    throw new Error(timeout.signal.aborted ? `no answer within ${timeoutMs} ms` : 'aborted');
  } finally {
    clearTimeout(timer);
  }
}

/** Without the cookies of the home directory, which dbus-next also tries: it fails over a home that is not there. */
async function authenticate(socket: Socket, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const over = AbortSignal.any([signal, settled.signal]);
  try {
    await Promise.race([
      new Promise<void>((resolve, reject) => {
        handshake(socket, { authMethods: ['EXTERNAL', 'ANONYMOUS'] }, (error) =>
          error ? reject(new Error(`authentication failed: ${describeError(error)}`)) : resolve(),
        );
      }),
      once(socket, 'close', { signal: over }).then(() => {
        throw new Error('the connection was closed during authentication');
      }),
    ]);
  } finally {
    settled.abort();
  }
}
