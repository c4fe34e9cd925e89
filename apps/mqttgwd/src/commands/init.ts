import { existsSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describeError } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { askStarter, type GivenAnswers } from '../ask-starter.js';
import { DEFAULT_CONFIGURATION, optionsOf } from '../command-line.js';
import { ExitCode } from '../exit-codes.js';
import { brokerUrl, type StarterAnswers, siteFault, starterConfiguration } from '../starter-configuration.js';
import { harmless } from '../terminal.js';

const DEFAULT_OUTPUT = 'mqtt_gateway.yaml';
const STANDARD_OUTPUT = '-';
/** What a shell says of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

interface InitOptions extends GivenAnswers {
  output: string;
}

/** `mqttgwd init` */
export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('write a configuration to start from; on a terminal, it asks for what no option says')
    .option('-o, --output <file>', 'where to; - is standard output', DEFAULT_OUTPUT)
    .option('--broker <address>', 'host or URL of the broker; with it, nothing is asked')
    .option('--client-id <name>', "the gateway's name at the broker")
    .option('--username <name>', 'user name at the broker')
    .option('--password-file <file>', 'the file that holds the password')
    .option('--tls', 'speak TLS to a broker that is given by its host')
    .option('--ca <file>', 'the authorities to trust')
    .option('--site <name>', 'the first levels of all topics; default site', checkSite)
    .option('--outbox <directory>', 'where messages wait for the broker')
    .addHelpText('after', epilogue())
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<InitOptions>(command);
      const output = options.output === STANDARD_OUTPUT ? undefined : options.output;
      // Before anybody answers in vain.
      if (output !== undefined && existsSync(output))
        return refuse(`${output} is there already: choose another with -o`);
      const answers = await answersOf(options, command);
      if (!answers) {
        process.stderr.write('\nmqttgwd: broken off, nothing is written\n');
        process.exitCode = INTERRUPTED;
        return;
      }
      write(starterConfiguration({ ...answers, ...placed(answers, output), schema: schemaPlace() }), output);
    });
}

async function answersOf(options: InitOptions, command: Command): Promise<StarterAnswers | undefined> {
  const { broker, tls = options.ca !== undefined, site = 'site' } = options;
  if (broker === undefined) {
    if (process.stdin.isTTY && process.stdout.isTTY) {
      return askStarter({ ...options, tls }, { input: process.stdin, output: process.stderr });
    }
    command.error('error: name the broker with --broker; questions are asked on a terminal only');
  }
  try {
    return { ...options, broker: brokerUrl(broker, tls), site };
  } catch (error) {
    command.error(`error: --broker: ${describeError(error)}`);
  }
}

/** Paths as the configuration has to name them: relative to itself. */
function placed({ ca, passwordFile, outbox }: StarterAnswers, output: string | undefined): Partial<StarterAnswers> {
  const directory = resolve(dirname(output ?? ''));
  const from = (path: string | undefined) =>
    path === undefined || path.startsWith('/') || path.includes('${')
      ? path
      : relative(directory, resolve(path)) || '.';
  return { ca: from(ca), passwordFile: from(passwordFile), outbox: from(outbox) };
}

function write(text: string, output: string | undefined): void {
  if (output === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    // Never over a file, whoever was faster.
    writeFileSync(output, text, { flag: 'wx' });
  } catch (error) {
    return refuse(`can't write ${output}: ${describeError(error)}`);
  }
  const shown = harmless(output);
  process.stdout.write(`${shown} is written. Next:
  mqttgwd check ${shown}
  mqttgwd -c ${shown}
Without -c, the gateway takes ${DEFAULT_CONFIGURATION}.
`);
}

function refuse(message: string): void {
  process.stderr.write(`mqttgwd: ${harmless(message)}\n`);
  process.exitCode = ExitCode.CANTCREAT;
}

/** The schema that comes with this program; `undefined` where it was not built. */
function schemaPlace(): string | undefined {
  const path = fileURLToPath(new URL('configuration.schema.json', import.meta.url));
  if (!existsSync(path)) return undefined;
  return /\s/.test(path) ? pathToFileURL(path).href : path;
}

function checkSite(site: string): string {
  const fault = siteFault(site);
  if (fault) throw new InvalidArgumentError(`${fault}.`);
  return site;
}

function epilogue(): string {
  return `
What is there is never overwritten. What is written passes mqttgwd check, once
the files are there that it names.

Exit codes:
  ${ExitCode.OK}   written
  ${ExitCode.USAGE}  wrong command line, or nobody to ask
  ${ExitCode.CANTCREAT}  the file is there already, or can't be written
  ${INTERRUPTED} broken off at a question

Example:
  mqttgwd init --broker mqtts://broker.example.org --username box-17 \\
    --password-file /etc/cstbox/mqtt_password -o gateway.yaml`;
}
