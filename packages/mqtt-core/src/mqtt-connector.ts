import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type IConnackPacket, type MqttClient, ReasonCodes, UniqueMessageIdProvider } from 'mqtt';
import { type BrokerAddress, formatBrokerAddress, parseBrokerAddresses } from './broker-address.js';
import { readLimits, UNKNOWN_LIMITS } from './broker-limits.js';
import { Connection } from './connection.js';
import {
  type ConnectorSettings,
  type MQTTConnectorOptions,
  pointAt,
  toClientOptions,
  toSettings,
} from './connector-options.js';
import type { ConnectorStatus, LinkState } from './connector-status.js';
import { MQTTConnectionError, MQTTGatewayError, MQTTNotConnectedError } from './errors.js';
import { ACKNOWLEDGED_LATER, InboundFlow } from './inbound-flow.js';
import { describeError, type Logger, silentLogger } from './logger.js';
import { propertiesFault, publishSize, toPacketProperties } from './message-properties.js';
import type { MQTTMessage, PublishOptions, QoS } from './mqtt-message.js';
import { forgetAll, forgetAllButQoS2, markDuplicates } from './outgoing-messages.js';
import { ReconnectSchedule } from './reconnect-schedule.js';
import { topicFault } from './topic.js';

/** How long the broker gets to see the goodbye. */
const DISCONNECT_TIMEOUT_MS = 1_000;
/** A destroyed socket closes at once; an MQTT.js client that does not say so in this time is replaced. */
const CLOSE_TIMEOUT_MS = 3_000;
/** MQTT has 65,535 packet identifiers; MQTT.js keeps what finds none in a queue without bound. */
const MAX_UNANSWERED = 65_000;
/** Answers that concern the state of the session, not the message (MQTT 5, sections 3.4.2.1 and 3.7.2.1). */
const PACKET_IDENTIFIER_IN_USE = 145;
const PACKET_IDENTIFIER_NOT_FOUND = 146;

/** A message that was given to MQTT.js and is not settled. */
interface Pending {
  readonly qos: QoS;
  /** It is delivered on in the session, over a connection later than that on which it was published. */
  resumed: boolean;
  resolve(): void;
  reject(error: MQTTGatewayError): void;
}

/**
 * The connection to the broker: keeps it up, subscribes, publishes, and hands over what comes in.
 *
 * A broker that is away is no error: the connector keeps trying, at one address after the other, until it is shut down.
 */
export class MQTTConnector implements AsyncDisposable {
  /** Where the broker may be, in the order of trying. */
  readonly addresses: readonly BrokerAddress[];
  readonly userData: unknown;

  readonly #options: MQTTConnectorOptions;
  readonly #settings: ConnectorSettings;
  readonly #topics: readonly string[];
  readonly #subscribeQoS: QoS;
  readonly #logger: Logger;
  readonly #schedule: ReconnectSchedule;
  readonly #inbound: InboundFlow;
  readonly #pending = new Set<Pending>();
  readonly #watchers = new Set<(state: LinkState) => void>();
  #client: MqttClient | undefined;
  #connection: Connection | undefined;
  #limits = UNKNOWN_LIMITS;
  #state: LinkState = 'idle';
  #since = Date.now();
  #attempts = 0;
  #fault: string | undefined;
  /** What was said of another client that throws this one out. */
  #contest: string | undefined;
  /** What was last said of each address: a fault that repeats at each attempt is worth one line. */
  readonly #reported = new Map<BrokerAddress, string>();
  readonly #warned = new Set<string>();
  #running: Promise<void> | undefined;
  #keeping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Aborted at the end, so that nothing of ours stays registered with the signals of others. */
  readonly #ended = new AbortController();

