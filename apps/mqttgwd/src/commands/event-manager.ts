import type { Command } from 'commander';
import { optionsOf } from '../command-line.js';
import { runEventManager } from '../daemon.js';
import { runService } from '../run-service.js';

/** `mqttgwd event-manager` */
export function addEventManagerCommand(program: Command): void {
  program
    .command('event-manager')
    .description('run an event manager on the bus: CSTBox without the original')
    .action((_options: unknown, command: Command) => {
      if (program.getOptionValueSource('config') === 'cli')
        program.error('error: event-manager takes no configuration');
      return runService(optionsOf(command), runEventManager);
    });
}
