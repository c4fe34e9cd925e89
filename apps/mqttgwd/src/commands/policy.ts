import { connectorOptions, subscriptionsOf } from '@cstbox/dbus-bus';
import { ConfigurationError, MQTTConnector, silentLogger, topicFilterFault } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { findConfiguration, type GlobalOptions, optionsOf } from '../command-line.js';
import { defaultProbeTopic } from '../connect/try-connections.js';
import { ExitCode } from '../exit-codes.js';
import { type LoadedGateway, loadGateway } from '../load-gateway.js';
import { dbusPolicy } from '../policy/dbus-policy.js';
import { inexpressible, mosquittoAcl } from '../policy/mosquitto-acl.js';
import { emittedChannels, heardChannels, readTopics, writtenTopics } from '../policy/policy-needs.js';
import { harmless } from '../terminal.js';

interface MosquittoOptions {
  user?: string;
  replyTopic?: string[];
  topic?: string[];
}

interface DBusOptions {
  user: string;
  operator?: string[];
  channel?: string[];
}

const EXIT_CODES = `
Exit codes:
  ${ExitCode.OK}  the policy is printed
  ${ExitCode.USAGE} wrong command line
  ${ExitCode.CONFIG} wrong configuration, or a filter that does not say what it needs
`;

/** `mqttgwd policy mosquitto` and `mqttgwd policy dbus` */
export function addPolicyCommand(program: Command): void {
  const policy = program
    .command('policy')
    .description('print what bus and broker have to allow the gateway, and no more');

  policy
    .command('mosquitto')
    .description("print the access list for Mosquitto's acl_file")
    .option('--user <name>', 'the user name at the broker; default auth.username')
    .option('--reply-topic <filter>', 'where answers to commands may go; may be repeated', collectTopics)
    .option('--topic <filter>', 'what filters publish on that do not say so; may be repeated', collectTopics)
    .addHelpText(
      'after',
      `${EXIT_CODES}
Example:
  mqttgwd policy mosquitto -c gateway.json >/etc/mosquitto/mqttgwd.acl`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<MosquittoOptions>(command);
      await withGateway(options, (loaded) => printMosquitto(loaded, options));
    });

  policy
    .command('dbus')
    .description("print the policy for the bus' dbus-daemon")
    .option('--user <name>', 'who the gateway runs as, and nothing else on this bus', checkUser, 'mqttgwd')
    .option('--operator <name>', 'who may call it, beside root; may be repeated', collectUsers)
    .option('--channel <name>', 'where filters emit that do not say so; may be repeated', collectChannels)
    .addHelpText(
      'after',
      `${EXIT_CODES}
Example:
  mqttgwd policy dbus -c gateway.json --operator ann \\
    >/etc/dbus-1/system.d/fr.cstb.cstbox.MQTTGateway.conf`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<DBusOptions>(command);
      await withGateway(options, (loaded) => printDBus(loaded, options));
    });
}

async function withGateway({ config }: GlobalOptions, print: (loaded: LoadedGateway) => string): Promise<void> {
  const environment = process.env;
  await using loaded = await loadGateway(findConfiguration(config), { logger: () => silentLogger, environment });
  process.stdout.write(loaded.secrets.redact(print(loaded)));
}

function printMosquitto(loaded: LoadedGateway, options: MosquittoOptions): string {
  const { configuration, file, inbound } = loaded;
  const reads = readTopics(loaded);
  const writes = writtenTopics(loaded, { topics: options.topic ?? [] });
  for (const topic of inexpressible([...reads, ...writes].map(({ what }) => what))) {
    process.stderr.write(
      `mqttgwd: an acl_file can't hold '${harmless(topic)}' as it is: the policy allows more than needed\n`,
    );
  }
  const { clientId } = new MQTTConnector(
    connectorOptions(configuration, subscriptionsOf(configuration, inbound).topics),
  );
  return mosquittoAcl({
    user: options.user ?? configuration.auth?.username,
    reads,
    writes,
    replyTopics: options.replyTopic ?? [],
    probeTopic: defaultProbeTopic(clientId),
    configuration: file.path,
  });
}

function printDBus(
  loaded: LoadedGateway,
  { user, operator: operators = [], channel: channels = [] }: DBusOptions,
): string {
  if (operators.includes(user) || user === 'root') {
    throw new ConfigurationError(
      `the gateway needs a user of its own (--user), which is neither root nor an operator: everything else is forbidden to ${user}`,
    );
  }
  return dbusPolicy({
    user,
    operators,
    heard: heardChannels(loaded),
    emitted: emittedChannels(loaded, { channels }),
    configuration: loaded.file.path,
  });
}

function collectTopics(topic: string, given: readonly string[] = []): string[] {
  const fault = topicFilterFault(topic);
  if (fault) throw new InvalidArgumentError(`${fault}.`);
  return [...given, topic];
}

function collectUsers(user: string, given: readonly string[] = []): string[] {
  return [...given, checkUser(user)];
}

/** A name of the system's, or a number. */
function checkUser(user: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$/.test(user)) return user;
  throw new InvalidArgumentError('A user of this machine is expected.');
}

function collectChannels(channel: string, given: readonly string[] = []): string[] {
  if (/^[A-Za-z0-9_]+$/.test(channel)) return [...given, channel];
  throw new InvalidArgumentError('A channel has letters, digits and _.');
}
