import { promises } from 'node:dns';
import { once } from 'node:events';
import { createConnection, isIP, type Socket } from 'node:net';
import type { BrokerAddress } from '@cstbox/mqtt-core';
import { type Outcome, StepFault, within } from './trials.js';

/** Says what an error of a connection means, and what to look at. */
export type Explain = (error: unknown) => string;

/** Whether the broker is given by a name, which has to be looked up. */
export function hasName({ host }: BrokerAddress): boolean {
  return isIP(host) === 0;
}

/** Looks the broker's name up, as every program of this machine does. */
export async function resolve({ host }: BrokerAddress, explain: Explain, signal: AbortSignal): Promise<Outcome> {
  try {
    const found = await within(promises.lookup(host, { all: true }), signal);
    const addresses = found.map((each) => each.address);
    return { message: `${host} is ${addresses.join(', ')}`, details: { addresses } };
  } catch (error) {
    signal.throwIfAborted();
    throw new StepFault(explain(error));
  }
}

/** Opens a TCP connection to the broker and closes it again. */
export async function connectTcp(
  { host, port }: BrokerAddress,
  explain: Explain,
  signal: AbortSignal,
): Promise<Outcome> {
  const socket = createConnection({ host, port });
  try {
    await opened(socket, 'connect', signal);
    return { message: `connected to ${socket.remoteAddress} port ${port}` };
  } catch (error) {
    signal.throwIfAborted();
    throw new StepFault(explain(error));
  } finally {
    socket.destroy();
  }
}

/** Resolves when the socket says that it is there; rejects when it fails or closes before, or the signal is aborted. */
export async function opened(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  // Whoever waits hears of an error; at a moment when nobody does, it must not end the process.
  socket.on('error', () => {});
  const settled = new AbortController();
  const over = AbortSignal.any([signal, settled.signal]);
  try {
    await Promise.race([
      once(socket, event, { signal: over }),
      once(socket, 'close', { signal: over }).then(() => {
        throw new Error('it closed the connection at once');
      }),
    ]);
  } finally {
    settled.abort();
  }
}
