import type { IConnackPacket, MqttClient } from 'mqtt';
import { type BrokerLimits, readLimits, roomFor, UNKNOWN_LIMITS } from './broker-limits.js';
import { MQTTConnectionError, MQTTGatewayError, MQTTNotConnectedError } from './errors.js';
import { quote } from './filter-answer.js';
import { describeError, type Logger } from './logger.js';
import { propertiesFault, publishSize, toPacketProperties } from './message-properties.js';
import type { PublishOptions, QoS } from './mqtt-message.js';
import { forgetAll, forgetAllButQoS2, forgetUnreceived, markDuplicates } from './outgoing-messages.js';
import { PACKET_IDENTIFIERS } from './packet-identifiers.js';
import type { WireVersion } from './reconnect-schedule.js';
import { topicFault } from './topic.js';

/**
 * How many publishes may wait for the broker's answer, or for the socket, whatever the broker grants. The packet identifiers that
 * are left are for subscriptions; MQTT.js keeps what finds none in a queue without bound.
 */
const MAX_UNANSWERED = PACKET_IDENTIFIERS - 100;
/** The part of the broker's window that is for a steady stream; the rest is for what comes between, as answers to commands. */
const STREAM_SHARE = 0.95;
/** Answers that concern the state of the session, or of the broker, and not the message (MQTT 5, sections 3.4.2.1 and 3.7.2.1). */
const PACKET_IDENTIFIER_IN_USE = 145;
const PACKET_IDENTIFIER_NOT_FOUND = 146;
/** The client may not publish there (MQTT 5, section 3.4.2.1). */
const NOT_AUTHORIZED = 135;
/** So many characters of a payload are worth a line where nothing is published. */
const MAX_SHOWN = 2_000;
/** The broker can't take more for now (MQTT 5, section 4.13.1). */
const QUOTA_EXCEEDED = 151;

/**
 * So many connections may end in a row without the broker answering anything at QoS 2, before what it did not receive is given
 * back: one of the messages may be the reason, and MQTT.js would send it again first thing for ever.
 */
const MAX_FRUITLESS = 2;

/** A message that was given to MQTT.js and is not settled. */
interface Pending {
  readonly qos: QoS;
  /** It is delivered on in the session, over a connection later than that on which it was published. */
  resumed: boolean;
  resolve(): void;
  reject(error: MQTTGatewayError): void;
}

