import {
  type Crossing,
  type EventData,
  type Explanation,
  type QoS,
  type Rehearsal,
  SENSOR_EVENT_CHANNEL,
  silentLogger,
  TimedEvent,
  topicFault,
} from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { findConfiguration, type GlobalOptions, optionsOf } from '../command-line.js';
import { ExitCode } from '../exit-codes.js';
import { adviceFor } from '../explain/advice.js';
import { explainJson } from '../explain/explain-json.js';
import { explainText } from '../explain/explain-text.js';
import { loadGateway } from '../load-gateway.js';
import { rehearsalOf } from '../rehearsal-of.js';
import { paintFor } from '../terminal.js';

interface ExplainOptions {
  all?: boolean;
  json?: boolean;
}

interface EventOptions extends ExplainOptions {
  channel: string;
  data: EventData;
}

interface MessageOptions extends ExplainOptions {
  qos: `${QoS}`;
  retain?: boolean;
}

const EVENT_EXAMPLE = `mqttgwd explain event temperature:kitchen --data '{"value": 21.5}'`;
const MESSAGE_EXAMPLE = `mqttgwd explain message site/kitchen/set/light '{"value": "on"}'`;
const EXIT_CODES = `Exit codes:
  ${ExitCode.OK}  explained, whatever comes of it
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.CONFIG} wrong configuration`;

/** `mqttgwd explain event` and `mqttgwd explain message` */
export function addExplainCommand(program: Command): void {
  const explain = program
    .command('explain')
    .description('say which rule decides about an event or a message, and what comes of it; connects to nothing')
    .addHelpText(
      'after',
      `
${EXIT_CODES}

Example:
  ${EVENT_EXAMPLE}
  ${MESSAGE_EXAMPLE}`,
    );

  const event = explain
    .command('event')
    .description('an event of the bus: each rule tried in order, and what goes out')
    .argument('<variable>', 'the variable, as <varType>:<varName>; the first colon ends the type', parseVariable)
    .option('--channel <name>', 'the channel that it comes on', SENSOR_EVENT_CHANNEL)
    .option('--data <json>', 'the event\'s data, as in \'{"value": 21.5, "unit": "C"}\'', parseData, {});
  withCommon(event, EVENT_EXAMPLE).action(async ([varType, varName]: Variable, _options: unknown, command: Command) => {
    const options = optionsOf<EventOptions>(command);
    const asked = new TimedEvent(Date.now(), varType, varName, options.data);
    await show(options, (rehearsal) => rehearsal.explainEvent(options.channel, asked));
  });

  const message = explain
    .command('message')
    .description('a message of the broker: each rule tried in order, and what comes in')
    .argument('<topic>', 'the topic', parseTopic)
    .argument('[payload]', 'the payload; - reads it from standard input', '')
    .addOption(new Option('--qos <level>', 'the QoS that it comes with').choices(['0', '1', '2']).default('1'))
    .option('--retain', 'the broker kept it from earlier');
  withCommon(message, MESSAGE_EXAMPLE).action(
    async (topic: string, payload: string, _options: unknown, command: Command) => {
      const options = optionsOf<MessageOptions>(command);
      const bytes = payload === '-' ? await readAll(process.stdin) : Buffer.from(payload);
      const { retain = false } = options;
      const asked = { topic, payload: bytes, qos: Number(options.qos) as QoS, retain };
      await show(options, (rehearsal) => rehearsal.explainMessage(asked));
    },
  );
}

type Variable = readonly [varType: string, varName: string];

function withCommon(command: Command, example: string): Command {
  return command
    .option('--all', 'show every rule, also the many that do not match')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
What goes by what came before (deadband, throttle, rate limits, duplicates) is
asked as for the first of its kind.

${EXIT_CODES}

Example:
  ${example}`,
    );
}

async function show(
  { config, all = false, json }: ExplainOptions & GlobalOptions,
  ask: (rehearsal: Rehearsal) => Explanation<Crossing>,
): Promise<void> {
  const environment = process.env;
  await using loaded = await loadGateway(findConfiguration(config), { logger: () => silentLogger, environment });
  const now = Date.now();
  const rehearsal = rehearsalOf(loaded, () => now);
  const explanation = ask(rehearsal);
  const advice = adviceFor(explanation.crossing, rehearsal);
  const paint = paintFor(process.stdout, process.env);
  const { redact } = loaded.secrets;
  const text = json
    ? explainJson(explanation, advice, now, redact)
    : explainText(explanation, advice, { paint, all, now, redact });
  process.stdout.write(text);
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** A name may hold colons, a type none. */
function parseVariable(text: string): Variable {
  const [, varType, varName] = /^([^:]+):(.+)$/su.exec(text) ?? [];
  if (varType !== undefined && varName !== undefined) return [varType, varName];
  throw new InvalidArgumentError('A variable is written as <varType>:<varName>, as in temperature:kitchen.');
}

function parseTopic(text: string): string {
  const fault = topicFault(text);
  if (fault === undefined) return text;
  throw new InvalidArgumentError(`No message has this topic: ${fault}.`);
}

function parseData(text: string): EventData {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It is no JSON: ${(error as Error).message}.`);
  }
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as EventData;
  throw new InvalidArgumentError('Data are a JSON object, as in \'{"value": 21.5}\'.');
}
