import type { StatusReport } from '@cstbox/dbus-bus';
import { MQTTGatewayError } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { failureJson, optionsOf } from '../command-line.js';
import { type GatewayAddress, gatewayAddress } from '../gateway-address.js';
import { GatewayClient } from '../gateway-client.js';
import { LiveScreen } from '../live-screen.js';
import { statusLines } from '../status-lines.js';
import { jsonLine, paintFor, wrap } from '../terminal.js';
import { timeOfDay } from '../time-of-day.js';
import { pause, unlessAborted, untilInterrupted } from '../until-interrupted.js';

const WATCH_SECONDS = 2;

interface StatusOptions {
  json?: boolean;
  rules?: boolean;
  watch?: number | true;
}

/** `mqttgwd status` */
export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('show how the running gateway is: links, outbox, rates, counts, last errors')
    .option('--json', 'print it as JSON, with every rule')
    .option('--rules', 'show every rule that has decided something, not the busiest only')
    .option('--watch [seconds]', `show it again and again, every so many seconds (${WATCH_SECONDS})`, parseSeconds)
    .addHelpText(
      'after',
      `
Exit codes:
  0  shown
  69 there is no bus, or no gateway runs on it

Example:
  mqttgwd status --watch 5`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<StatusOptions>(command);
      const address = gatewayAddress(options.config, process.env);
      const render = (status: StatusReport, room?: number) =>
        options.json
          ? [jsonLine(status, options.watch ? 0 : 2)]
          : statusLines(status, { paint: paintFor(process.stdout, process.env), rules: options.rules ?? false, room });
      if (options.watch === undefined) {
        await using client = await GatewayClient.connect(address);
        process.stdout.write(`${render(await client.status()).join('\n')}\n`);
        return;
      }
      await untilInterrupted((signal) => watch(address, options, render, signal));
    });
}

/** A gateway or a bus that goes is said, and waited for. */
async function watch(
  address: GatewayAddress,
  { json, watch: seconds }: StatusOptions,
  render: (status: StatusReport, room?: number) => string[],
  signal: AbortSignal,
): Promise<void> {
  using screen = new LiveScreen(process.stdout);
  let client: GatewayClient | undefined;
  const look = async (): Promise<string[]> => {
    try {
      client ??= await GatewayClient.connect(address);
      return render(await client.status(), screen.room);
    } catch (error) {
      if (!(error instanceof MQTTGatewayError)) throw error;
      await client?.[Symbol.asyncDispose]();
      client = undefined;
      if (json) return [failureJson(error)];
      return [
        `${timeOfDay(new Date())} not running`,
        ...error.message.split('\n').flatMap((line) => wrap(line).split('\n')),
      ];
    }
  };
  let looking: Promise<string[]> | undefined;
  try {
    while (!signal.aborted) {
      looking = look();
      const lines = await unlessAborted(looking, signal);
      if (lines) screen.show(lines);
      await pause((typeof seconds === 'number' ? seconds : WATCH_SECONDS) * 1_000, signal);
    }
  } finally {
    // A look that is under way ends by itself: nobody waits for it at the prompt.
    void looking?.catch(() => {}).then(() => client?.[Symbol.asyncDispose]());
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('Seconds are a number from 0.1 to 86400.');
}
