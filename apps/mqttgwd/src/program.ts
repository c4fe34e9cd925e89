import { Command, CommanderError, Option } from 'commander';
import { CONFIGURATION_DIRECTORY, DEFAULT_CONFIGURATION, parseLogLevel, reportFailure } from './command-line.js';
import { addCheckCommand } from './commands/check.js';
import { addEventManagerCommand } from './commands/event-manager.js';
import { addExplainCommand } from './commands/explain.js';
import { addInitCommand } from './commands/init.js';
import { addPolicyCommand } from './commands/policy.js';
import { addRecordCommand } from './commands/record.js';
import { addReloadCommand } from './commands/reload.js';
import { addReplayCommand } from './commands/replay.js';
import { addRunCommand } from './commands/run.js';
import { addSchemaCommand } from './commands/schema.js';
import { addStatusCommand } from './commands/status.js';
import { addTailCommand } from './commands/tail.js';
import { ExitCode } from './exit-codes.js';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './log.js';
import { fitted } from './terminal.js';
import { version } from './version.js';

/** How long the process may take to end by itself when it is done. */
const LINGER_MS = 1_000;

/** The command that has begun; none before the command line is understood. */
let begun: Command | undefined;

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
  .addOption(
    new Option(
      '--log-format <format>',
      'lines for people (human) or JSON lines; auto: for people on a terminal, else JSON',
    )
      .choices(LOG_FORMATS)
      .default('auto' satisfies LogFormat),
  )
  .option('--debug', 'log everything, and show where errors come from')
  .version(version, '--version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand(false)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(mqttgwd --help says more)')
  .addHelpText('after', epilogue())
  // What was held off while this file loaded stays so until the gateway listens itself; other commands mean nothing by it.
  .hook('preAction', (_program, command) => {
    if (command.name() === 'run') return;
    for (const name of ['SIGHUP', 'SIGUSR1']) process.removeAllListeners(name);
  })
  .configureOutput({ outputError: (text, write) => write(fitted(text, process.stderr)) })
  .hook('preAction', (_program, command) => {
    begun = command;
  })
  .exitOverride();

const commands = [
  addRunCommand,
  addCheckCommand,
  addExplainCommand,
  addInitCommand,
  addSchemaCommand,
  addRecordCommand,
  addReplayCommand,
  addStatusCommand,
  addTailCommand,
  addReloadCommand,
  addPolicyCommand,
  addEventManagerCommand,
];
for (const add of commands) add(program);
// What is said of the program's own errors and help holds for every command.
settle(program, 'mqttgwd');

// A log that nobody reads any more is no reason to stop.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
await main();

function epilogue(): string {
  return `
Exit codes:
  ${ExitCode.OK}  stopped in order, by SIGTERM, SIGINT or terminate()
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.UNAVAILABLE} what a command asks is not there: the bus, or the gateway
  ${ExitCode.SOFTWARE} internal error
  ${ExitCode.CANTCREAT} another one runs: it has the name on the bus, or uses the outbox
  ${ExitCode.CONFIG} wrong configuration, or a Node.js that is too old
A broker or a bus that is away is no error: the gateway keeps trying. A second
SIGINT or SIGTERM ends it at once (130, 143).

Example:
  DBUS_SESSION_BUS_ADDRESS=unix:path=/run/cstbox/bus mqttgwd -c ./gateway.json`;
}

/** For all commands below one, and those below them. */
function settle(parent: Command, name: string): void {
  for (const command of parent.commands) {
    const full = `${name} ${command.name()}`;
    command.helpCommand(false).exitOverride().showHelpAfterError(`(${full} --help says more)`);
    settle(command, full);
  }
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
    else process.exitCode = reportFailure(error, (begun ?? program).optsWithGlobals());
  }
  // Everything of ours is closed and said. A filter may have left a timer behind: it must not keep the process.
  setTimeout(() => process.stdout.write('', () => process.exit()), LINGER_MS).unref();
}
