import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a figure depends on beside the gateway. */
export interface MachineFacts {
  node: string;
  kernel: string;
  cpu: string;
  cores: number;
  memoryBytes: number;
  /** Load over the last minute, before the bench: anything but 0 is somebody else's work. */
  loadBefore: number;
  dbusDaemon: string;
  /** Absent where it is not installed. */
  mosquitto: string | undefined;
}

export function machineFacts(): MachineFacts {
  return {
    node: process.version,
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    loadBefore: loadavg()[0] ?? 0,
    dbusDaemon: firstLine('dbus-daemon', '--version') ?? 'unknown',
    mosquitto: firstLine('mosquitto', '-h'),
  };
}

function firstLine(program: string, flag: string): string | undefined {
  return spawnSync(program, [flag], { encoding: 'utf8' }).stdout?.split('\n')[0] || undefined;
}
