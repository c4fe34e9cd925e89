import { ConfigurationError, silentLogger, topicFault } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { checkReport, exitCodeOf, jsonReport } from '../check-report.js';
import { findConfiguration, optionsOf } from '../command-line.js';
import { ConnectionReport } from '../connect/connection-report.js';
import type { Trial } from '../connect/trials.js';
import { tryConnections } from '../connect/try-connections.js';
import { ExitCode } from '../exit-codes.js';
import { type Inspection, inspectConfiguration } from '../inspect-configuration.js';
import type { LoadedGateway } from '../load-gateway.js';
import { paintFor } from '../terminal.js';
import { untilInterrupted } from '../until-interrupted.js';

interface CheckOptions {
  connect?: boolean;
  probeTopic?: string;
  strict?: boolean;
  json?: boolean;
}

/** `mqttgwd check` */
export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .argument('[configuration]', 'the configuration file; in place of -c')
    .description(
      'say everything that is wrong or doubtful in a configuration, and in what it names; connects to nothing without --connect',
    )
    .option('--strict', `end with ${ExitCode.FINDINGS} when there is a warning`)
    .option('--connect', 'try bus and brokers too, step by step; a running gateway is not disturbed')
    .option(
      '--probe-topic <topic>',
      'with --connect: where a word is published that has to come back; default mqttgwd/<client id>/probe',
      parseTopic,
    )
    .option('--json', 'print what is found as JSON')
    .addHelpText('after', epilogue())
    .action(async (operand: string | undefined, _options: unknown, command: Command) => {
      const options = optionsOf<CheckOptions>(command);
      if (operand !== undefined && program.getOptionValueSource('config') === 'cli') {
        program.error('error: name the configuration once, with -c or without');
      }
      if (options.probeTopic !== undefined && !options.connect) {
        program.error('error: --probe-topic says where --connect sends its probe: give both');
      }
      await untilInterrupted((signal) => check(operand ?? options.config, options, signal));
    });
}

async function check(given: string, options: CheckOptions, signal: AbortSignal): Promise<void> {
  const { json = false } = options;
  const output = process.stdout;
  const inspection = await inspect(given);
  await using loaded = inspection.loaded;
  const { findings } = inspection;
  if (!json) output.write(checkReport(findings, { configuration: given, paint: paintFor(output, process.env) }));
  process.exitCode = exitCodeOf(findings, options);
  let report: ConnectionReport | undefined;
  if (options.connect) {
    if (loaded) report = await connect(given, loaded, options, signal);
    else process.stderr.write('mqttgwd: no connection is tried with errors in the configuration\n');
  }
  if (signal.aborted) process.exitCode = ExitCode.INTERRUPTED;
  else if (report?.has('failed')) process.exitCode = ExitCode.UNAVAILABLE;
  else if (options.strict && report?.has('warning')) process.exitCode = ExitCode.FINDINGS;
  if (json) output.write(jsonReport(findings, report?.steps));
  else if (report) output.write(`${report.summary}\n`);
}

/** Tries the connections and prints each step as soon as it is over; until it is done, or somebody has seen enough. */
async function connect(
  given: string,
  { configuration, inbound, outbound, file }: LoadedGateway,
  { json = false, probeTopic }: CheckOptions,
  signal: AbortSignal,
): Promise<ConnectionReport> {
  const report = new ConnectionReport(file);
  const environment = process.env;
  const take = (trial: Trial) => {
    report.add(trial);
    if (!json) report.print(process.stdout, environment, given);
  };
  try {
    await tryConnections({ configuration, inbound, outbound, environment, probeTopic, signal, report: take });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return report;
}

function parseTopic(topic: string): string {
  const fault = topicFault(topic);
  if (fault) throw new InvalidArgumentError(`${fault}.`);
  return topic;
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

With --connect, each step is a line with its time: bus, event manager and name;
for each broker its name, TCP, TLS, WebSocket, login, subscriptions, and a word
that is published and has to come back. A broker may grant a subscription and
still withhold messages: only what comes back is proof.

Exit codes:
  ${ExitCode.OK}  nothing but what is worth knowing; warnings too, without --strict
  ${ExitCode.FINDINGS}  a warning, with --strict
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.UNAVAILABLE} with --connect, a step that failed
  ${ExitCode.CONFIG} an error
  ${ExitCode.INTERRUPTED} interrupted

Example:
  mqttgwd check --strict --connect /etc/cstbox/mqtt_gateway.cfg`;
}
