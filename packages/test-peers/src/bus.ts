import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PeerProcess } from './peer-process.js';
import { isInstalled } from './processes.js';

/** A private message bus: a `dbus-daemon` of its own. */
export interface Bus extends AsyncDisposable {
  /** What goes into `DBUS_SESSION_BUS_ADDRESS`. */
  readonly address: string;
  /** The daemon, to be broken and started again at the same address. */
  readonly process: PeerProcess;
  /** The running daemon, to send signals to; another after each `restart()`. */
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

/** How a bus is to be. */
export interface BusOptions {
  /** Where it listens. Default: a socket in a directory of its own, removed in the end. */
  address?: string;
  /** Out of reach of a Ctrl-C in the terminal: for who ends it in order, after those who use it. Default: false. */
  detached?: boolean;
  /** What stands in its configuration beside the place where it listens, in XML. Default: a session bus. */
  configuration?: string;
}

/** Starts a private `dbus-daemon`; disposing stops it. */
export async function startBus({ address, detached = false, configuration }: BusOptions = {}): Promise<Bus> {
  const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-bus-'));
  // Other users may join, where the configuration lets them.
  await chmod(directory, 0o755);
  const place = address ?? `unix:path=${join(directory, 'bus')}`;
  const file = join(directory, 'bus.conf');
  if (configuration !== undefined) await writeFile(file, busconfig(place, configuration));
  const kind = configuration === undefined ? '--session' : `--config-file=${file}`;
  let daemon!: ChildProcess;
  let isListening = false;
  const process = new PeerProcess({
    name: 'dbus-daemon',
    command: 'dbus-daemon',
    args: [kind, '--nofork', '--nopidfile', '--nosyslog', `--address=${place}`, '--print-address=1'],
    options: { stdio: ['ignore', 'pipe', 'ignore'], detached },
    onSpawn(child) {
      daemon = child;
      isListening = false;
      child.stdout?.once('data', () => {
        isListening = true;
      });
    },
    isReady: () => isListening,
  });
  const dispose = async () => {
    await process[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await process.start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    address: place,
    process,
    get daemon() {
      return daemon;
    },
    kill: () => process.kill(),
    async restart() {
      await process.kill();
      await process.start();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function busconfig(address: string, configuration: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
<type>session</type>
<listen>${address}</listen>
<auth>EXTERNAL</auth>
${configuration}
</busconfig>
`;
}
