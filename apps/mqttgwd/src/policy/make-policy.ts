import { connectorOptions, subscriptionsOf } from '@cstbox/dbus-bus';
import { ConfigurationError, MQTTConnector } from '@cstbox/mqtt-core';
import { defaultProbeTopic } from '../connect/try-connections.js';
import type { LoadedGateway } from '../load-gateway.js';
import { harmless } from '../terminal.js';
import { dbusPolicy } from './dbus-policy.js';
import { inexpressible, mosquittoAcl } from './mosquitto-acl.js';
import { emittedChannels, heardChannels, readTopics, writtenTopics } from './policy-needs.js';

/** What the access list of a broker holds beyond what the configuration says. */
export interface MosquittoPolicyOptions {
  /** Default: `auth.username`. */
  readonly user?: string;
  /** Where answers to commands may go, as topic filters. */
  readonly replyTopic?: readonly string[];
  /** What filters publish on that do not say so, as topic filters. */
  readonly topic?: readonly string[];
}

/** What the policy of a bus holds beyond what the configuration says. */
export interface BusPolicyOptions {
  /** Who the gateway runs as. */
  readonly user: string;
  /** Who may call it, beside root. */
  readonly operator?: readonly string[];
  /** Where filters emit that do not say so. */
  readonly channel?: readonly string[];
}

/**
 * The access list for Mosquitto.
 *
 * @param warn takes what is not as it should be, in a line
 * @throws {ConfigurationError} a filter does not say what it needs, or the list can't hold the name of the user
 */
export function mosquittoPolicy(
  loaded: LoadedGateway,
  { user, replyTopic: replyTopics = [], topic: topics = [] }: MosquittoPolicyOptions,
  warn: (message: string) => void,
): string {
  const { configuration, file, inbound } = loaded;
  const reads = readTopics(loaded);
  const writes = writtenTopics(loaded, { topics });
  for (const topic of inexpressible([...reads, ...writes].map(({ what }) => what))) {
    warn(`an acl_file can't hold '${harmless(topic)}' as it is: the policy allows more than needed`);
  }
  const connector = new MQTTConnector(connectorOptions(configuration, subscriptionsOf(configuration, inbound).topics));
  return mosquittoAcl({
    user: user ?? configuration.auth?.username,
    reads,
    writes,
    replyTopics,
    probeTopic: defaultProbeTopic(connector.clientId),
    configuration: file.path,
  });
}

/**
 * The policy for a bus.
 *
 * @throws {ConfigurationError} a filter does not say what it needs, or the gateway has no user of its own
 */
export function busPolicy(
  loaded: LoadedGateway,
  { user, operator: operators = [], channel: channels = [] }: BusPolicyOptions,
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
