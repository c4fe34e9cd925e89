import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { type BrokerAddress, formatBrokerAddress, parseBrokerAddress } from './broker-address.js';
import { type MQTTConnectorOptions, toClientOptions } from './connector-options.js';
import { MQTTConnectionError, MQTTGatewayError, MQTTNotConnectedError } from './errors.js';
import { explainFault } from './explain-fault.js';
import { describeError, type Logger, silentLogger } from './logger.js';
import type { MQTTMessage, PublishOptions, QoS } from './mqtt-message.js';
import { topicFault } from './topic.js';

/** The state of the link to the broker. */
export type LinkState = 'idle' | 'connecting' | 'connected' | 'closed';

/** How long the broker gets to see the goodbye. */
const DISCONNECT_TIMEOUT_MS = 1_000;

interface Pending {
  resolve(): void;
  reject(error: MQTTGatewayError): void;
}

/**
 * The connection to the broker: keeps it up, subscribes, publishes, and hands over what comes in.
 *
 * A broker that is away is no error: the connector keeps trying until it is shut down.
 */
export class MQTTConnector implements AsyncDisposable {
  /** Where the broker is. */
  readonly address: BrokerAddress;
  readonly userData: unknown;

  readonly #clientOptions: IClientOptions;
  readonly #topics: readonly string[];
  readonly #subscribeQoS: QoS;
  readonly #logger: Logger;
  readonly #pending = new Set<Pending>();
  readonly #watchers = new Set<(state: LinkState) => void>();
  #client: MqttClient | undefined;
  #state: LinkState = 'idle';
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #lastFault = '';
  /** Whether the current attempt to connect has said why it failed. */
  #explained = false;
  /** Aborted at the end, so that nothing of ours stays registered with the signals of others. */
  readonly #ended = new AbortController();

  /** @throws {ConfigurationError} for options that can't be right; nothing is connected yet */
  constructor(options: MQTTConnectorOptions) {
    const { topics = [], subscribeQoS = 1, userData, logger = silentLogger } = options;
    this.address = parseBrokerAddress(options.broker, options.port, options.tls !== undefined);
    this.#clientOptions = toClientOptions(options, this.address);
    this.#topics = topics;
    this.#subscribeQoS = subscribeQoS;
    this.userData = userData;
    this.#logger = logger;
  }

  /** Whether there is a connection to the broker right now. */
  get connected(): boolean {
    return this.#state === 'connected';
  }

  /** The state of the link. */
  get state(): LinkState {
    return this.#state;
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

  /** Calls back once when the socket takes more again. */
  onceWritable(callback: () => void): void {
    this.#client?.stream.once('drain', callback);
  }

  /**
   * Handles a message that came in; assign it, or override it in a sub-class. The default ignores messages.
   *
   * Messages come one after the other: while the returned promise is pending, nothing more is read from the broker, and
   * a QoS 1 or 2 message is acknowledged when it resolves. What it throws is logged, and the message acknowledged.
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
   * @throws {MQTTNotConnectedError} at once, when there is no connection
   * @throws {MQTTGatewayError} `invalid_message`, when the topic is not legal, or the payload is neither string nor bytes
   * @throws {MQTTConnectionError} `broker_unreachable`, when the connection is lost before the broker answered: the
   *   message may have arrived or not
   */
  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const client = this.#client;
    if (!client || !this.connected) throw new MQTTNotConnectedError();
    // MQTT.js sends illegal topics; the broker then cuts the connection.
    const fault = topicFault(topic);
    if (fault) throw new MQTTGatewayError('invalid_message', `can't publish: ${fault}`);
    if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
      throw new MQTTGatewayError(
        'invalid_message',
        `can't publish: a payload is a string or bytes, not ${typeof payload}`,
      );
    }

