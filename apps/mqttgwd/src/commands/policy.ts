import { silentLogger, topicFilterFault } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { findConfiguration, type GlobalOptions, optionsOf } from '../command-line.js';
import { ExitCode } from '../exit-codes.js';
import { type LoadedGateway, loadGateway } from '../load-gateway.js';
import {
  type BusPolicyOptions,
  busPolicy,
  type MosquittoPolicyOptions,
  mosquittoPolicy,
} from '../policy/make-policy.js';

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
    .description('print what bus and broker have to allow the gateway, and no more')
    .addHelpText(
      'after',
      `${EXIT_CODES}
Example:
  mqttgwd policy mosquitto -c gateway.json
  mqttgwd policy dbus -c gateway.json`,
    );

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
      const options = optionsOf<MosquittoPolicyOptions>(command);
      await withGateway(options, (loaded) => mosquittoPolicy(loaded, options, warn));
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
      const options = optionsOf<BusPolicyOptions>(command);
      await withGateway(options, (loaded) => busPolicy(loaded, options));
    });
}

async function withGateway({ config }: GlobalOptions, print: (loaded: LoadedGateway) => string): Promise<void> {
  const environment = process.env;
  await using loaded = await loadGateway(findConfiguration(config), { logger: () => silentLogger, environment });
  // Not redacted: a name that is also somebody's password has to stand here as it is.
  process.stdout.write(print(loaded));
}

function warn(message: string): void {
  process.stderr.write(`mqttgwd: ${message}\n`);
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
