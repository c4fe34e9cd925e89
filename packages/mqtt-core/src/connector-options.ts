import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { IClientOptions, MqttClient } from 'mqtt';
import { type BrokerAddress, parseBrokerAddresses } from './broker-address.js';
import { ConfigurationError, type ConfigurationProblem } from './errors.js';
import type { OptionNames } from './explain-fault.js';
import { describeError, type Logger } from './logger.js';
import type { QoS } from './mqtt-message.js';
import type { WireVersion } from './reconnect-schedule.js';
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
  /**
   * Host name, IP address or URL (`mqtt`, `mqtts`, `ws`, `wss`) of the broker; or several, which are tried in turn when
   * one can't be reached. Login, TLS and session are the same for all.
   */
  broker: string | readonly string[];
  /** TCP port, for hosts and for URLs that name none. Default: 1883, with TLS 8883; for WebSocket URLs 80 and 443. */
  port?: number;
  /** `auto` speaks MQTT 5, and 3.1.1 to a broker that refuses it. Default: `auto`. */
  protocolVersion?: 'auto' | '5' | '3.1.1';
  /** Seconds of silence after which the connection is probed, an integer up to 65,535. Default: 60. 0 turns it off. */
  keepAlive?: number;
  /** How long one attempt to connect may take in ms, from the look-up of the name to the broker's acceptance. Default: 10,000. */
  connectTimeoutMs?: number;
  /** How long to wait before trying again. Twice as long each time, with a random part. */
  reconnect?: {
    /** The first wait in ms. Default: 1,000. */
    minMs?: number;
    /** The longest wait in ms. Default: 30,000. */
    maxMs?: number;
  };
  /** The name of this client at the broker, which throws out another with the same. Default: `cstbox-` and 12 random digits. */
  clientId?: string;
  /**
   * For how many seconds after the end of a connection the broker keeps what it has for this client: its subscriptions,
   * and the QoS 1 and 2 messages that come meanwhile. An integer; 4,294,967,295 stands for ever. Needs `clientId`. A
   * broker that speaks MQTT 3.1.1 keeps it as long as it likes. Default: 0, nothing is kept.
   */
  sessionExpiry?: number;
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
  /** How much `onMessage` may have under way before no more is read from the broker. */
  maxUnacknowledged?: {
    /** How many messages. Default: 1,000. */
    messages?: number;
    /** Bytes of topics and payloads; the message that exceeds it is read all the same. Default: 16 MiB. */
    bytes?: number;
  };
  /**
   * The largest packet that is read, in bytes, its header included: an integer from 1,024 to 268,435,460, the most that MQTT
   * can carry. One that is larger is not read: the broker is told so with MQTT 5, and leaves it out. MQTT 3.1.1 has no words for it:
   * the connection is cut when such a packet begins, and a broker with a session for this client sends it again, so the limit has to be
   * set there as well (Mosquitto: `message_size_limit`). Default: 1 MiB: far more than any command, and little beside what may be
   * under way.
   */
  maxPacketBytes?: number;
  /** Sends nothing that is published: a line of the log says what would be. All else is real. Default: false. */
  simulate?: boolean;
  /** What the options are called where they come from, for messages that name one. Default: as here. */
  names?: Partial<OptionNames>;
  /** What the application wants to find again in `onMessage` and in filters. */
  userData?: unknown;
  /** Default: silent. */
  logger?: Logger;
}

/** The options with their defaults, checked. */
export interface ConnectorSettings {
  /** In the order of trying. */
  readonly addresses: readonly BrokerAddress[];
  readonly version: 'auto' | WireVersion;
  readonly topics: readonly string[];
  readonly subscribeQoS: QoS;
  readonly connectTimeoutMs: number;
  readonly reconnect: { readonly minMs: number; readonly maxMs: number };
  readonly maxUnacknowledged: { readonly messages: number; readonly bytes: number };
  readonly maxPacketBytes: number;
  readonly clientId: string;
  /** Seconds. 0: the session ends with the connection. */
  readonly sessionExpiry: number;
}

/** The longest delay that Node.js' timers can take, in ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MEGABYTE = 1024 * 1024;
/** The answer to any connection attempt fits. */
const MIN_PACKET_BYTES = 1_024;
/** The type, and the remaining length at its longest (MQTT 3.1.1, section 2.2.3). */
const MAX_HEADER_BYTES = 5;
const MAX_PACKET_BYTES = MAX_HEADER_BYTES + 268_435_455;

/**
 * Fills in the defaults.
 *
 * @param ownClientId the one to use where the options have none. Default: a new one
 * @throws {ConfigurationError} for options that can't be right
 */