    await new Promise<void>((resolve, reject) => {
      // MQTT.js never calls back for QoS 0 when the socket dies while full: at the latest the loss of the connection settles it.
      const pending: Pending = { resolve, reject };
      this.#pending.add(pending);
      const { qos = 0, retain = false } = options;
      const settle = (error?: Error) => {
        if (!this.#pending.delete(pending)) return;
        if (!error) return resolve();
        // A reason code is the broker's own answer; everything else is about the connection.
        const code = typeof (error as { code?: unknown }).code === 'number' ? 'broker_refused' : 'broker_unreachable';
        reject(new MQTTConnectionError(`not published: ${describeError(error)}`, { code, cause: error }));
      };
      client.publish(topic, payload as string | Buffer, { qos, retain }, settle);
    });
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
    const client = connect(this.#clientOptions);
    client.handleMessage = (packet, done) => void this.#handle(packet as IPublishPacket, done);
    client.on('connect', () => this.#subscribe(client));
    client.on('close', () => this.#onClose(client));
    client.on('error', (error) => this.#reportFault(explainFault(error, this.address)));
    this.#client = client;
    this.#enter('connecting');
    this.#logger.info(`connecting to ${formatBrokerAddress(this.address)}`);
    client.connect();
    await new Promise<void>((resolve, reject) => {
      const unwatch = this.watch((state) => {
        if (state === 'connecting') return;
        unwatch();
        if (state === 'connected') resolve();
        else reject(shutDownError());
      });
    });
  }

  #subscribe(client: MqttClient): void {
    this.#lastFault = '';
    this.#logger.info(`connected to ${formatBrokerAddress(this.address)}`);
    if (this.#topics.length === 0) return this.#enter('connected');

    client.subscribe([...this.#topics], { qos: this.#subscribeQoS }, (error) => {
      if (!client.connected || this.#closing) return;
      const refused = refusedTopics(error, this.#topics);
      const accepted = this.#topics.filter((topic) => !refused.includes(topic));
      if (refused.length > 0) {
        const topics = refused.join(', ');
        this.#logger.error(`the broker refused the subscription to ${topics}: its access list has to allow it`);
      }
      if (accepted.length > 0) this.#logger.info(`subscribed to ${accepted.join(', ')}`);
      this.#enter('connected');
    });
  }

  async #handle(packet: IPublishPacket, done: () => void): Promise<void> {
    const { topic, payload, qos, retain } = packet;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    try {
      await this.onMessage(this, this.userData, { topic, payload: bytes, qos: qos as QoS, retain });
    } catch (error) {
      this.#logger.error(`the handler of messages failed: ${describeError(error)}`);
    }
    done();
  }

  #onClose(client: MqttClient): void {
    if (this.connected && !this.#closing) {
      this.#logger.warn(`lost the connection to ${formatBrokerAddress(this.address)}; trying again`);
      this.#enter('connecting');
    } else if (!this.#explained) {
      this.#reportFault('closed the connection at once: is this a port for MQTT?');
    }
    this.#explained = false;
    this.#giveBack(client);
  }

  /** Rejects everything that is unacknowledged: whoever published it knows what to do. */
  #giveBack(client: MqttClient): void {
    this.#rejectPending();
    // MQTT.js would send these again after a reconnection, one after the other, before anything else.
    for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
  }

  #rejectPending(): void {
    const pending = [...this.#pending];
    this.#pending.clear();
    if (pending.length === 0) return;
    const error = new MQTTConnectionError('the connection to the broker was lost before it acknowledged the message');
    for (const { reject } of pending) reject(error);
  }

  /** A fault that repeats at each attempt is worth one line. */
  #reportFault(fault: string): void {
    this.#explained = true;
    if (this.#closing) return;
    if (fault === this.#lastFault) return this.#logger.debug(`still: ${fault}`);
    this.#lastFault = fault;
    this.#logger.warn(`the broker at ${formatBrokerAddress(this.address)}: ${fault}; trying again`);
  }

  async #shutdown(): Promise<void> {
    this.#ended.abort();
    const client = this.#client;
    if (client) {
      const wasConnected = this.connected;
      this.#giveBack(client);
      // With manualConnect, MQTT.js forgets that it was ended while an attempt is under way, and would try again for ever.
      client.options.reconnectPeriod = 0;
      await new Promise<void>((resolve) => {
        // A broker that hangs would hold a polite end for ever.
        const timer = setTimeout(() => {
          client.stream?.destroy();
          resolve();
        }, DISCONNECT_TIMEOUT_MS);
        client.end(!wasConnected, {}, () => {
          clearTimeout(timer);
          resolve();
        });
      });
      this.#logger.info(`disconnected from ${formatBrokerAddress(this.address)}`);
    }
    this.#enter('closed');
  }

  #enter(state: LinkState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    for (const watcher of [...this.#watchers]) {
      try {
        watcher(state);
      } catch (error) {
        this.#logger.error(`a watcher of the connection failed: ${describeError(error)}`);
      }
    }
  }
}

/** The topics that the broker refused: 3.1.1 answers them with 128 in place of a QoS, which MQTT.js makes an error. */
function refusedTopics(error: Error | null, topics: readonly string[]): readonly string[] {
  if (!error) return [];
  const granted = (error as { packet?: { granted?: unknown } }).packet?.granted;
  return Array.isArray(granted) ? topics.filter((_topic, index) => (granted[index] as number) >= 128) : topics;
}

function shutDownError(): MQTTConnectionError {
  return new MQTTConnectionError('the connector was shut down', { code: 'closed' });
}
