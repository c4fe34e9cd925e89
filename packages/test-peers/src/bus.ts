import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isInstalled, stopProcess } from './processes.js';

/** A private message bus: a `dbus-daemon` of its own. */
export interface Bus extends AsyncDisposable {
  /** What goes into `DBUS_SESSION_BUS_ADDRESS`. */
  readonly address: string;
  /** The running daemon, for tests that break it; another after each `restart()`. */
  readonly daemon: ChildProcess;
  /** Ends the daemon as a crash would, and resolves when it is gone. */
  kill(): Promise<void>;
  /** Kills the daemon if it runs, and starts another one at the same address. */
  restart(): Promise<void>;
}

let missing: string | undefined | null = null;

/** One line that says what to install, or `undefined` when `dbus-daemon` is there. */
export function dbusDaemonMissing(): string | undefined {
  if (missing === null) {
    missing = isInstalled('dbus-daemon', '--version')
      ? undefined
      : 'dbus-daemon is not installed: install the package dbus-daemon (Debian 13: dbus-daemon, Debian 12: dbus)';
  }
  return missing;
}

/**
 * Starts a private `dbus-daemon`; disposing stops it.
 *
 * @param options.address where it listens; default: a socket in a directory of its own, removed in the end
 */
export async function startBus({ address }: { address?: string } = {}): Promise<Bus> {
  const directory = address === undefined ? await mkdtemp(join(tmpdir(), 'mqttgwd-bus-')) : undefined;
  const place = address ?? `unix:path=${join(directory as string, 'bus')}`;
  const removeDirectory = async () => {
    if (directory) await rm(directory, { recursive: true, force: true });
  };
  try {
    let daemon = await startDaemon(place);
    const kill = async () => {
      if (daemon.exitCode !== null || daemon.signalCode !== null) return;
      const gone = once(daemon, 'exit');
      daemon.kill('SIGKILL');
      await gone;
    };
    return {
      address: place,
      get daemon() {
        return daemon;
      },
      kill,
      async restart() {
        await kill();
        daemon = await startDaemon(place);
      },
      async [Symbol.asyncDispose]() {
        await stopProcess(daemon);
        await removeDirectory();
      },
    };
  } catch (error) {
    await removeDirectory();
    throw error;
  }
}

/** Resolves when it listens. */
async function startDaemon(address: string): Promise<ChildProcess> {
  const daemon = spawn(
    'dbus-daemon',
    ['--session', '--nofork', '--nopidfile', '--nosyslog', `--address=${address}`, '--print-address=1'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const lines = createInterface({ input: daemon.stdout });
  const abort = new AbortController();
  const { signal } = abort;
  try {
    await Promise.race([
      once(lines, 'line', { signal }),
      once(daemon, 'exit', { signal }).then(([code]) => {
        throw new Error(`dbus-daemon ended at once with ${code}`);
      }),
    ]);
    return daemon;
  } catch (error) {
    await stopProcess(daemon);
    throw error;
  } finally {
    abort.abort();
    lines.close();
  }
}
