import { connect, type IConnackPacket, type MqttClient, ReasonCodes } from 'mqtt';
import { type BrokerAddress, formatBrokerAddress, parseBrokerAddresses } from './broker-address.js';
import { Connection } from './connection.js';
import {
  type ConnectorSettings,
  connectAnnouncing,
  type MQTTConnectorOptions,
  pointAt,
  toClientOptions,
  toSettings,
} from './connector-options.js';
import type { ConnectorStatus, LinkState } from './connector-status.js';
import { MQTTConnectionError } from './errors.js';
import { FaultReports } from './fault-reports.js';
import { ACKNOWLEDGED_LATER, InboundFlow } from './inbound-flow.js';
import { describeError, type Logger, silentLogger } from './logger.js';
import type { MQTTMessage, PublishOptions, QoS } from './mqtt-message.js';
import { OrphanRelease } from './orphan-release.js';
import { PacketIdentifiers } from './packet-identifiers.js';
import { PacketSizes } from './packet-sizes.js';
import { Publisher } from './publisher.js';
import { ReconnectSchedule } from './reconnect-schedule.js';

/** How long the broker gets to see the goodbye. */
const DISCONNECT_TIMEOUT_MS = 1_000;
/** A destroyed socket closes at once; an MQTT.js client that does not say so in this time is replaced. */
const CLOSE_TIMEOUT_MS = 3_000;
/** So many topics are named in a line. */
const LISTED_TOPICS = 50;
/** How long the broker may be silent while it releases what was left in a session. */
const RELEASE_TIMEOUT_MS = 3_000;

/**
 * The connection to the broker: keeps it up, subscribes, publishes, and hands over what comes in.
 *
 * A broker that is away is no error: the connector keeps trying, at one address after the other, until it is shut down.
 */
export class MQTTConnector implements AsyncDisposable {
  /** Where the broker may be, in the order of trying. */
  readonly addresses: readonly BrokerAddress[];
  readonly userData: unknown;
  /**
   * Whether the broker is asked to leave out what this connector publishes itself (MQTT 5, section 3.8.3.1, "No Local"; not for
   * shared subscriptions, for which it does not exist). Read at each connection. Default: false.
   */
  noLocal = false;

