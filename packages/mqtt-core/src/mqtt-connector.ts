import type { BrokerAddress } from './broker-address.js';
import { BrokerLink } from './broker-link.js';
import { type ConnectorSettings, type MQTTConnectorOptions, toSettings } from './connector-options.js';
import type { ConnectorStatus, LinkState } from './connector-status.js';
import { MQTTConnectionError } from './errors.js';
import { InboundFlow } from './inbound-flow.js';
import { LinkStates } from './link-states.js';
import { type Logger, silentLogger } from './logger.js';
import type { MQTTMessage, PublishOptions, QoS } from './mqtt-message.js';
import { Publisher } from './publisher.js';
import { Subscriptions } from './subscriptions.js';

/**
 * The connection to the broker: keeps it up, subscribes, publishes, and hands over what comes in.
 *
 * A broker that is away is no error: the connector keeps trying, at one address after the other, until it is shut down.
 */
export class MQTTConnector implements AsyncDisposable {
  /**
   * Whether the broker is asked to leave out what this connector publishes itself (MQTT 5, section 3.8.3.1, "No Local"; not for
   * shared subscriptions, for which it does not exist). Read at each connection, and by {@link reconfigure}. Default: false.
   */
  noLocal = false;

  readonly #logger: Logger;
  readonly #states: LinkStates;
  readonly #inbound: InboundFlow;
  readonly #publisher: Publisher;
  readonly #link: BrokerLink;
  #options: MQTTConnectorOptions;
  #settings: ConnectorSettings;
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Aborted at the end, so that nothing of ours stays registered with the signals of others. */
  readonly #ended = new AbortController();

  /** @throws {ConfigurationError} for options that can't be right; nothing is connected yet */
  constructor(options: MQTTConnectorOptions) {
    const { logger = silentLogger } = options;
    this.#options = options;
    this.#settings = toSettings(options);
    this.#logger = logger;
    this.#states = new LinkStates(logger);
    this.#publisher = new Publisher(logger);
    this.#inbound = new InboundFlow({
      handler: (message) => this.onMessage(this, this.userData, message),
      limits: this.#settings.maxUnacknowledged,
      logger,
      onPause: () => this.#link.paused(),
      onResume: () => this.#link.resumed(),
    });
    this.#link = new BrokerLink(options, this.#settings, {
      states: this.#states,
      publisher: this.#publisher,
      inbound: this.#inbound,
      subscriptions: new Subscriptions(logger),
      logger,
      wanted: () => ({ topics: this.topics, qos: this.#settings.subscribeQoS, noLocal: this.noLocal }),
    });
  }

  /** Where the broker may be, in the order of trying. */
  get addresses(): readonly BrokerAddress[] {
    return this.#settings.addresses;
  }

  get userData(): unknown {
    return this.#options.userData;
  }

  /** Its name at the broker. */
  get clientId(): string {
    return this.#settings.clientId;
  }

  /** How the broker is spoken to; `undefined` until it has accepted a connection. */
  get protocolVersion(): '5' | '3.1.1' | undefined {
    return this.#link.protocolVersion;
  }

  /** The topic filters that it subscribes to. */
  get topics(): readonly string[] {
    return this.#settings.topics;
  }

  /** Whether there is a connection to the broker right now. */
  get connected(): boolean {
    return this.#states.current === 'connected';
  }

  /**
   * The state of the link. `connected` once the broker has answered the subscriptions; or earlier, when it first delivers more
   * from the session of before than may be under way (see {@link isPaused}).
   */
  get state(): LinkState {
    return this.#states.current;
  }

  /** What an operator wants to know: the state, the broker, and what is wrong. */
  get status(): ConnectorStatus {
    return this.#link.status;
  }

  /** Calls the watcher at each change of {@link state}, until the returned function is called. */
  watch(watcher: (state: LinkState) => void): () => void {
    return this.#states.watch(watcher);
  }

  /**
   * Whether the socket takes more without storing it up. What is published while it does not is kept in memory. It takes nothing more
   * while the connection is about to be left for another one.
   */
  get writable(): boolean {
    return this.#link.isWritable;
  }

  /** Calls back once when the socket takes more again. Never, when the connection ends before. */
  onceWritable(callback: () => void): void {
    this.#link.client?.stream.once('drain', callback);
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
   * that it does not take is left out, with one warning. With `simulate`, nothing is sent: it resolves as soon as the log has it.
   *
   * @throws {MQTTGatewayError} `not_connected`, at once, when there is no connection; `invalid_message`, when MQTT can't carry topic, payload or properties
   * @throws {MQTTConnectionError} `broker_refused`, when the broker will not have this message, or is known not to for
   *   its size; `broker_unreachable`, when the connection is lost before the broker answered: the message may have
   *   arrived or not; or at once, when the broker's window for unacknowledged messages is full: it was not sent; `closed`,
   *   when the connector was shut down before
   */
  publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const { client } = this.#link;
    if (this.#options.simulate) return this.#publisher.simulate(client, topic, payload, options);
    return this.#publisher.publish(client, topic, payload, options);
  }

  /**
   * Gives up the present connection, or the attempt to make one, and makes a new one: for whoever sees that it does not
   * get on. Does nothing while there is none.
   *
   * @param reason for the log, and for {@link status} until there is a connection again
   */
  restart(reason: string): void {
    this.#link.restart(reason);
  }

  /**
   * Goes on with other options: all of them, those that are left out have their defaults; but for `logger`, which stays. A client id
   * that was made up stays too.
   *
   * Other topics are subscribed to, and the rest is taken back, over the present connection. So are other waits and limits taken over
   * that the broker does not know of. Everything else needs a new connection: what is on the wire gets 2 s to arrive, the broker sees a
   * goodbye, and the next attempt follows at once. Nothing may be published meanwhile; see {@link writable}.
   *
   * @throws {ConfigurationError} for options that can't be right; all stays as it was
   * @throws {MQTTConnectionError} `closed`, after it was shut down
   */
  reconfigure(options: MQTTConnectorOptions): void {
    const isOwnName = this.#options.clientId === undefined;
    const settings = toSettings(options, isOwnName ? this.#settings.clientId : undefined);
    if (this.#closing) throw shutDownError();
    this.#options = options;
    this.#settings = settings;
    this.#inbound.reconfigure(settings.maxUnacknowledged);
    this.#link.reconfigure(options, settings);
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
    this.#link.run();
    if ((await this.#states.settled()) === 'closed') throw shutDownError();
  }

  async #shutdown(): Promise<void> {
    this.#ended.abort();
    await this.#link.close();
  }
}

function shutDownError(): MQTTConnectionError {
  return new MQTTConnectionError('the connector was shut down', { code: 'closed' });
}
