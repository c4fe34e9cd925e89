import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { PeerProcess } from './peer-process.js';
import { accepts, freePort } from './processes.js';

/** A broker or a bus that can be broken, and comes back at the same place. */
export interface BreakablePeer extends AsyncDisposable {
  readonly process: PeerProcess;
}

/** A Mosquitto that keeps its sessions and queues in files, and finds them again after a restart. */
export interface PersistentBroker extends BreakablePeer {
  readonly port: number;
}

/** A `dbus-daemon` that comes back at the same address. */
export interface RestartableBus extends BreakablePeer {
  /** What goes into `DBUS_SESSION_BUS_ADDRESS`. */
  readonly address: string;
  /** The socket's path, which is in the address. */
  readonly path: string;
}

/**
 * Starts a Mosquitto with persistence. It saves after each change, and acknowledges before it saves: a SIGKILL can lose
 * what it has acknowledged.
 */
export async function startPersistentBroker(): Promise<PersistentBroker> {
  const port = await freePort();
  return open('mqttgwd-broker-', async (directory) => {
    const configuration = join(directory, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'set_tcp_nodelay true',
      'max_queued_messages 0',
      'persistence true',
      `persistence_location ${directory}/`,
      'autosave_interval 1',
      'autosave_on_changes true',
      // Started as root it would become another user, who can't write here.
      `user ${userInfo().username}`,
    ];
    await writeFile(configuration, `${lines.join('\n')}\n`);
    const process = new PeerProcess({
      name: 'mosquitto',
      command: 'mosquitto',
      args: ['-c', configuration],
      isReady: () => accepts(port),
    });
    return { process, port };
  });
}

/** Starts a private `dbus-daemon` at an address that stays its own. */
export function startRestartableBus(): Promise<RestartableBus> {
  return open('mqttgwd-bus-', async (directory) => {
    const path = join(directory, 'bus');
    const address = `unix:path=${path}`;
    const process = new PeerProcess({
      name: 'dbus-daemon',
      command: 'dbus-daemon',
      args: ['--session', '--nofork', '--nopidfile', '--nosyslog', `--address=${address}`],
      isReady: () => existsSync(path) && answers(path),
    });
    return { process, address, path };
  });
}

/** Gives a peer a directory of its own, and starts it. */
async function open<T extends { process: PeerProcess }>(
  prefix: string,
  create: (directory: string) => Promise<T>,
): Promise<T & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), prefix));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await chmod(directory, 0o755);
    const peer = await create(directory);
    const dispose = async () => {
      await peer.process[Symbol.asyncDispose]();
      await remove();
    };
    try {
      await peer.process.start();
    } catch (error) {
      await dispose();
      throw error;
    }
    return { ...peer, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Whether something accepts connections at the path: the file alone may be left from a daemon that was killed. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const settle = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.on('connect', () => settle(true)).on('error', () => settle(false));
  });
}
