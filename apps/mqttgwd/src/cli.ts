#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { ConfigurationError, describeError, MQTTGatewayError, type MQTTGatewayErrorCode } from '@cstbox/mqtt-core';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { consoleLogger, LOG_LEVELS, type LogLevel } from './console-logger.js';
import { type DaemonOptions, runEventManager, runGateway } from './daemon.js';
import { ExitCode } from './exit-codes.js';

const CONFIGURATION_DIRECTORY = '/etc/cstbox';
const DEFAULT_CONFIGURATION = `${CONFIGURATION_DIRECTORY}/mqtt_gateway.cfg`;
/** How long the process may take to end by itself after everything was closed. */
const LINGER_MS = 1_000;
const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const EXIT_CODES: Partial<Record<MQTTGatewayErrorCode, number>> = {
  configuration: ExitCode.CONFIG,
  name_taken: ExitCode.CANTCREAT,
  outbox_locked: ExitCode.CANTCREAT,
};

interface Options {
  config: string;
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
  .addOption(
    new Option('-L, --loglevel <level>', `how much to log: ${LOG_LEVELS.join(', ')}`)
      .argParser(parseLogLevel)
      .default('INFO' satisfies LogLevel),
  )
  .option('--debug', 'log everything, and show where errors come from')
  .version(version, '--version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand(false)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(mqttgwd --help says more)')
  .addHelpText('after', epilogue())
  .exitOverride()
  .allowExcessArguments()
  .action((options: Options, { args: [operand] }: Command) => {
    if (operand !== undefined) {
      program.error(`error: unknown command '${operand}'; a configuration file is given with -c, as in -c ${operand}`);
    }
    return run(options, async (daemon) => runGateway(findConfiguration(options.config), daemon));
  });

program
  .command('event-manager')
  .description('run an event manager on the bus: CSTBox without the original')
  .exitOverride()
  .action(() => {
    if (program.getOptionValueSource('config') === 'cli') program.error('error: event-manager takes no configuration');
    return run(program.opts<Options>(), runEventManager);
  });

// On a small box memory is scarcer than time: collect garbage before there is as much of it as of everything else.
setFlagsFromString('--heap-growing-percent=20');
// A log that nobody reads any more is no reason to stop.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
await main();

function epilogue(): string {
  return `
Exit codes:
  ${ExitCode.OK}  stopped in order, by SIGTERM, SIGINT or terminate()
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.SOFTWARE} internal error
  ${ExitCode.CANTCREAT} another one runs: it has the name on the bus, or uses the outbox
  ${ExitCode.CONFIG} wrong configuration
A broker or a bus that is away is no error: the gateway keeps trying. A second
SIGINT or SIGTERM ends it at once (130, 143).

Example:
  DBUS_SESSION_BUS_ADDRESS=unix:path=/run/cstbox/bus mqttgwd -c ./gateway.json`;
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text.toUpperCase());
  if (level) return level;
  throw new InvalidArgumentError(`Allowed are ${LOG_LEVELS.join(', ')}.`);
}

/** `pnpm mqttgwd -- -c …` hands on the hyphens that were meant for pnpm. */
function argumentsGiven(): string[] {
  const given = process.argv.slice(2);
  return given[0] === '--' ? given.slice(1) : given;
}

async function main(): Promise<void> {
  try {
    await program.parseAsync(argumentsGiven(), { from: 'user' });
  } catch (error) {
    // Help and version are no errors; commander has printed what there is to say.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE;
    else throw error;
  }
}

async function run({ loglevel, debug }: Options, daemon: (options: DaemonOptions) => Promise<void>): Promise<void> {
  const logger = consoleLogger(debug ? 'DEBUG' : loglevel, (line) => process.stderr.write(line));
  const fail = (error: unknown) => {
    const code = (error instanceof MQTTGatewayError && EXIT_CODES[error.code]) || ExitCode.SOFTWARE;
    const what = code === ExitCode.SOFTWARE ? `internal error: ${describeError(error)}` : describeError(error);
    for (const line of what.split('\n')) process.stderr.write(`mqttgwd: ${line}\n`);
    for (let each = error; debug && each instanceof Error; each = each.cause) process.stderr.write(`${each.stack}\n`);
    return code;
  };
  const stop = stopSignal();
  process.on('uncaughtException', (error) => process.exit(fail(error)));
  try {
    await daemon({ environment: process.env, logger, onStatusWanted, signal: stop });
  } catch (error) {
    if (!stop.aborted) process.exitCode = fail(error);
  }
  // Everything of ours is closed. A filter may have left a timer or a socket behind: it must not keep the process.
  setTimeout(() => {
    logger('mqttgwd').warn('something, probably a filter, is still running after the stop: ending all the same');
    process.exit();
  }, LINGER_MS).unref();
}

/** On SIGUSR1, which would otherwise open Node.js' debugger to whoever may send it. */
function onStatusWanted(logStatus: () => void): void {
  process.on('SIGUSR1', logStatus);
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
  const candidates = [resolve(path), resolve(CONFIGURATION_DIRECTORY, path)];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found) return found;
  const places = [...new Set(candidates)].join(' nor at ');
  throw new ConfigurationError(`there is no configuration file at ${places}: name one with -c PATH`);
}
