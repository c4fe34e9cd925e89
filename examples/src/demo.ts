import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeError } from '@cstbox/mqtt-core';
import { createLog } from '@cstbox/mqttgwd';
import { crossingLine, stayingLine } from './demo/crossing-line.js';
import { runDemo } from './demo/run-demo.js';

const USAGE = `\
Usage: demo [--events N]

Runs the gateway between a simulated house and an embedded MQTT broker, and shows what crosses.

  --events N  end when N events have reached the broker
  --help      print this help

NO_COLOR in the environment turns colours off.
`;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 64;

const { stdout, stderr } = process;

await main();

async function main(): Promise<void> {
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions();
  } catch (error) {
    stderr.write(`demo: ${describeError(error)}\n\n${USAGE}`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  if (options.help) {
    stdout.write(USAGE);
    return;
  }
  const signal = stopSignal();
  const colours = stdout.isTTY === true && !process.env.NO_COLOR;
  // No columns: no terminal, or one that does not say. It may be resized, so it is asked each time.
  const style = () => ({ width: stdout.columns || undefined, colours });
  const configuration = fileURLToPath(new URL('../demo/gateway.json', import.meta.url));
  using log = createLog({ level: 'WARN', format: 'human', write: (line) => stderr.write(line) });
  try {
    await runDemo({
      configurationPath: relative('', configuration),
      events: options.events,
      signal,
      print: (text) => stdout.write(text),
      show: (passage) => stdout.write(`${crossingLine(passage, new Date(), style())}\n`),
      showStaying: (channel, event) => stdout.write(`${stayingLine(channel, event, new Date(), style())}\n`),
      logger: log.logger,
    });
  } catch (error) {
    stderr.write(`demo: ${describeError(error)}\n`);
    process.exitCode = EXIT_FAILURE;
  }
}

function parseOptions() {
  const { values } = parseArgs({ options: { events: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
  const { help = false, events } = values;
  if (events !== undefined && !/^[1-9]\d*$/.test(events)) throw new Error('--events takes a number, 1 or more');
  return { help, events: events === undefined ? undefined : Number(events) };
}

/** Aborted when the demo should end. A package manager may pass the same Ctrl-C on again: once is enough. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => controller.abort());
  // Whoever read along has gone: `demo | head`.
  stdout.on('error', () => controller.abort());
  return controller.signal;
}