/** Publishes over whatever connection there is, and settles each message: by the broker's answer, or by the loss of the connection. */
export class Publisher {
  readonly #logger: Logger;
  readonly #pending = new Set<Pending>();
  /** How many of them are of QoS 1 and above, and of QoS 2. */
  readonly #unacknowledged = { 1: 0, 2: 0 };
  readonly #warned = new Set<string>();
  #limits: BrokerLimits = UNKNOWN_LIMITS;
  #version: WireVersion = 4;
  /** Connections that ended one after the other without an answer to a QoS 2 message. */
  #fruitless = 0;
  #isOpen = false;
  #onIdle: () => void = () => {};

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** See {@link MQTTConnector.windowOf}. */
  windowOf(qos: QoS): number {
    return Math.max(1, Math.floor(this.#limits.window[qos] * STREAM_SHARE));
  }

  /** See {@link MQTTConnector.reserveOf}. */
  reserveOf(qos: QoS): number {
    const window = this.#limits.window[qos];
    return window === Infinity ? Infinity : Math.max(1, window - this.windowOf(qos));
  }

  /** Whether everything that was published is settled. */
  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  /** Resolves when everything that was published is settled, or after so many ms. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.isIdle) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onIdle = () => {};
  }

  /** The broker accepted a connection; MQTT.js is about to send what it still has, if there is a session for it. */
  opened(client: MqttClient, connack: IConnackPacket, version: WireVersion, isResumed: boolean): void {
    this.#isOpen = true;
    this.#version = version;
    this.#limits = readLimits(connack, version);
    if (isResumed) {
      for (const pending of this.#pending) pending.resumed = true;
      markDuplicates(client);
    } else {
      this.#reject(() => true, 'the broker has lost the session in which it was sent');
      forgetAll(client);
    }
  }

  /** The broker answered a QoS 2 message. */
  answered(): void {
    this.#fruitless = 0;
  }

  /**
   * The connection ended.
   *
   * @param client `undefined` when it is no longer in use
   * @param mayResume whether the session may go on: what is under way at QoS 2 then stays so
   * @returns whether the state of the session is still known here
   */
  closed(client: MqttClient | undefined, mayResume: boolean): boolean {
    this.#reject(({ qos }) => !mayResume || qos < 2, 'the connection to the broker was lost before');
    if (!client) return false;
    if (!mayResume) {
      forgetAll(client);
      return false;
    }
    forgetAllButQoS2(client);
    // An attempt that failed says nothing about messages, and nor does a connection on which none was under way.
    if (this.#isOpen) this.#fruitless = this.#pending.size > 0 ? this.#fruitless + 1 : 0;
    this.#isOpen = false;
    if (this.#fruitless <= MAX_FRUITLESS) return true;
    forgetUnreceived(client);
    return false;
  }

  /** Gives back everything, for good. */
  stop(client: MqttClient | undefined): void {
    this.#reject(() => true, 'the connector was shut down', 'closed');
    if (client) forgetAll(client);
  }

  /** See {@link MQTTConnector.publish}. */
  async publish(
    client: MqttClient | undefined,
    topic: string,
    payload: string | Uint8Array,
    options: PublishOptions,
  ): Promise<void> {
    if (!client) throw new MQTTNotConnectedError();
    checkMessage(topic, payload, options);
    const { qos, retain } = this.#grant(options);
    const properties = this.#version === 5 ? options.properties : undefined;
    const { maximumPacketSize } = this.#limits;
    if (maximumPacketSize !== Infinity) {
      const size = publishSize(topic, payload, qos, properties);
      if (size > maximumPacketSize) {
        const message = `not published: ${size} bytes, and the broker takes ${maximumPacketSize} at most`;
        throw new MQTTConnectionError(message, { code: 'broker_refused' });
      }
    }
    if (this.#pending.size >= MAX_UNANSWERED) {
      throw new MQTTConnectionError(`not published: ${MAX_UNANSWERED} messages are not answered or not sent yet`);
    }
    // One more, and the broker ends the connection (MQTT 5, section 3.3.4), or loses the message without a word.
    if (roomFor(qos, this.#limits, this.#unacknowledged) <= 0) {
      throw new MQTTConnectionError(`not published: the broker's window for QoS ${qos} is full`);
    }

    await new Promise<void>((resolve, reject) => {
      // MQTT.js never calls back for QoS 0 when the socket dies while full: at the latest the loss of the connection settles it.
      const pending: Pending = { qos, resumed: false, resolve, reject };
      this.#add(pending);
      const settle = (error?: Error) => {
        if (!this.#remove(pending)) return;
        const fault = error && faultOfAnswer(error, pending);
        if (fault) reject(fault);
        else resolve();
      };
      const packetProperties = properties && { properties: toPacketProperties(properties) };
      client.publish(topic, payload as string | Buffer, { qos, retain, ...packetProperties }, settle);
    });
  }

  /** Does as {@link publish} does, but for sending it: the log says what would be sent. */
  async simulate(
    client: MqttClient | undefined,
    topic: string,
    payload: string | Uint8Array,
    options: PublishOptions,
  ): Promise<void> {
    if (!client) throw new MQTTNotConnectedError();
    checkMessage(topic, payload, options);
    const { qos, retain } = this.#grant(options);
    const text = typeof payload === 'string' ? payload : Buffer.from(payload).toString();
    const what = `${topic}, QoS ${qos}${retain ? ', retained' : ''}`;
    this.#logger.info(`would publish ${what}: ${quote(text, MAX_SHOWN)}`);
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

  /** Rejects what will not be acknowledged any more: whoever published it knows what to do. */
  #reject(which: (pending: Pending) => boolean, why: string, code?: 'closed'): void {
    const rejected = [...this.#pending].filter(which);
    if (rejected.length === 0) return;
    const error = new MQTTConnectionError(`not acknowledged: ${why}`, code && { code });
    for (const pending of rejected) {
      this.#remove(pending);
      pending.reject(error);
    }
  }

  #add(pending: Pending): void {
    this.#pending.add(pending);
    if (pending.qos >= 1) this.#unacknowledged[1]++;
    if (pending.qos === 2) this.#unacknowledged[2]++;
  }

  #remove(pending: Pending): boolean {
    if (!this.#pending.delete(pending)) return false;
    if (pending.qos >= 1) this.#unacknowledged[1]--;
    if (pending.qos === 2) this.#unacknowledged[2]--;
    if (this.#pending.size === 0) this.#onIdle();
    return true;
  }
}

/** @throws {MQTTGatewayError} `invalid_message`: MQTT.js would send it, or destroy the connection over it */
function checkMessage(topic: string, payload: unknown, { properties }: PublishOptions): void {
  const isPayload = typeof payload === 'string' || payload instanceof Uint8Array;
  const fault =
    topicFault(topic) ??
    (isPayload ? undefined : `a payload is a string or bytes, not ${typeof payload}`) ??
    (properties && propertiesFault(properties));
  if (fault !== undefined) throw new MQTTGatewayError('invalid_message', `can't publish: ${fault}`);
}

/** What an error that MQTT.js gives back for a publish means, or `undefined` for success. */
function faultOfAnswer(error: Error, { qos, resumed }: Pending): MQTTConnectionError | undefined {
  const { code: reason } = error as { code?: unknown };
  // The broker had completed the delivery, and we missed it: no fault when a session is resumed (MQTT 5, section 3.7.2.1).
  if (reason === PACKET_IDENTIFIER_NOT_FOUND && qos === 2 && resumed) return undefined;
  const isWeather = [PACKET_IDENTIFIER_NOT_FOUND, PACKET_IDENTIFIER_IN_USE, QUOTA_EXCEEDED].some(
    (each) => each === reason,
  );
  // A reason code is the broker's own answer; everything else is about the connection.
  const code = typeof reason === 'number' && !isWeather ? 'broker_refused' : 'broker_unreachable';
  const remedy = reason === NOT_AUTHORIZED ? " (the broker's access list has to allow it)" : '';
  return new MQTTConnectionError(`not published: ${describeError(error)}${remedy}`, { code, cause: error });
}
