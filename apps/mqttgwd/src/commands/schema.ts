import { ConfigurationFile } from '@cstbox/dbus-bus';
import type { Command } from 'commander';
import { findConfiguration, optionsOf } from '../command-line.js';
import { ExitCode } from '../exit-codes.js';
import { gatewaySchema } from '../gateway-schema.js';
import { jsonLine } from '../terminal.js';

/** `mqttgwd schema` */
export function addSchemaCommand(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of a configuration, for editors; with -c that with the filters it uses')
    .addHelpText('after', epilogue())
    .action(async (_options: unknown, command: Command) => {
      const { config } = optionsOf(command);
      const isNamed = program.getOptionValueSource('config') === 'cli';
      const file = isNamed
        ? ConfigurationFile.read(findConfiguration(config), { environment: process.env })
        : undefined;
      process.stdout.write(`${jsonLine(await gatewaySchema(file), 2)}\n`);
    });
}

function epilogue(): string {
  return `
An editor completes and checks a configuration that names the schema: as the
key $schema, or, in YAML, in a line
# yaml-language-server: $schema=PATH

Exit codes:
  ${ExitCode.OK}  printed
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.CONFIG} the configuration can't be read

Example:
  mqttgwd schema -c gateway.yaml >gateway.schema.json`;
}
