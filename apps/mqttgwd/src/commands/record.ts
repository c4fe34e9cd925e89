import { Secrets } from '@cstbox/dbus-bus';
import { topicFilterFault } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { findConfiguration, type GlobalOptions, optionsOf } from '../command-line.js';
import { ExitCode } from '../exit-codes.js';
import { loadGateway } from '../load-gateway.js';
import { createLog, formatFor } from '../log.js';
import { type Recorded, record } from '../recording/record.js';
import { untilInterrupted } from '../until-interrupted.js';

interface RecordCommandOptions {
  output: string;
  maxBytes: number;
  files: number;
  topic: readonly string[];
  leaveOut: readonly RegExp[];
  clientId: string;
  for?: number;
}

const MAX_BYTES = 100_000_000;
const FILES = 10;

/** `mqttgwd record` */
export function addRecordCommand(program: Command): void {
  program
    .command('record')
    .description('record what crosses bus and broker, for replay; beside a running gateway or without')
    .requiredOption('-o, --output <file>', 'the file to write; must not be there')
    .option('--topic <filter>', "what to subscribe to beside the gateway's own topics; may be repeated", addTopic, [])
    .option('--leave-out <regex>', 'topics and <varType>:<varName> not to record; may be repeated', addRegex, [])
    .option('--for <seconds>', 'end after so many seconds', parseSeconds)
    .option('--max-bytes <number>', 'how large a file may be; then the next begins', parseBytes, MAX_BYTES)
    .option('--files <number>', 'how many files are kept; then the oldest goes', parseFiles, FILES)
    .option('--client-id <name>', "its name at the broker, not the gateway's", `mqttgwd-record-${process.pid}`)
    .addHelpText('after', epilogue())
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<RecordCommandOptions>(command);
      await untilInterrupted((signal) => run(options, signal));
    });
}

async function run(options: RecordCommandOptions & GlobalOptions, interrupted: AbortSignal): Promise<void> {
  const environment = process.env;
  const secrets = new Secrets();
  using log = createLog({
    level: options.debug ? 'DEBUG' : options.loglevel,
    format: formatFor(options.logFormat, process.stderr),
    write: (line) => process.stderr.write(line),
    redact: secrets.redact,
  });
  const { logger } = log;
  await using loaded = await loadGateway(findConfiguration(options.config), { logger, environment, secrets });
  const { output: path, maxBytes, files, topic: topics, leaveOut, clientId } = options;
  const time = options.for === undefined ? undefined : AbortSignal.timeout(options.for * 1_000);
  const signal = time ? AbortSignal.any([interrupted, time]) : interrupted;
  const recording = { path, maxBytes, files, topics, leaveOut, clientId, environment, logger, signal };
  const recorded = await record(loaded, recording);
  process.stdout.write(summary(recorded));
  if (recorded.missed > 0) process.exitCode = ExitCode.IOERR;
}

function summary({ events, messages, leftOut, missed, bytes, files, removed }: Recorded): string {
  const lines = [`recorded: ${events} events, ${messages} messages, ${bytes} bytes, in ${files.join(', ')}`];
  if (leftOut > 0) lines.push(`left out: ${leftOut}`);
  if (removed > 0) lines.push(`older files that were removed: ${removed}`);
  if (missed > 0) lines.push(`missed, since the disk did not take them: ${missed}`);
  return `${lines.join('\n')}\n`;
}

function addTopic(topic: string, given: readonly string[]): string[] {
  const fault = topicFilterFault(topic);
  if (fault) throw new InvalidArgumentError(`${fault}.`);
  return [...given, topic];
}

function addRegex(text: string, given: readonly RegExp[]): RegExp[] {
  try {
    return [...given, new RegExp(text, 'u')];
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

const parseSeconds = (text: string) => parseNumber(text, { from: 0.1, to: 2_000_000 });
const parseBytes = (text: string) => parseNumber(text, { from: 10_000, to: 1e12 });
const parseFiles = (text: string) => parseNumber(text, { from: 1, to: 1_000_000 });

function parseNumber(text: string, { from, to }: { from: number; to: number }): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= from && number <= to) return number;
  throw new InvalidArgumentError(`A number from ${from} to ${to}.`);
}

function epilogue(): string {
  return `
It has connections of its own to bus and broker, hears all channels of a CSTBox
and the gateway's topics, and costs the gateway nothing. A line of JSON for each
event and message; secrets of the configuration are written as ***. Ctrl-C ends
it in order. Files after the first are called FILE.1, FILE.2, …

Exit codes:
  ${ExitCode.OK}  ended by Ctrl-C, or after --for
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.CANTCREAT} the file is there already
  ${ExitCode.IOERR} it can't be written, or something was missed
  ${ExitCode.CONFIG} wrong configuration

Example:
  mqttgwd record -o /var/tmp/traffic.ndjson --for 3600 --leave-out '^badge:'`;
}
