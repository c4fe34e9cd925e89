/// <reference path="./dbus-next.d.ts" />
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { describeError } from '@cstbox/mqtt-core';
import handshake from 'dbus-next/lib/handshake.js';
import type { SocketAddress } from './dbus-address.js';

/** How long a bus may take to accept a connection and to authenticate it. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connects to a bus and authenticates. What is read from the socket from now on are messages.
 *
 * @throws when nothing that speaks D-Bus answers in time
 */
export async function openSocket(address: SocketAddress, signal?: AbortSignal): Promise<Socket> {
  const timeout = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  const giveUp = signal ? AbortSignal.any([signal, timeout]) : timeout;
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
    throw new Error(timeout.aborted ? `no answer within ${CONNECT_TIMEOUT_MS} ms` : 'aborted');
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
