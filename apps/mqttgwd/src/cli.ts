#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { describeError, MQTTGatewayError, type MQTTGatewayErrorCode } from '@cstbox/mqtt-core';
import { Command, CommanderError, Option } from 'commander';
import { consoleLogger, LOG_LEVELS, type LogLevel } from './console-logger.js';
import { type DaemonOptions, runEventManager, runGateway } from './daemon.js';
import { ExitCode } from './exit-codes.js';

const CONFIGURATION_DIRECTORY = '/etc/cstbox';
const DEFAULT_CONFIGURATION = `${CONFIGURATION_DIRECTORY}/mqtt_gateway.cfg`;
const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const EXIT_CODES: Partial<Record<MQTTGatewayErrorCode, number>> = {
  configuration: ExitCode.CONFIG,
  bus_unreachable: ExitCode.UNAVAILABLE,
  name_taken: ExitCode.CANTCREAT,
};

interface CommonOptions {
  loglevel: LogLevel;
  debug?: boolean;
}

const program = new Command('mqttgwd')
  .description('The gateway between the CSTBox event bus (D-Bus) and MQTT')
  .option(
    '-c, --config <path>',
    `configuration file; a relative path is looked up here, then in ${CONFIGURATION_DIRECTORY}`,
    DEFAULT_CONFIGURATION,
  )
  .version(version, '--version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand(false)
  .showHelpAfterError('(mqttgwd --help says more)')
  .addHelpText(
    'after',
    `
Exit codes:
  ${ExitCode.OK}  stopped in order, by SIGTERM, SIGINT or terminate()
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.UNAVAILABLE} the bus can't be reached, or went away
  ${ExitCode.SOFTWARE} internal error
  ${ExitCode.CANTCREAT} the name on the bus is taken: another one runs
  ${ExitCode.CONFIG} wrong configuration
A broker that is away is no error: the gateway keeps trying.

Example:
  DBUS_SESSION_BUS_ADDRESS=unix:path=/run/cstbox/bus mqttgwd -c ./gateway.json`,
  )
  .exitOverride()
  .action((options: CommonOptions & { config: string }) =>
    run(options, (daemon) => runGateway(findConfiguration(options.config), daemon)),
  );
withCommonOptions(program);

withCommonOptions(
  program
    .command('event-manager')
    .description('run an event manager on the bus: CSTBox without the original')
    .exitOverride(),
).action((_options: CommonOptions, command: Command) =>
  run(command.optsWithGlobals<CommonOptions>(), (daemon) => runEventManager(daemon)),
);

await main();

function withCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-L, --loglevel <level>', 'how much to log').choices(LOG_LEVELS).default('INFO' satisfies LogLevel),
    )
    .option('--debug', 'log everything, and show where errors come from');
}

async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    // Help and version are no errors; commander has printed what there is to say.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE;
    else throw error;
  }
}

async function run(
  { loglevel, debug }: CommonOptions,
  daemon: (options: DaemonOptions) => Promise<void>,
): Promise<void> {
  const logger = consoleLogger(debug ? 'DEBUG' : loglevel, (line) => process.stderr.write(line));
  const fail = (error: unknown) => {
    const code = (error instanceof MQTTGatewayError && EXIT_CODES[error.code]) || ExitCode.SOFTWARE;
    const what = code === ExitCode.SOFTWARE ? `internal error: ${describeError(error)}` : describeError(error);
    for (const line of what.split('\n')) process.stderr.write(`mqttgwd: ${line}\n`);
    if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return code;
  };
  const stop = stopSignal();
  process.on('uncaughtException', (error) => process.exit(fail(error)));
  try {
    await daemon({ environment: process.env, logger, signal: stop });
  } catch (error) {
    if (!stop.aborted) process.exitCode = fail(error);
  }
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

function findConfiguration(path: string): string {
  const here = resolve(path);
  return existsSync(here) ? here : resolve(CONFIGURATION_DIRECTORY, path);
}
