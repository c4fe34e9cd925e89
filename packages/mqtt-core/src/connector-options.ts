import { randomBytes, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { type IClientOptions, UniqueMessageIdProvider } from 'mqtt';
import type { BrokerAddress } from './broker-address.js';
import { ConfigurationError } from './errors.js';
import { describeError, type Logger } from './logger.js';
import type { QoS } from './mqtt-message.js';
import { topicFilterFault } from './topic.js';

/** What TLS needs beyond the broker's address; contents, not paths. The broker's certificate is always verified. */
export interface TLSOptions {
  /** Certificates of the authorities to trust, PEM. Default: those that Node.js ships. */
  ca?: string | Uint8Array;
  /** The client's own certificate, PEM; needs `key`. */
  cert?: string | Uint8Array;
  /** The key of the client's certificate, PEM. */
  key?: string | Uint8Array;
}

/** Options of an `MQTTConnector`. */
export interface MQTTConnectorOptions {
  /** Host name, IP address or URL (`mqtt`, `mqtts`, `ws`, `wss`) of the broker. */
  broker: string;
  /** TCP port. Default: the URL's, else the scheme's own (1883, with TLS 8883). */
  port?: number;
  /** Seconds of silence after which the connection is probed. Default: 60. 0 turns it off. */
  keepAlive?: number;
  /** The name of this client at the broker, which throws out another with the same. Default: `cstbox-` and 12 random digits. */
  clientId?: string;
  /** User name at the broker. Default: none. */
  login?: string;
  /** Password at the broker; needs `login`. Default: none. */
  password?: string;
  /** Turns TLS on for a bare host, and says whom to trust. Default: TLS only where the URL asks for it. */
  tls?: TLSOptions;
  /** Topic filters to subscribe to at each connection. Default: none. */
  topics?: readonly string[];
  /** The QoS to subscribe with. Default: 1. */
  subscribeQoS?: QoS;
  /** What the application wants to find again in `onMessage` and in filters. */
  userData?: unknown;
  /** Default: silent. */
  logger?: Logger;
}

/** How long to wait between two attempts to connect. */
const RECONNECT_PERIOD_MS = 1_000;
/** How long one attempt may take, from TCP to the broker's acceptance. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * What MQTT.js is told.
 *
 * @throws {ConfigurationError} for options that can't be right
 */
export function toClientOptions(options: MQTTConnectorOptions, address: BrokerAddress): IClientOptions {
  const { login, password, tls, topics = [] } = options;
  if (password !== undefined && login === undefined) throw new ConfigurationError('a password needs a login');
  for (const topic of topics) {
    const fault = topicFilterFault(topic);
    if (fault) throw new ConfigurationError(`invalid topic filter '${topic}': ${fault}`);
  }
  const { protocol, host, port, path } = address;
  return {
    protocol,
    host,
    // MQTT.js builds WebSocket URLs from `hostname` as it stands.
    hostname: host.includes(':') && path !== undefined ? `[${host}]` : host,
    port,
    ...(path === undefined ? {} : { path }),
    ...(login === undefined ? {} : { username: login }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : readTls(tls)),
    keepalive: options.keepAlive ?? 60,
    clientId: options.clientId ?? `cstbox-${randomBytes(6).toString('hex')}`,
    protocolVersion: 4,
    clean: true,
    resubscribe: false,
    queueQoSZero: false,
    reconnectPeriod: RECONNECT_PERIOD_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Without it MQTT.js gives up for good when a broker answers with a refusal.
    reconnectOnConnackError: true,
    // The default provider reuses identifiers that are still in flight.
    messageIdProvider: new UniqueMessageIdProvider(),
    manualConnect: true,
  };
}

/** Checks certificates and key now: MQTT.js would throw at some later attempt to connect, and Node.js ignores a bad CA. */
function readTls({ ca, cert, key }: TLSOptions): Pick<IClientOptions, 'ca' | 'cert' | 'key'> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigurationError('a client certificate needs both cert and key');
  }
  const trusted = ca === undefined ? {} : { ca: toPem(ca) };
  if (ca !== undefined) check('ca', () => new X509Certificate(toPem(ca)));
  if (cert === undefined || key === undefined) return trusted;
  const own = { cert: toPem(cert), key: toPem(key) };
  check('cert', () => new X509Certificate(own.cert));
  check('key, or it does not belong to the certificate', () => createSecureContext(own));
  return { ...trusted, ...own };
}

function check(what: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    throw new ConfigurationError(`TLS: can't use the ${what}: ${describeError(error)}`, { cause: error });
  }
}

function toPem(content: string | Uint8Array): string | Buffer {
  return typeof content === 'string' ? content : Buffer.from(content);
}