export function toSettings(options: MQTTConnectorOptions, ownClientId?: string): ConnectorSettings {
  const { sessionExpiry = 0, clientId, connectTimeoutMs = 10_000, protocolVersion = 'auto' } = options;
  const { minMs = 1_000, maxMs = Math.max(30_000, minMs) } = options.reconnect ?? {};
  const { messages = 1_000, bytes = 16 * MEGABYTE } = options.maxUnacknowledged ?? {};
  const { maxPacketBytes = MEGABYTE } = options;
  expectInteger('connectTimeoutMs', connectTimeoutMs, 1, MAX_TIMER_MS);
  expectInteger('reconnect.minMs', minMs, 1, MAX_TIMER_MS);
  expectInteger('reconnect.maxMs', maxMs, minMs, MAX_TIMER_MS);
  expectInteger('maxUnacknowledged.messages', messages, 1, Number.MAX_SAFE_INTEGER);
  expectInteger('maxUnacknowledged.bytes', bytes, 1, Number.MAX_SAFE_INTEGER);
  expectInteger('maxPacketBytes', maxPacketBytes, MIN_PACKET_BYTES, MAX_PACKET_BYTES);
  expectInteger('sessionExpiry', sessionExpiry, 0, 0xffff_ffff);
  if (sessionExpiry > 0 && clientId === undefined) {
    throw new ConfigurationError('sessionExpiry needs a clientId: the broker finds the session again by it');
  }
  if (!['auto', '5', '3.1.1'].includes(protocolVersion)) {
    throw new ConfigurationError(`protocolVersion is 'auto', '5' or '3.1.1', not '${protocolVersion}'`);
  }
  const settings: ConnectorSettings = {
    addresses: parseBrokerAddresses(options.broker, options.port, options.tls !== undefined),
    version: protocolVersion === 'auto' ? 'auto' : protocolVersion === '5' ? 5 : 4,
    topics: options.topics ?? [],
    subscribeQoS: options.subscribeQoS ?? 1,
    connectTimeoutMs,
    reconnect: { minMs, maxMs },
    maxUnacknowledged: { messages, bytes },
    maxPacketBytes,
    clientId: clientId ?? ownClientId ?? `cstbox-${randomBytes(6).toString('hex')}`,
    sessionExpiry,
  };
  toClientOptions(options, settings); // for its checks: each client gets an object of its own
  return settings;
}

/** What a connection to the broker is made of, to be compared. What comes over it, and how long it is waited for, is not among it. */
export function connectionOf(options: MQTTConnectorOptions, settings: ConnectorSettings): string {
  const { addresses, version, maxPacketBytes } = settings;
  const { connectTimeout: _, ...client } = toClientOptions(options, settings);
  return JSON.stringify({ addresses, version, maxPacketBytes, client });
}

function expectInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new ConfigurationError(`${name} is an integer from ${min} to ${max}, not ${value}`);
}

/**
 * What MQTT.js is told, but for the address and the version of the protocol: see {@link pointAt}.
 *
 * @throws {ConfigurationError} for options that can't be right
 */
export function toClientOptions(options: MQTTConnectorOptions, settings: ConnectorSettings): IClientOptions {
  const { login, password, tls, topics = [], keepAlive = 60 } = options;
  if (!(Number.isInteger(keepAlive) && keepAlive >= 0 && keepAlive <= 65_535)) {
    throw new ConfigurationError(`keepAlive is a number of seconds from 0 to 65535, not ${keepAlive}`);
  }
  if (password !== undefined && login === undefined) throw new ConfigurationError('a password needs a login');
  for (const topic of topics) {
    const fault = topicFilterFault(topic);
    if (fault) throw new ConfigurationError(`invalid topic filter '${topic}': ${fault}`);
  }
  return {
    ...(login === undefined ? {} : { username: login }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : readTls(tls)),
    keepalive: keepAlive,
    clientId: settings.clientId,
    clean: settings.sessionExpiry === 0,
    resubscribe: false,
    queueQoSZero: false,
    // MQTT.js knows one fixed period and one address: the connector connects again itself.
    reconnectPeriod: 0,
    manualConnect: true,
    connectTimeout: settings.connectTimeoutMs,
    properties: {
      // MQTT.js sends what it saw when the client was made, whatever stands here later.
      receiveMaximum: Math.min(settings.maxUnacknowledged.messages, 65_535),
      ...(settings.sessionExpiry === 0 ? {} : { sessionExpiryInterval: settings.sessionExpiry }),
    },
  };
}

/** Turns the options of an MQTT.js client, which it reads again at each connection, to a broker. */
export function pointAt(
  options: IClientOptions,
  { protocol, host, port, path }: BrokerAddress,
  protocolVersion: 4 | 5,
): void {
  options.protocol = protocol;
  options.host = host;
  // MQTT.js builds WebSocket URLs from `hostname` as it stands.
  options.hostname = host.includes(':') && path !== undefined ? `[${host}]` : host;
  options.port = port;
  options.protocolVersion = protocolVersion;
  // Left over from the last broker: a Unix socket for TCP, and the wrong name for TLS.
  delete options.path;
  delete (options as { servername?: string }).servername;
  if (path !== undefined) options.path = path;
}

/**
 * Connects an MQTT.js client, and tells the broker how large a packet may be. MQTT.js is not to know: it would look at the size of
 * packets too, and Mosquitto leaves the first byte out of its count.
 */
export function connectAnnouncing(client: MqttClient, maxPacketBytes: number): void {
  const { properties } = client.options;
  client.options.properties = { ...properties, maximumPacketSize: maxPacketBytes - MAX_HEADER_BYTES };
  try {
    client.connect();
  } finally {
    client.options.properties = properties;
  }
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
