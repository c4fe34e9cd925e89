import {
  ConfigurationError,
  describeError,
  formatBrokerAddress,
  type GatewayOptions,
  type InboundPolicy,
  type MemoryOutboxOptions,
  type MQTTConnectorOptions,
  type OptionNames,
  parseBrokerAddress,
} from '@cstbox/mqtt-core';
import { stableClientId } from './client-id.js';
import type { GatewayConfiguration } from './configuration.js';
import { readPasswordFile } from './secret-file.js';
import { readTlsFiles } from './tls-files.js';

/** The port of a broker that is given by its host alone, as in the original. */
export const DEFAULT_BROKER_PORT = 61613;

/** How long the broker keeps commands for us while we are away, in seconds: a day. */
const SESSION_EXPIRY = 86_400;

/** What the connector's options are called in a configuration. */
export const CONFIGURATION_KEYS: OptionNames = {
  broker: 'broker.host, broker.port',
  login: 'auth.username, auth.password, auth.password_file',
  ca: 'tls.ca_certs',
  certificate: 'tls.certfile, tls.keyfile',
  clientId: 'broker.client_id',
};

/**
 * What the connector needs, from a configuration.
 *
 * @param topics the topic filters to subscribe to
 * @throws {ConfigurationError} when a file of `tls`, or the one of the password, can't be read
 */
export function connectorOptions(
  configuration: GatewayConfiguration,
  topics: readonly string[] = configuration.listened_topics ?? [],
): MQTTConnectorOptions {
  const { broker, auth, tls, qos, simulate } = configuration;
  const clientId = broker.client_id ?? stableClientId([broker.host].flat());
  // A session is for commands that wait, and for QoS 2 to mean exactly once.
  const wantsSession = topics.length > 0 || qos === 2;
  return {
    broker: [broker.host].flat().map((host) => withDefaultPort(host, broker.port, tls !== undefined)),
    ...(broker.port === undefined ? {} : { port: broker.port }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientId !== undefined && wantsSession ? { sessionExpiry: broker.session_expiry ?? SESSION_EXPIRY } : {}),
    ...(broker.protocol === undefined ? {} : { protocolVersion: broker.protocol }),
    ...(broker.keep_alive === undefined ? {} : { keepAlive: broker.keep_alive }),
    ...(broker.connect_timeout === undefined ? {} : { connectTimeoutMs: broker.connect_timeout * 1_000 }),
    ...(broker.retry === undefined ? {} : { reconnect: retry(broker.retry) }),
    ...(auth === undefined ? {} : { login: auth.username }),
    ...passwordOf(auth),
    ...(tls === undefined ? {} : { tls: readTlsFiles(tls) }),
    topics,
    subscribeQoS: qos,
    names: CONFIGURATION_KEYS,
    ...(simulate === undefined ? {} : { simulate }),
  };
}

/** A configuration that comes from no file may still name one. */
function passwordOf(auth: GatewayConfiguration['auth']): { password?: string } {
  const { password, password_file: path } = auth ?? {};
  if (password !== undefined) return { password };
  if (path === undefined) return {};
  try {
    return { password: readPasswordFile(path) };
  } catch (error) {
    throw new ConfigurationError([{ path: ['auth', 'password_file'], message: describeError(error) }], {
      cause: error,
    });
  }
}

/** The bounds of an outbox, from a configuration. */
export function memoryBounds({ outbox = {} }: GatewayConfiguration): MemoryOutboxOptions {
  return {
    ...(outbox.max_messages === undefined ? {} : { maxMessages: outbox.max_messages }),
    ...(outbox.max_bytes === undefined ? {} : { maxBytes: outbox.max_bytes }),
    ...(outbox.max_age === undefined ? {} : { maxAgeMs: outbox.max_age * 1_000 }),
    ...(outbox.give_up === undefined ? {} : { giveUp: outbox.give_up }),
  };
}

/** What the gateway needs beside its parts. */
export function gatewayOptions(configuration: GatewayConfiguration): Partial<GatewayOptions> {
  const { broker, qos, commands = {}, max_hops: maxHops } = configuration;
  const { shutdown_timeout: shutdownTimeout, filter_timeout: filterTimeout } = configuration;
  const policy: InboundPolicy = {
    ...(commands.retained === undefined ? {} : { retained: commands.retained }),
    ...(commands.max_age === undefined ? {} : { maxAgeMs: commands.max_age * 1_000 }),
    ...(commands.timestamp_field === undefined ? {} : { timestampField: commands.timestamp_field }),
    ...(commands.id_field === undefined ? {} : { idField: commands.id_field }),
  };
  return {
    qos,
    policy,
    ...(broker.ack_timeout === undefined ? {} : { ackTimeoutMs: broker.ack_timeout * 1_000 }),
    ...(shutdownTimeout === undefined ? {} : { stopTimeoutMs: shutdownTimeout * 1_000 }),
    ...(filterTimeout === undefined ? {} : { filterTimeoutMs: filterTimeout * 1_000 }),
    ...(maxHops === undefined ? {} : { maxHops }),
  };
}

/** A bare host as a URL with the original's port, unless another is given. */
function withDefaultPort(host: string, port: number | undefined, tls: boolean): string {
  if (port !== undefined || host.includes('://')) return host;
  const { protocol } = parseBrokerAddress(host, undefined, tls);
  return formatBrokerAddress({ protocol, host, port: DEFAULT_BROKER_PORT });
}

function retry({ min, max }: { min?: number | undefined; max?: number | undefined }): {
  minMs?: number;
  maxMs?: number;
} {
  return {
    ...(min === undefined ? {} : { minMs: min * 1_000 }),
    ...(max === undefined ? {} : { maxMs: max * 1_000 }),
  };
}
