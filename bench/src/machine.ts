import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { fileSystemOf } from './disk-use.js';

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
  /** Where outboxes lie: the directory for temporary files. */
  outboxOn: { directory: string; fileSystem: string };
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
    outboxOn: { directory: tmpdir(), fileSystem: fileSystemOf(tmpdir()) },
  };
}

function firstLine(program: string, flag: string): string | undefined {
  return spawnSync(program, [flag], { encoding: 'utf8' }).stdout?.split('\n')[0] || undefined;
}
