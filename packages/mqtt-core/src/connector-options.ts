import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { type IClientOptions, UniqueMessageIdProvider } from 'mqtt';
import type { BrokerAddress } from './broker-address.js';
import { ConfigurationError, type ConfigurationProblem } from './errors.js';
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
  /** Seconds of silence after which the connection is probed, an integer up to 65,535. Default: 60. 0 turns it off. */
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
  const { login, password, tls, topics = [], keepAlive = 60 } = options;
  if (!(Number.isInteger(keepAlive) && keepAlive >= 0 && keepAlive <= 65_535)) {
    throw new ConfigurationError(`keepAlive is a number of seconds from 0 to 65535, not ${keepAlive}`);
  }
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
    keepalive: keepAlive,
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
  const problems: ConfigurationProblem[] = [];
  const check = (option: keyof TLSOptions, what: string, read: () => unknown) => {
    try {
      read();
    } catch (error) {
      problems.push({ path: ['tls', option], message: `${what}: ${describeError(error)}` });
    }
  };
  if (ca !== undefined) check('ca', "can't be read as certificates (PEM)", () => readCertificates(ca));
  if (cert !== undefined) check('cert', "can't be read as a certificate (PEM)", () => readCertificates(cert));
  if (key !== undefined)
    check('key', "can't be read as a private key (PEM, without a passphrase)", () => createPrivateKey(toPem(key)));
  if ((cert === undefined) !== (key === undefined)) {
    const [alone, other] = cert === undefined ? (['key', 'cert'] as const) : (['cert', 'key'] as const);
    problems.push({
      path: ['tls', alone],
      message: `a client certificate needs both cert and key: there is no ${other}`,
    });
  }
  const own = cert === undefined || key === undefined ? {} : { cert: toPem(cert), key: toPem(key) };
  if (problems.length === 0) check('key', 'the key does not belong to the certificate', () => createSecureContext(own));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { ...(ca === undefined ? {} : { ca: toPem(ca) }), ...own };
}

/** Reads each certificate of a PEM file, not the first alone. */
function readCertificates(pem: string | Uint8Array): void {
  const text = toPem(pem).toString();
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [text];
  for (const block of blocks) new X509Certificate(block);
}

function toPem(content: string | Uint8Array): string | Buffer {
  return typeof content === 'string' ? content : Buffer.from(content);
}
