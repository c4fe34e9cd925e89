import { silentLogger } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { findConfiguration, type GlobalOptions, optionsOf } from '../command-line.js';
import { ExitCode } from '../exit-codes.js';
import { type LoadedGateway, loadGateway } from '../load-gateway.js';
import { rehearsalOf } from '../rehearsal-of.js';
import { MAX_EXAMPLES, Replay } from '../replay/replay.js';
import { replayJson } from '../replay/replay-json.js';
import { replayText } from '../replay/replay-text.js';
import { paintFor } from '../terminal.js';

interface ReplayCommandOptions {
  against?: string;
  examples: number;
  all?: boolean;
  json?: boolean;
}

const EXAMPLES = 2;

/** `mqttgwd replay` */
export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .argument('<files...>', 'recordings of mqttgwd record, in any order')
    .description('play recordings to a configuration, and say what it would do differently; connects to nothing')
    .option('--against <path>', 'the configuration to compare with; without: what the new one makes of it')
    .option('--examples <number>', 'examples shown of each difference', parseCount, EXAMPLES)
    .option('--all', `show every example, up to ${MAX_EXAMPLES} in all`)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', epilogue())
    .action(async (files: readonly string[], _options: unknown, command: Command) => {
      await run(files, optionsOf<ReplayCommandOptions>(command));
    });
}

async function run(files: readonly string[], options: ReplayCommandOptions & GlobalOptions): Promise<void> {
  const { config, against, json } = options;
  await using loaded = await load(config);
  await using compared = against === undefined ? undefined : await load(against);
  const clock = { now: 0 };
  const rehearse = (gateway: LoadedGateway) => rehearsalOf(gateway, () => clock.now);
  const redact = (text: string) => loaded.secrets.redact(compared?.secrets.redact(text) ?? text);
  const replay = new Replay({
    rehearsal: rehearse(loaded),
    against: compared && rehearse(compared),
    clock,
    maxExamples: options.all ? MAX_EXAMPLES : options.examples,
    redact,
  });
  const report = await replay.play(files);
  const style = { paint: paintFor(process.stdout, process.env), compared: compared !== undefined, redact };
  process.stdout.write(json ? replayJson(report, redact) : replayText(report, style));
  if (report.out.different + report.in.different > 0) process.exitCode = ExitCode.FINDINGS;
}

async function load(path: string): Promise<LoadedGateway> {
  return loadGateway(findConfiguration(path), { logger: () => silentLogger, environment: process.env });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(count) && count >= 0 && count <= MAX_EXAMPLES) return count;
  throw new InvalidArgumentError(`A whole number from 0 to ${MAX_EXAMPLES}.`);
}

function epilogue(): string {
  return `
Each record goes through the filters, the policy and the publish settings of
both configurations, at full speed and by the time of the recording. Two are
compared record by record: added, lost, another topic (or channel and variable),
another payload, another QoS or retain, other terms (expiry, throttle,
on_backlog, user properties).

Exit codes:
  ${ExitCode.OK}  no difference, or nothing to compare with
  ${ExitCode.FINDINGS}  differences
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.IOERR} a file can't be read, or is no recording
  ${ExitCode.CONFIG} wrong configuration

Example:
  mqttgwd replay traffic.ndjson* -c new.yaml \\
    --against /etc/cstbox/mqtt_gateway.cfg`;
}