  /** @throws {ConfigurationError} for options that can't be right; nothing is connected yet */
  constructor(options: MQTTConnectorOptions) {
    const { topics = [], subscribeQoS = 1, userData, logger = silentLogger, protocolVersion = 'auto' } = options;
    this.addresses = parseBrokerAddresses(options.broker, options.port, options.tls !== undefined);
    this.#settings = toSettings(options);
    toClientOptions(options, this.#settings); // for its checks: each client gets an object of its own
    this.#options = options;
    this.#topics = topics;
    this.#subscribeQoS = subscribeQoS;
    this.userData = userData;
    this.#logger = logger;
    const version = protocolVersion === 'auto' ? 'auto' : protocolVersion === '5' ? 5 : 4;
    this.#schedule = new ReconnectSchedule(this.addresses, version, this.#settings.reconnect);
    this.#inbound = new InboundFlow({
      handler: (message) => this.onMessage(this, this.userData, message),
      limits: this.#settings.maxUnacknowledged,
      logger,
    });
  }

  /** The topic filters that it subscribes to. */
  get topics(): readonly string[] {
    return this.#topics;
  }

  /** Whether there is a connection to the broker right now. */
  get connected(): boolean {
    return this.#state === 'connected';
  }

  /** The state of the link. `connected` once the broker has answered the subscriptions. */
  get state(): LinkState {
    return this.#state;
  }

  /** What an operator wants to know: the state, the broker, and what is wrong. */
  get status(): ConnectorStatus {
    const connection = this.#connection;
    const { address, version } = connection && !connection.isOver ? connection.attempt : this.#schedule.next;
    const accepted = connection?.acceptedAt === undefined || connection.isOver ? undefined : connection;
    const isStable = this.connected && performance.now() - (accepted?.acceptedAt ?? 0) >= this.#schedule.stableAfterMs;
    return {
      state: this.#state,
      broker: formatBrokerAddress(address),
      ...(accepted && { protocolVersion: version === 5 ? '5' : '3.1.1', sessionPresent: accepted.sessionPresent }),
      since: this.#since,
      ...(this.#fault !== undefined && !isStable && { fault: this.#fault }),
      attempts: this.#attempts,
    };
  }

  /** Calls the watcher at each change of {@link state}, until the returned function is called. */
  watch(watcher: (state: LinkState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Whether the socket takes more without storing it up. What is published while it does not is kept in memory.
   */
  get writable(): boolean {
    return this.connected && !this.#client?.stream.writableNeedDrain;
  }

  /** Calls back once when the socket takes more again. Never, when the connection ends before. */
  onceWritable(callback: () => void): void {
    this.#client?.stream.once('drain', callback);
  }

  /**
   * How many publishes of a QoS the broker allows to be unacknowledged: what it said when it accepted the connection (MQTT 5,
   * for QoS 1 and 2 together), else (MQTT 3.1.1) 20 at QoS 2, and any number at QoS 1. More than that at QoS 2 may be lost by the broker
   * without a word, or end the connection. It may differ after each reconnection.
   */
  windowOf(qos: QoS): number {
    return this.#limits.window[qos];
  }

  /**
   * Handles a message that came in; assign it, or override it in a sub-class. The default ignores messages.
   *
   * Messages are handed over in the order they come, without waiting for the promise of the one before. A QoS 1 or 2
   * message is acknowledged when its promise resolves, and not before those that came earlier. When too many are
   * under way (`maxUnacknowledged`), nothing more is read from the broker until some are done.
   *
   * What it throws is logged, and the message acknowledged; but for an {@link MQTTGatewayError} `closed`: the message stays
   * unacknowledged, and the broker delivers it again if it keeps a session.
   *
   * A message may come twice: when the connection ends before the acknowledgement of QoS 1 arrived, and whenever the process ends.
   */
  onMessage(_client: MQTTConnector, _userData: unknown, message: MQTTMessage): void | Promise<void> {
    this.#logger.debug(`ignored a message on ${message.topic}`);
  }

  /**
   * Connects, subscribes, and keeps it so until {@link shutdown}. Resolves at the first connection; while the broker is
   * away it keeps trying. A second call returns the same promise.
   *
   * @param options.signal shuts the connector down when it is aborted
   * @throws {MQTTConnectionError} `closed`, when it is shut down before the first connection
   */
  run({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.addEventListener('abort', () => void this.shutdown(), { once: true, signal: this.#ended.signal });
    if (signal?.aborted) void this.shutdown();
    if (!this.#running) {
      this.#running = this.#run();
      // Who does not wait for the connection need not handle its absence either.
      this.#running.catch(() => {});
    }
    return this.#running;
  }

  /**
   * Publishes a message. Resolves when the broker has acknowledged it (QoS 1, 2) or the socket has taken it (QoS 0).
   *
   * With a session (`sessionExpiry`), a QoS 2 message that is under way when the connection ends stays so: if the broker has
   * kept the session, the delivery goes on there, exactly once. A QoS that the broker does not grant is lowered, and a retain flag
   * that it does not take is left out, with one warning.
   *
   * @throws {MQTTNotConnectedError} at once, when there is no connection
   * @throws {MQTTGatewayError} `invalid_message`, when MQTT can't carry topic, payload or properties
   * @throws {MQTTConnectionError} `broker_refused`, when the broker will not have this message, or is known not to for
   *   its size; `broker_unreachable`, when the connection is lost before the broker answered: the message may have
   *   arrived or not; `closed`, when the connector was shut down before
   */
  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const client = this.#client;
    if (!client || !this.connected) throw new MQTTNotConnectedError();
    const isMQTT5 = this.#connection?.attempt.version === 5;
    const properties = isMQTT5 ? options.properties : undefined;
    checkMessage(topic, payload, options);
    const { qos, retain } = this.#grant(options);
    const { maximumPacketSize } = this.#limits;
    if (maximumPacketSize !== Infinity) {
      const size = publishSize(topic, payload, qos, properties);
      if (size > maximumPacketSize) {
        const message = `not published: ${size} bytes, and the broker takes ${maximumPacketSize} at most`;
        throw new MQTTConnectionError(message, { code: 'broker_refused' });
      }
    }
    if (this.#pending.size >= MAX_UNANSWERED) {
      throw new MQTTConnectionError(`not published: the broker has ${MAX_UNANSWERED} messages to acknowledge`);
    }

    await new Promise<void>((resolve, reject) => {
      // MQTT.js never calls back for QoS 0 when the socket dies while full: at the latest the loss of the connection settles it.
      const pending: Pending = { qos, resumed: false, resolve, reject };
      this.#pending.add(pending);
      const settle = (error?: Error) => {
        if (!this.#pending.delete(pending)) return;
        const fault = error && faultOfAnswer(error, pending);
        if (fault) reject(fault);
        else resolve();
      };
      const packetProperties = properties && { properties: toPacketProperties(properties) };
      client.publish(topic, payload as string | Buffer, { qos, retain, ...packetProperties }, settle);
    });
  }

  /**
   * Gives up the present connection, or the attempt to make one, and makes a new one: for whoever sees that it does not
   * get on. Does nothing while there is none.
   *
   * @param reason for the log, and for {@link status} until there is a connection again
   */
  restart(reason: string): void {
    const connection = this.#connection;
    if (!connection || connection.isOver || this.#closing) return;
    this.#giveUp(connection, reason);
  }

  /**
   * Says goodbye to the broker and closes the connection. What is still unacknowledged is rejected. Idempotent; the
   * connector can't be run again.
   */
  shutdown(): Promise<void> {
    this.#closing ??= this.#shutdown();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #run(): Promise<void> {
    if (this.#closing) throw shutDownError();
    this.#enter('connecting');
    this.#keeping = this.#keepConnected();
    await new Promise<void>((resolve, reject) => {
      const unwatch = this.watch((state) => {
        if (state === 'connecting') return;
        unwatch();
        if (state === 'connected') resolve();
        else reject(shutDownError());
      });
    });
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const connection = new Connection(this.#schedule.next);
      await this.#connect(connection);
      clearTimeout(connection.deadline);
      if (signal.aborted) return;
      const waitMs = this.#schedule.ended(connection.end);
      this.#report(connection);
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Makes one connection. Resolves when it ended. */
  async #connect(connection: Connection): Promise<void> {
    const { address, version } = connection.attempt;
    this.#connection = connection;
    this.#attempts++;
    const level = this.#attempts === 1 ? 'info' : 'debug';
    this.#logger[level](`connecting to ${formatBrokerAddress(address)}`);
    try {
      const client = (this.#client ??= this.#createClient(address));
      pointAt(client.options, address, version);
      client.connect();
      // MQTT.js swallows errors that have no code, as those of WebSocket.
      client.stream.on('error', (error: Error) => connection.fail(error));
    } catch (error) {
      connection.fail(error as Error);
      return;
    }
    // MQTT.js watches over this time itself: this is for the case that its own clean-up does not get through.
    this.#expect(connection, 'no answer', this.#settings.connectTimeoutMs + CLOSE_TIMEOUT_MS);
    await connection.closed;
  }

  #createClient(address: BrokerAddress): MqttClient {
    const options = toClientOptions(this.#options, this.#settings);
    pointAt(options, address, 5);
    // The default provider uses identifiers again that are still in flight.
    const client = connect({ ...options, messageIdProvider: new UniqueMessageIdProvider() });
    /** Runs a step for the present connection, if it is still this client's and still wanted. */
    const step = (action: (connection: Connection) => void) => {
      const connection = this.#connection;
      if (connection && !connection.isOver && client === this.#client) action(connection);
    };
    client.on('packetreceive', (packet) =>
      step((connection) => {
        if (packet.cmd === 'connack') this.#onConnack(client, connection, packet);
        // Deliveries of an earlier connection go on one after the other before the subscriptions: each is progress.
        else if (!this.connected) connection.deadline?.refresh();
      }),
    );
    client.on('connect', () => step((connection) => this.#subscribe(client, connection)));
    client.on('disconnect', ({ reasonCode }) =>
      step((connection) => {
        connection.reasonCode = reasonCode;
        connection.reason = `ended the connection: ${ReasonCodes[reasonCode as keyof typeof ReasonCodes] ?? reasonCode}`;
      }),
    );
    client.on('error', (error) => {
      if (error === ACKNOWLEDGED_LATER) return;
      step((connection) => {
        connection.fail(error);
        this.#giveUp(connection);
      });
    });
    client.on('close', () => {
      if (client !== this.#client || !this.#connection) return;
      this.#leave(this.#connection);
      this.#connection.close();
    });
    this.#inbound.attach(client);
    return client;
  }

  #onConnack(client: MqttClient, connection: Connection, packet: IConnackPacket): void {
    const { version } = connection.attempt;
    const code = (version === 5 ? packet.reasonCode : packet.returnCode) ?? 0;
    if (code !== 0) {
      connection.reasonCode = code;
      return;
    }
    if (connection.acceptedAt !== undefined) return;
    const sessionPresent = packet.sessionPresent && this.#settings.sessionExpiry > 0;
    connection.acceptedAt = performance.now();
    connection.sessionPresent = sessionPresent;
    this.#schedule.accepted();
    this.#limits = readLimits(packet, version);
    // MQTT.js is about to send what it still has: only a session that goes on makes sense of it.
    if (sessionPresent) {
      for (const pending of this.#pending) pending.resumed = true;
      markDuplicates(client);
    } else {
      this.#rejectPending(() => true, 'the broker has lost the session in which it was sent');
      forgetAll(client);
    }
    this.#inbound.opened(client, sessionPresent);
    this.#expect(connection, 'the broker does not answer', this.#settings.connectTimeoutMs);
    const granted = packet.properties?.sessionExpiryInterval ?? this.#settings.sessionExpiry;
    if (version === 5 && granted < this.#settings.sessionExpiry) {
      this.#warnOnce(`the broker keeps a session for ${granted} s only, not for ${this.#settings.sessionExpiry} s`);
    }
  }

  #subscribe(client: MqttClient, connection: Connection): void {
    const { address, version } = connection.attempt;
    const level = this.#schedule.contested ? 'debug' : 'info';
    this.#logger[level](
      `connected to ${formatBrokerAddress(address)} with MQTT ${version === 5 ? '5' : '3.1.1'}${connection.sessionPresent ? ', in the session of before' : ''}`,
    );
    if (this.#topics.length === 0) return this.#connected(connection);

    this.#expect(connection, 'the broker does not answer the subscription', this.#settings.connectTimeoutMs);
    // Retained messages for new subscriptions only: a session that goes on has had them (MQTT 5, section 3.8.3.1).
    const options = { qos: this.#subscribeQoS, ...(version === 5 && { rh: 1 }) };
    client.subscribe([...this.#topics], options, (error) => {
      if (connection.isOver || this.#closing) return;
      const refused = refusedTopics(error, this.#topics);
      const accepted = this.#topics.filter((topic) => !refused.includes(topic));
      if (refused.length > 0) {
        const topics = refused.join(', ');
        this.#logger.error(`the broker refused the subscription to ${topics}: its access list has to allow it`);
      }
      if (accepted.length > 0) this.#logger[level](`subscribed to ${accepted.join(', ')}`);
      this.#connected(connection);
    });
  }

  #connected(connection: Connection): void {
    clearTimeout(connection.deadline);
    connection.deadline = undefined;
    connection.wasUp = true;
    this.#attempts = 0;
    this.#reported.clear();
    if (!this.#schedule.contested) this.#fault = undefined;
    this.#enter('connected');
  }

  /** What a connection may take until its next step. */
  #expect(connection: Connection, otherwise: string, withinMs: number): void {
    clearTimeout(connection.deadline);
    connection.deadline = setTimeout(() => this.#giveUp(connection, otherwise), withinMs);
  }

  #giveUp(connection: Connection, reason?: string): void {
    const client = this.#client;
    if (connection.isOver) return;
    connection.givenUpFor = reason;
    this.#leave(connection);
    client?.stream?.destroy();
    connection.deadline = setTimeout(() => {
      this.#logger.debug('the MQTT client does not close its connection: it is replaced');
      this.#discard(client);
      connection.close();
    }, CLOSE_TIMEOUT_MS);
  }

  /** A client that hangs takes with it what it was to deliver. */
  #discard(client: MqttClient | undefined): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    this.#rejectPending(() => true, CONNECTION_LOST);
  }

  /** The connection is not to be used any more. */
  #leave(connection: Connection): void {
    if (connection.isOver) return;
    connection.isOver = true;
    clearTimeout(connection.deadline);
    this.#inbound.closed();
    const client = this.#client;
    if (this.#settings.sessionExpiry > 0) {
      this.#rejectPending(({ qos }) => qos < 2, CONNECTION_LOST);
      if (client) forgetAllButQoS2(client);
    } else {
      this.#rejectPending(() => true, CONNECTION_LOST);
      if (client) forgetAll(client);
    }
    if (this.connected && !this.#closing) this.#enter('connecting');
  }

  /** Rejects what will not be acknowledged any more: whoever published it knows what to do. */
  #rejectPending(which: (pending: Pending) => boolean, why: string, code?: 'closed'): void {
    const rejected = [...this.#pending].filter(which);
    if (rejected.length === 0) return;
    const error = new MQTTConnectionError(`not acknowledged: ${why}`, code && { code });
    for (const pending of rejected) {
      this.#pending.delete(pending);
      pending.reject(error);
    }
  }

  /** Says why there is no connection, when that is news. */
  #report(connection: Connection): void {
    const { address } = connection.attempt;
    const at = `the broker at ${formatBrokerAddress(address)}`;
    const { fault } = connection;
    if (this.#schedule.next.address === address && this.#schedule.next.version !== connection.attempt.version) {
      return this.#logger.debug(`${at}: ${fault}; trying another version of MQTT`);
    }
    if (this.#schedule.contested) {
      const { clientId } = this.#settings;
      const contest = connection.isTakenOver
        ? `another client with the client id '${clientId}' takes the connection over: each needs one of its own`
        : `it accepts connections and closes them within seconds: probably another client has the client id '${clientId}' too, or the broker objects to what is sent`;
      if (this.#contest === contest) return this.#logger.debug(`${at}: ${fault}`);
      this.#contest = contest;
      this.#fault = contest;
      return this.#logger.error(`${at}: ${contest}; trying again, less and less often`);
    }
    this.#contest = undefined;
    this.#fault = fault;
    if (connection.wasUp) {
      return this.#logger.warn(`lost the connection to ${formatBrokerAddress(address)}: ${fault}; trying again`);
    }
    if (this.#reported.get(address) === fault) return this.#logger.debug(`still: ${at}: ${fault}`);
    this.#reported.set(address, fault);
    if (connection.end.kind === 'refused') this.#logger.error(`${at}: ${fault}; trying again now and then`);
    else this.#logger.warn(`${at}: ${fault}; trying again`);
  }

  /** The QoS and the retain flag that the broker takes (MQTT 5, sections 3.2.2.3.4 and 3.2.2.3.5). */
  #grant({ qos = 0, retain = false }: PublishOptions): { qos: QoS; retain: boolean } {
    const { maximumQoS, retainAvailable } = this.#limits;
    if (qos > maximumQoS) this.#warnOnce(`the broker takes QoS ${maximumQoS} at most: QoS ${qos} is lowered`);
    if (retain && !retainAvailable) this.#warnOnce('the broker retains no messages: they are sent without the flag');
    return { qos: qos > maximumQoS ? maximumQoS : qos, retain: retain && retainAvailable };
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#logger.warn(message);
  }

  async #shutdown(): Promise<void> {
    const wasConnected = this.connected;
    const connection = this.#connection;
    const client = this.#client;
    this.#ended.abort();
    this.#inbound.stop();
    this.#rejectPending(() => true, 'the connector was shut down', 'closed');
    if (client) forgetAll(client);
    if (connection) {
      // A broker that hangs would hold a polite end for ever.
      const timer = setTimeout(() => {
        client?.stream?.destroy();
        setTimeout(connection.close, DISCONNECT_TIMEOUT_MS).unref();
      }, DISCONNECT_TIMEOUT_MS);
      if (wasConnected) client?.end();
      else this.#giveUp(connection);
      await this.#keeping;
      clearTimeout(timer);
      if (wasConnected) this.#logger.info(`disconnected from ${formatBrokerAddress(connection.attempt.address)}`);
    }
    this.#enter('closed');
  }

  #enter(state: LinkState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.#since = Date.now();
    for (const watcher of [...this.#watchers]) {
      try {
        watcher(state);
      } catch (error) {
        this.#logger.error(`a watcher of the connection failed: ${describeError(error)}`);
      }
    }
  }
}

const CONNECTION_LOST = 'the connection to the broker was lost before';

/** @throws {MQTTGatewayError} `invalid_message`: MQTT.js would send it, or destroy the connection over it */
function checkMessage(topic: string, payload: unknown, { properties }: PublishOptions): void {
  const fault =
    topicFault(topic) ??
    (typeof payload === 'string' || payload instanceof Uint8Array
      ? undefined
      : `a payload is a string or bytes, not ${typeof payload}`) ??
    (properties && propertiesFault(properties));
  if (fault !== undefined) throw new MQTTGatewayError('invalid_message', `can't publish: ${fault}`);
}

/** What an error that MQTT.js gives back for a publish means, or `undefined` for success. */
function faultOfAnswer(error: Error, { qos, resumed }: Pending): MQTTConnectionError | undefined {
  const { code: reason } = error as { code?: unknown };
  // The broker had completed the delivery, and we missed it: no fault when a session is resumed (MQTT 5, section 3.7.2.1).
  if (reason === PACKET_IDENTIFIER_NOT_FOUND && qos === 2 && resumed) return undefined;
  const isAboutSession = reason === PACKET_IDENTIFIER_NOT_FOUND || reason === PACKET_IDENTIFIER_IN_USE;
  // A reason code is the broker's own answer; everything else is about the connection.
  const code = typeof reason === 'number' && !isAboutSession ? 'broker_refused' : 'broker_unreachable';
  return new MQTTConnectionError(`not published: ${describeError(error)}`, { code, cause: error });
}

/** The topics that the broker refused: it answers them with 128 or more in place of a QoS, which MQTT.js makes an error. */
function refusedTopics(error: Error | null, topics: readonly string[]): readonly string[] {
  if (!error) return [];
  const granted = (error as { packet?: { granted?: unknown } }).packet?.granted;
  return Array.isArray(granted) ? topics.filter((_topic, index) => (granted[index] as number) >= 128) : topics;
}

function shutDownError(): MQTTConnectionError {
  return new MQTTConnectionError('the connector was shut down', { code: 'closed' });
}
