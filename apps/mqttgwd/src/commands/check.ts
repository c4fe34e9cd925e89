import { ConfigurationError, silentLogger } from '@cstbox/mqtt-core';
import type { Command } from 'commander';
import { checkReport, exitCodeOf, jsonReport } from '../check-report.js';
import { findConfiguration, optionsOf } from '../command-line.js';
import { ExitCode } from '../exit-codes.js';
import { type Inspection, inspectConfiguration } from '../inspect-configuration.js';
import { paintFor } from '../terminal.js';

interface CheckOptions {
  strict?: boolean;
  json?: boolean;
}

/** `mqttgwd check` */
export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .argument('[configuration]', 'the configuration file; in place of -c')
    .description(
      'say everything that is wrong or doubtful in a configuration, and in what it names; connects to nothing',
    )
    .option('--strict', `end with ${ExitCode.FINDINGS} when there is a warning`)
    .option('--json', 'print what is found as JSON')
    .addHelpText('after', epilogue())
    .action(async (operand: string | undefined, _options: unknown, command: Command) => {
      const options = optionsOf<CheckOptions>(command);
      if (operand !== undefined && program.getOptionValueSource('config') === 'cli') {
        program.error('error: name the configuration once, with -c or without');
      }
      const given = operand ?? options.config;
      const inspection = await inspect(given);
      await using _loaded = inspection.loaded;
      const { findings } = inspection;
      if (options.json) process.stdout.write(jsonReport(findings));
      else
        process.stdout.write(
          checkReport(findings, { configuration: given, paint: paintFor(process.stdout, process.env) }),
        );
      process.exitCode = exitCodeOf(findings, options);
    });
}

/** A file that is not there is a finding as any other. */
async function inspect(configuration: string): Promise<Inspection> {
  try {
    const path = findConfiguration(configuration);
    return await inspectConfiguration(path, { logger: () => silentLogger, environment: process.env });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { findings: error.problems.map((problem) => ({ severity: 'error', code: 'file', ...problem })) };
  }
}

function epilogue(): string {
  return `
Each finding is a line like PATH:LINE:COLUMN: SEVERITY: what it is and what to
do. With an error, the gateway would not start; what is a warning is most
likely not what was meant.

Exit codes:
  ${ExitCode.OK}  nothing but what is worth knowing; warnings too, without --strict
  ${ExitCode.FINDINGS}  a warning, with --strict
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.CONFIG} an error

Example:
  mqttgwd check --strict /etc/cstbox/mqtt_gateway.cfg`;
}
