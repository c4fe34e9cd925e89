import type { ReloadReport } from '@cstbox/dbus-bus';
import type { Command } from 'commander';
import { optionsOf } from '../command-line.js';
import { gatewayAddress } from '../gateway-address.js';
import { GatewayClient } from '../gateway-client.js';
import { harmless, jsonLine, paintFor, wrap } from '../terminal.js';

/** `mqttgwd reload` */
export function addReloadCommand(program: Command): void {
  program
    .command('reload')
    .description('have the running gateway take its configuration anew, without losing an event')
    .option('--json', 'print what changed as JSON')
    .addHelpText(
      'after',
      `
The gateway checks everything first; with any error it works on as before. It
reads the file that it was started with: -c only says which bus to look on.
SIGHUP does the same, and the log says what came of it.

Exit codes:
  0  the gateway works by the new configuration
  69 there is no bus, or no gateway runs on it
  78 the new configuration is wrong; every problem stands on standard error

Example:
  mqttgwd check && mqttgwd reload`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<{ json?: boolean }>(command);
      await using client = await GatewayClient.connect(gatewayAddress(options.config, process.env));
      const report = await client.reload();
      const lines = options.json ? [jsonLine(report, 2)] : reportLines(report);
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}

function reportLines({ changed, restartNeeded, warnings }: ReloadReport): string[] {
  const paint = paintFor(process.stdout, process.env);
  const wrapped = (text: string) => wrap(harmless(text), { indent: '  ' }).split('\n');
  return [
    ...wrapped(changed.length > 0 ? `reloaded; changed: ${changed.join(', ')}` : 'reloaded; nothing has changed'),
    ...restartNeeded.flatMap((each) => wrapped(`takes effect at the next start only: ${each}`)).map(paint.yellow),
    ...warnings.flatMap((each) => wrapped(`warning: ${each}`)).map(paint.yellow),
  ];
}
