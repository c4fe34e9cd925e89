import type { Command } from 'commander';
import { optionsOf } from '../command-line.js';
import { runEventManager } from '../daemon.js';
import { ExitCode } from '../exit-codes.js';
import { runService } from '../run-service.js';

/** `mqttgwd event-manager` */
export function addEventManagerCommand(program: Command): void {
  program
    .command('event-manager')
    .description('run an event manager on the bus: CSTBox without the original')
    .addHelpText('after', epilogue())
    .action((_options: unknown, command: Command) => {
      if (program.getOptionValueSource('config') === 'cli')
        program.error('error: event-manager takes no configuration');
      return runService(optionsOf(command), runEventManager);
    });
}

function epilogue(): string {
  return `
Exit codes:
  ${ExitCode.OK}  stopped in order, by SIGTERM or SIGINT
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.SOFTWARE} internal error
  ${ExitCode.CANTCREAT} another event manager has the name on the bus

Example:
  DBUS_SESSION_BUS_ADDRESS=unix:path=/run/cstbox/bus mqttgwd event-manager`;
}
