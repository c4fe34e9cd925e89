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
  /** The running daemon, for tests that break it. */
  readonly daemon: ChildProcess;
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

/** Starts a private `dbus-daemon`; disposing stops it and removes its directory. */
export async function startBus(): Promise<Bus> {
  const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-bus-'));
  const address = `unix:path=${join(directory, 'bus')}`;
  const daemon = spawn(
    'dbus-daemon',
    ['--session', '--nofork', '--nopidfile', '--nosyslog', `--address=${address}`, '--print-address=1'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const dispose = async () => {
    await stopProcess(daemon);
    await rm(directory, { recursive: true, force: true });
  };
  const lines = createInterface({ input: daemon.stdout });
  const abort = new AbortController();
  const { signal } = abort;
  try {
    const [line] = (await Promise.race([
      once(lines, 'line', { signal }),
      once(daemon, 'exit', { signal }).then(([code]) => {
        throw new Error(`dbus-daemon ended at once with ${code}`);
      }),
    ])) as [string];
    return { address: line, daemon, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  } finally {
    abort.abort();
    lines.close();
  }
}
