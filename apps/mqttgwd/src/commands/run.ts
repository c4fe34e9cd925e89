import type { Command } from 'commander';
import { findConfiguration, optionsOf } from '../command-line.js';
import { runGateway } from '../daemon.js';
import { runService } from '../run-service.js';

/** `mqttgwd run`, which is also what `mqttgwd` alone does. */
export function addRunCommand(program: Command): void {
  program
    .command('run', { isDefault: true })
    .description('run the gateway; the default')
    .option('--simulate', 'publish nothing, and write to the log what would be; all else is real')
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
  return `error: unknown command '${operand}'; commands are ${names}, and a configuration file is given with -c, as in -c ${operand}`;
}
