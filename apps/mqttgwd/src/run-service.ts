import { setFlagsFromString } from 'node:v8';
import { Secrets } from '@cstbox/dbus-bus';
import { type GlobalOptions, reportFailure } from './command-line.js';
import type { DaemonOptions } from './daemon.js';
import { createLog, formatFor } from './log.js';

/** How long the process may take to end by itself after everything was closed. */
const LINGER_MS = 1_000;

/** Runs a service as this process, with its signals, its log and its exit code. */
export async function runService(
  options: GlobalOptions,
  service: (options: DaemonOptions) => Promise<void>,
): Promise<void> {
  // On a small box memory is scarcer than time: collect garbage before there is as much of it as of everything else.
  setFlagsFromString('--heap-growing-percent=20');
  const secrets = new Secrets();
  const { redact } = secrets;
  const log = createLog({
    level: options.debug ? 'DEBUG' : options.loglevel,
    format: formatFor(options.logFormat, process.stderr),
    write: (line) => process.stderr.write(line),
    redact,
  });
  // However the process ends, what was folded is told.
  process.on('exit', () => log[Symbol.dispose]());
  const stop = stopSignal();
  // Node.js' debugger is never meant, not even before there is a status.
  process.on('SIGUSR1', () => {});
  process.on('uncaughtException', (error) => process.exit(reportFailure(error, options, redact)));
  try {
    await service({ environment: process.env, log, secrets, onStatusWanted, onReloadWanted, signal: stop });
  } catch (error) {
    if (!stop.aborted) process.exitCode = reportFailure(error, options, redact);
  }
  // Everything of ours is closed. A filter may have left a timer or a socket behind: it must not keep the process.
  setTimeout(() => {
    log.logger('mqttgwd').warn('something, probably a filter, is still running after the stop: ending all the same');
    process.exit();
  }, LINGER_MS).unref();
}

/** On SIGUSR1. */
function onStatusWanted(logStatus: () => void): void {
  process.on('SIGUSR1', logStatus);
}

/** On SIGHUP, as of old. */
function onReloadWanted(reload: () => void): void {
  process.on('SIGHUP', reload);
}

/** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once, as shells expect. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort();
    });
  }
  return controller.signal;
}
