import type { Command } from 'commander';
import { findConfiguration, optionsOf } from '../command-line.js';
import { runGateway } from '../daemon.js';
import { ExitCode } from '../exit-codes.js';
import { runService } from '../run-service.js';
import { harmless, wrap } from '../terminal.js';

/** `mqttgwd run`, which is also what `mqttgwd` alone does. */
export function addRunCommand(program: Command): void {
  program
    .command('run', { isDefault: true })
    .description('run the gateway; the default')
    .option('--simulate', 'publish nothing, and write to the log what would be; all else is real')
    .addHelpText('after', epilogue())
    .allowExcessArguments()
    .action((_options: unknown, command: Command) => {
      const [operand] = command.args;
      if (operand !== undefined) program.error(unknownCommand(operand, program));
      const { simulate = false, ...options } = optionsOf<{ simulate?: boolean }>(command);
      return runService(options, async (daemon) =>
        runGateway(findConfiguration(options.config), { ...daemon, simulate }),
      );
    });
}

function unknownCommand(operand: string, program: Command): string {
  const names = program.commands.map((each) => each.name()).join(', ');
  const given = harmless(operand);
  return `${wrap(`error: unknown command '${given}'; commands are ${names};`, { indent: '  ' })}
  a configuration file is given with -c, as in -c ${given}`;
}

function epilogue(): string {
  return `
A broker or a bus that is away is no error: the gateway keeps trying.

Exit codes:
  ${ExitCode.OK}  stopped in order, by SIGTERM, SIGINT or terminate()
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.SOFTWARE} internal error
  ${ExitCode.CANTCREAT} another one runs: it has the name on the bus, or uses the outbox
  ${ExitCode.CONFIG} wrong configuration

Example:
  mqttgwd run --simulate -c gateway.yaml`;
}
