import type { TailEntry, TailOptions } from '@cstbox/dbus-bus';
import { describeError } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { optionsOf } from '../command-line.js';
import { gatewayAddress } from '../gateway-address.js';
import { GatewayClient } from '../gateway-client.js';
import { tailLine, tailText } from '../tail-line.js';
import { jsonLine, paintFor, WIDTH } from '../terminal.js';
import { unlessAborted, untilInterrupted } from '../until-interrupted.js';

const OUTCOMES = ['accepted', 'filtered', 'refused', 'malformed', 'lost'];

interface TailCommandOptions {
  direction?: 'in' | 'out';
  outcome?: string[];
  match?: RegExp;
  rule?: string;
  json?: boolean;
  count?: number;
}

/** `mqttgwd tail` */
export function addTailCommand(program: Command): void {
  program
    .command('tail')
    .description('show what crosses the running gateway and what does not, as it happens')
    .addOption(
      new Option('--direction <way>', 'out: from the bus to MQTT; in: from MQTT to the bus').choices(['in', 'out']),
    )
    .option('--outcome <list>', `only these, of ${OUTCOMES.join(', ')}`, parseOutcomes)
    .option('--match <regex>', 'only what has a variable, topic, payload, rule or reason like this', parseRegex)
    .option('--rule <name>', 'only what this rule decided; status --rules shows their names')
    .option('--count <number>', 'end after so many', parseCount)
    .option('--json', 'print a JSON object a line')
    .addHelpText(
      'after',
      `
Each line has the time, → for out and ← for in, what came and what became of it,
and the rule that decided. A viewer that is too slow misses some, and says so.

Exit codes:
  0  ended by Ctrl-C, or after --count lines
  69 there is no bus, no gateway runs on it, or it went

Example:
  mqttgwd tail --direction in --outcome refused,filtered`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { direction, outcome: outcomes, rule, ...shown } = optionsOf<TailCommandOptions>(command);
      await using client = await GatewayClient.connect(gatewayAddress(shown.config, process.env));
      const options = { ...(direction && { direction }), ...(outcomes && { outcomes }), ...(rule && { rule }) };
      await untilInterrupted((signal) => follow(client, options, shown, signal));
    });
}

async function follow(
  client: GatewayClient,
  options: TailOptions,
  { match, count = Number.POSITIVE_INFINITY, json }: TailCommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const { isTTY, columns = WIDTH } = process.stdout;
  const paint = paintFor(process.stdout, process.env);
  const style = { paint, width: isTTY ? columns : undefined };
  const lineOf = (entry: TailEntry) => (json ? jsonLine(entry) : tailLine(entry, style));
  const missedLine = (missed: number) =>
    json ? jsonLine({ missed }) : paint.yellow(`${missed} more were too many to be shown`);
  let left = count;
  const answers = client.tail(options, signal);
  while (left > 0) {
    const answer = await unlessAborted(answers.next(), signal);
    if (!answer || answer.done) return;
    const { entries, missed } = answer.value;
    const wanted = match ? entries.filter((entry) => match.test(tailText(entry))) : entries;
    const lines = wanted.slice(0, left).map(lineOf);
    left -= lines.length;
    if (missed > 0 && left > 0) lines.push(missedLine(missed));
    if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  }
}

function parseOutcomes(text: string): string[] {
  const outcomes = text.split(',').map((each) => each.trim());
  const unknown = outcomes.find((each) => !OUTCOMES.includes(each));
  if (unknown === undefined) return outcomes;
  throw new InvalidArgumentError(`There is no outcome '${unknown}': allowed are ${OUTCOMES.join(', ')}.`);
}

function parseRegex(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new InvalidArgumentError(describeError(error));
  }
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('A whole number of at least 1.');
}