  readonly #options: MQTTConnectorOptions;
  readonly #settings: ConnectorSettings;
  readonly #topics: readonly string[];
  readonly #subscribeQoS: QoS;
  readonly #logger: Logger;
  readonly #schedule: ReconnectSchedule;
  readonly #inbound: InboundFlow;
  readonly #publisher: Publisher;
  readonly #faults: FaultReports;
  readonly #watchers = new Set<(state: LinkState) => void>();
  #client: MqttClient | undefined;
  /** Where the session is whose state this process knows; another broker may have one of the same name. */
  #sessionAt: BrokerAddress | undefined;
  #connection: Connection | undefined;
  #state: LinkState = 'idle';
  #since = Date.now();
  #attempts = 0;
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
    this.#publisher = new Publisher(logger);
    this.#faults = new FaultReports(logger, this.#settings.clientId);
    this.#inbound = new InboundFlow({
      handler: (message) => this.onMessage(this, this.userData, message),
      limits: this.#settings.maxUnacknowledged,
      logger,
      onPause: () => this.#paused(),
      onResume: () => this.#connection?.deadline?.refresh(),
    });
  }

  /** Its name at the broker. */
  get clientId(): string {
    return this.#settings.clientId;
  }

  /** How the broker is spoken to; `undefined` until it has accepted a connection. */
  get protocolVersion(): '5' | '3.1.1' | undefined {
    const connection = this.#connection;
    if (connection?.acceptedAt === undefined || connection.isOver) return undefined;
    return connection.attempt.version === 5 ? '5' : '3.1.1';
  }

  /** The topic filters that it subscribes to. */
  get topics(): readonly string[] {
    return this.#topics;
  }

  /** Whether there is a connection to the broker right now. */
  get connected(): boolean {
    return this.#state === 'connected';
  }

  /**
   * The state of the link. `connected` once the broker has answered the subscriptions; or earlier, when it first delivers more
   * from the session of before than may be under way (see {@link isPaused}).
   */
  get state(): LinkState {
    return this.#state;
  }

  /** What an operator wants to know: the state, the broker, and what is wrong. */
  get status(): ConnectorStatus {
    const connection = this.#connection;
    const { address } = connection && !connection.isOver ? connection.attempt : this.#schedule.next;
    const { protocolVersion } = this;
    const accepted = connection?.acceptedAt === undefined || connection.isOver ? undefined : connection;
    const { fault } = this.#faults;
    const isStable = this.connected && performance.now() - (accepted?.acceptedAt ?? 0) >= this.#schedule.stableAfterMs;
    const known = (isStable ? undefined : fault) ?? accepted?.refusal;
    return {
      state: this.#state,
      broker: formatBrokerAddress(address),
      ...(protocolVersion && { protocolVersion }),
      ...(accepted && { sessionPresent: accepted.sessionPresent }),
      ...(accepted && accepted.refusedTopics.length > 0 && { refusedTopics: accepted.refusedTopics }),
      since: this.#since,
      ...(known !== undefined && { fault: known }),
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
   * How many publishes of a QoS a steady stream of messages may have unacknowledged: 95 % of what the broker said
   * when it accepted the connection (MQTT 5, for QoS 1 and 2 together), else (MQTT 3.1.1) of 20 at QoS 2, and any number at QoS 1.
   * What is left is for others: {@link reserveOf}. It may differ after each reconnection.
   */
  windowOf(qos: QoS): number {
    return this.#publisher.windowOf(qos);
  }

  /**
   * How many publishes of a QoS may be unacknowledged beside those that {@link windowOf} allows; 1 at least, though a broker that
   * allows one message has none to spare.
   */
  reserveOf(qos: QoS): number {
    return this.#publisher.reserveOf(qos);
  }

  /**
   * Whether nothing is read from the broker for now, since `onMessage` has too much under way (`maxUnacknowledged`). What is published
   * meanwhile is not answered either: the answers stand behind what is not read.
   */
  get isPaused(): boolean {
    return this.#inbound.isPaused;
  }

  /**
   * Handles a message that came in; assign it, or override it in a sub-class. The default ignores messages.
   *
   * Messages are handed over in the order they come, without waiting for the promise of the one before. A QoS 1 or 2
   * message is acknowledged when its promise resolves, and not before those that came earlier. When too many are
   * under way (`maxUnacknowledged`), nothing more is read from the broker until some are done.
   *
   * What it throws is logged, and the message acknowledged; but for a `MQTTGatewayError` of code `closed`: the message stays
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
   * @throws {MQTTGatewayError} `not_connected`, at once, when there is no connection; `invalid_message`, when MQTT can't carry topic, payload or properties
   * @throws {MQTTConnectionError} `broker_refused`, when the broker will not have this message, or is known not to for
   *   its size; `broker_unreachable`, when the connection is lost before the broker answered: the message may have
   *   arrived or not; or at once, when the broker's window for unacknowledged messages is full: it was not sent; `closed`,
   *   when the connector was shut down before
   */
  publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    return this.#publisher.publish(this.connected ? this.#client : undefined, topic, payload, options);
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
      const { next, contested } = this.#schedule;
      if (waitMs === 0 && next.address === connection.attempt.address) {
        this.#logger.debug(`${connection.fault}: trying another version of MQTT`);
      } else {
        this.#faults.report(connection, contested);
      }
      await pause(waitMs, signal);
    }
  }

  /** Makes one connection. Resolves when it ended. */
  async #connect(connection: Connection): Promise<void> {
    const { address, version } = connection.attempt;
    this.#connection = connection;
    this.#attempts++;
    const level = this.#attempts === 1 && !this.#schedule.contested ? 'info' : 'debug';
    this.#logger[level](`connecting to ${formatBrokerAddress(address)}`);
    try {
      this.#client ??= this.#createClient(address);
      const client = this.#client;
      pointAt(client.options, address, version);
      connectAnnouncing(client, this.#settings.maxPacketBytes);
      // MQTT.js swallows errors that have no code, as those of WebSocket.
      client.stream.on('error', (error: Error) => connection.fail(error));
      this.#watchSizes(client, connection);
    } catch (error) {
      connection.fail(error as Error);
      return;
    }
    // MQTT.js watches over this time itself: this is for the case that its own clean-up does not get through.
    this.#expect(connection, 'no answer', this.#settings.connectTimeoutMs + CLOSE_TIMEOUT_MS);
    await connection.closed;
  }

  /** MQTT.js stores a packet up, whatever its size. */
  #watchSizes(client: MqttClient, connection: Connection): void {
    const { maxPacketBytes } = this.#settings;
    const sizes = new PacketSizes(maxPacketBytes);
    client.stream.on('data', (chunk: Uint8Array) => {
      const size = sizes.beyondLimit(chunk);
      if (size === undefined) return;
      this.#giveUp(connection, `the broker sent a packet of ${size} bytes, and maxPacketBytes is ${maxPacketBytes}`);
    });
  }

  #createClient(address: BrokerAddress): MqttClient {
    const options = toClientOptions(this.#options, this.#settings);
    pointAt(options, address, 5);
    const client = connect({ ...options, messageIdProvider: new PacketIdentifiers() });
    /** Runs a step for the present connection, if it is still this client's and still wanted. */
    const step = (action: (connection: Connection) => void) => {
      const connection = this.#connection;
      if (connection && !connection.isOver && client === this.#client) action(connection);
    };
    client.on('packetreceive', (packet) =>
      step((connection) => {
        if (packet.cmd === 'connack') this.#onConnack(client, connection, packet);
        // Deliveries of an earlier connection go on one after the other before the subscriptions: each is progress.
        else if (packet.cmd === 'pubrec' || packet.cmd === 'pubcomp') {
          connection.deadline?.refresh();
          this.#publisher.answered();
          if (packet.cmd === 'pubcomp' && packet.messageId) connection.orphans?.completed(packet.messageId);
        }
      }),
    );
    client.on('connect', () => step((connection) => this.#adoptSession(client, connection)));
    client.on('disconnect', ({ reasonCode }) =>
      step((connection) => {
        connection.reasonCode = reasonCode;
        connection.reason = `ended the connection: ${ReasonCodes[reasonCode as keyof typeof ReasonCodes] ?? reasonCode}`;
        this.#giveUp(connection);
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
    connection.isResumed = sessionPresent && this.#sessionAt === connection.attempt.address;
    // What was known of another session is forgotten now, even if this connection does not come to know its own.
    if (!connection.isResumed) this.#sessionAt = undefined;
    this.#schedule.accepted();
    this.#publisher.opened(client, packet, version, connection.isResumed);
    this.#inbound.opened(client, connection.isResumed);
    this.#expect(connection, 'the broker does not answer', this.#settings.connectTimeoutMs);
    const granted = packet.properties?.sessionExpiryInterval ?? this.#settings.sessionExpiry;
    if (version === 5 && granted < this.#settings.sessionExpiry) {
      this.#logger.warn(`the broker keeps a session for ${granted} s only, not for ${this.#settings.sessionExpiry} s`);
    }
  }

  /**
   * Before anything is published in a session of which this process does not know the state, the broker releases what was
   * left in it half-way: by an earlier process, at another address, or by ourselves when we gave it up.
   */
  #adoptSession(client: MqttClient, connection: Connection): void {
    const proceed = () => {
      if (connection.isOver) return;
      connection.orphans = undefined;
      this.#sessionAt = connection.attempt.address;
      this.#subscribe(client, connection);
    };
    if (!connection.sessionPresent || connection.isResumed) return proceed();
    // Those that it does not know it should answer too (MQTT 5, section 4.3.3): one that does not is no reason to wait on.
    clearTimeout(connection.deadline);
    connection.deadline = setTimeout(proceed, RELEASE_TIMEOUT_MS);
    connection.orphans = new OrphanRelease(client, proceed);
  }

  #subscribe(client: MqttClient, connection: Connection): void {
    const { address, version } = connection.attempt;
    const level = this.#schedule.contested ? 'debug' : 'info';
    this.#logger[level](
      `connected to ${formatBrokerAddress(address)} with MQTT ${version === 5 ? '5' : '3.1.1'}${connection.sessionPresent ? ', in the session of before' : ''}${this.#faults.outage}`,
    );
    if (this.#topics.length === 0) return this.#connected(connection);

    this.#expect(connection, 'the broker does not answer the subscription', this.#settings.connectTimeoutMs);
    connection.isSubscribing = true;
    const refused: string[] = [];
    const groups = this.noLocal && version === 5 ? byReach(this.#topics) : [this.#topics];
    let unanswered = groups.length;
    for (const topics of groups) {
      // Retained messages for new subscriptions only: a session that goes on has had them (MQTT 5, section 3.8.3.1).
      const five = { rh: 1, nl: this.noLocal && !isShared(topics[0]) };
      client.subscribe([...topics], { qos: this.#subscribeQoS, ...(version === 5 && five) }, (error) => {
        refused.push(...refusedTopics(error, topics));
        if (--unanswered === 0 && !connection.isOver && !this.#closing) this.#subscribed(connection, refused);
      });
    }
    if (this.#inbound.isPaused) this.#paused();
  }

  #subscribed(connection: Connection, refused: readonly string[]): void {
    connection.isSubscribing = false;
    clearDeadline(connection);
    const accepted = this.#topics.filter((topic) => !refused.includes(topic));
    if (refused.length > 0) {
      connection.refusedTopics = refused;
      connection.refusal = `the broker refused the subscription to ${listed(refused)}: its access list has to allow it`;
      this.#logger.error(connection.refusal);
    }
    const level = this.#schedule.contested ? 'debug' : 'info';
    if (accepted.length > 0) this.#logger[level](`subscribed to ${listed(accepted)}`);
    if (!connection.wasUp) this.#connected(connection);
  }

  /**
   * Nothing is read for now. The answer to the subscriptions may stand behind it, for as long as the bus is away: those of
   * which messages come stand already, in the session, and messages that go out need not wait for it.
   */
  #paused(): void {
    const connection = this.#connection;
    if (connection?.isSubscribing && !connection.isOver && !connection.wasUp) this.#connected(connection);
  }

  #connected(connection: Connection): void {
    if (!connection.isSubscribing) clearDeadline(connection);
    connection.wasUp = true;
    this.#attempts = 0;
    this.#faults.connected(this.#schedule.contested);
    this.#enter('connected');
  }

  /** What a connection may take until its next step. */
  #expect(connection: Connection, otherwise: string, withinMs: number): void {
    clearTimeout(connection.deadline);
    connection.deadline = setTimeout(() => {
      // The answer may stand behind what we do not read.
      if (this.#inbound.isPaused) connection.deadline?.refresh();
      else this.#giveUp(connection, otherwise);
    }, withinMs);
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

  /** A client that is no longer used takes with it what it was to deliver. */
  #discard(client: MqttClient | undefined): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    this.#publisher.closed(undefined, false);
    // Its timers would outlive it; of what it still has to say nothing is heard.
    if (client?.stream) client.end(true);
  }

  /** The connection is not to be used any more. */
  #leave(connection: Connection): void {
    if (connection.isOver) return;
    connection.isOver = true;
    clearDeadline(connection);
    this.#inbound.closed();
    const isKnown = this.#publisher.closed(this.#client, this.#settings.sessionExpiry > 0 && !this.#closing);
    if (!isKnown) this.#sessionAt = undefined;
    if (this.connected && !this.#closing) this.#enter('connecting');
  }

  async #shutdown(): Promise<void> {
    const wasConnected = this.connected;
    const connection = this.#connection;
    const client = this.#client;
    this.#ended.abort();
    this.#inbound.stop();
    this.#publisher.stop(client);
    if (connection) {
      // A broker that hangs would hold a polite end for ever.
      let timer = setTimeout(() => {
        client?.stream?.destroy();
        timer = setTimeout(connection.close, DISCONNECT_TIMEOUT_MS);
      }, DISCONNECT_TIMEOUT_MS);
      if (wasConnected) client?.end();
      else this.#giveUp(connection);
      await this.#keeping;
      clearTimeout(timer);
      this.#discard(client);
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

function clearDeadline(connection: Connection): void {
  clearTimeout(connection.deadline);
  connection.deadline = undefined;
}

function isShared(topic: string | undefined): boolean {
  return topic?.startsWith('$share/') ?? false;
}

/** Those that no-local exists for, and those for which it is a protocol error (MQTT 5, section 3.8.3.1). */
function byReach(topics: readonly string[]): (readonly string[])[] {
  const [plain, shared] = [topics.filter((topic) => !isShared(topic)), topics.filter(isShared)];
  return [plain, shared].filter(({ length }) => length > 0);
}

/** The first of many, for a line. */
function listed(topics: readonly string[]): string {
  const more = topics.length - LISTED_TOPICS;
  return `${topics.slice(0, LISTED_TOPICS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The topics that the broker refused: it answers them with 128 or more in place of a QoS, which MQTT.js makes an error. */
function refusedTopics(error: Error | null, topics: readonly string[]): readonly string[] {
  if (!error) return [];
  const granted = (error as { packet?: { granted?: unknown } }).packet?.granted;
  return Array.isArray(granted) ? topics.filter((_topic, index) => (granted[index] as number) >= 128) : topics;
}

/** Waits so long, or until the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

function shutDownError(): MQTTConnectionError {
  return new MQTTConnectionError('the connector was shut down', { code: 'closed' });
}
