import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import mqttPacket, { type IConnackPacket, type IPublishPacket, type Packet } from 'mqtt-packet';

/** Who it is at the broker, and what it wants from there. */
export interface MqttSessionOptions {
  readonly port: number;
  readonly clientId: string;
  /** Subscribed to at QoS 2. */
  readonly topicFilter?: string;
  readonly onPublish?: (topic: string, payload: string) => void;
}

interface Outgoing {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 1 | 2;
  messageId?: number;
  /** The broker has said that it has it; it is still to be let go. */
  isReceived?: boolean;
}

/** No more unacknowledged than brokers commonly take. */
const WINDOW = 20;
const RECONNECT_PAUSE_MS = 10;
const MQTT_3_1_1 = { protocolVersion: 4 } as const;

/**
 * A client with a persistent session, by hand (MQTT 3.1.1, section 4.4), which comes back as soon as the broker does. What it
 * is given to publish it repeats until the broker has taken it.
 */
export class MqttSession implements AsyncDisposable {
  readonly #options: MqttSessionOptions;
  readonly #running: Promise<void>;
  readonly #waiting: Outgoing[] = [];
  readonly #inFlight: Outgoing[] = [];
  /** What was received at QoS 2 and not yet let go, by its identifier. */
  readonly #received = new Map<number, string>();
  #isClosed = false;
  #isReady = false;
  #socket: Socket | undefined;
  #lastMessageId = 0;

  constructor(options: MqttSessionOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** The broker has taken connection and subscription. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** How many messages the broker has not taken yet. */
  get unacknowledged(): number {
    return this.#waiting.length + this.#inFlight.length;
  }

  publish(topic: string, payload: string, qos: 1 | 2): void {
    this.#waiting.push({ topic, payload, qos });
    this.#fill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#socket?.destroy();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      await this.#connect();
      this.#isReady = false;
      this.#socket = undefined;
      if (!this.#isClosed) await sleep(RECONNECT_PAUSE_MS);
    }
  }

  /** Resolves when the connection is over, or never came to be. */
  #connect(): Promise<void> {
    const socket = createConnection({ port: this.#options.port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    const parser = mqttPacket.parser(MQTT_3_1_1);
    parser.on('packet', (packet: Packet) => this.#receive(packet));
    parser.on('error', (error: Error) => socket.destroy(error));
    socket.on('error', () => {});
    socket.on('data', (bytes) => parser.parse(bytes));
    socket.on('connect', () => {
      const { clientId } = this.#options;
      this.#send({ cmd: 'connect', protocolId: 'MQTT', clientId, clean: false, keepalive: 0, ...MQTT_3_1_1 });
    });
    return new Promise((resolve) => socket.on('close', () => resolve()));
  }

  #send(packet: Packet): void {
    this.#socket?.write(mqttPacket.generate(packet, MQTT_3_1_1));
  }

  #receive(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        return this.#onConnack(packet);
      case 'suback':
        this.#isReady = true;
        return this.#fill();
      case 'publish':
        return this.#onPublish(packet);
      case 'pubrel':
        this.#received.delete(packet.messageId as number);
        return this.#send({ cmd: 'pubcomp', messageId: packet.messageId as number });
      case 'pubrec': {
        const outgoing = this.#inFlight.find(({ messageId }) => messageId === packet.messageId);
        if (outgoing) outgoing.isReceived = true;
        return this.#send({ cmd: 'pubrel', messageId: packet.messageId as number });
      }
      case 'puback':
      case 'pubcomp': {
        const index = this.#inFlight.findIndex(({ messageId }) => messageId === packet.messageId);
        if (index >= 0) this.#inFlight.splice(index, 1);
        return this.#fill();
      }
    }
  }

  #onConnack({ returnCode, sessionPresent }: IConnackPacket): void {
    if (returnCode !== 0) return void this.#socket?.destroy();
    if (!sessionPresent) this.#received.clear();
    for (const outgoing of this.#inFlight) {
      if (!sessionPresent) outgoing.isReceived = false;
      if (outgoing.isReceived) this.#send({ cmd: 'pubrel', messageId: outgoing.messageId as number });
      else this.#sendPublish(outgoing, sessionPresent);
    }
    const { topicFilter } = this.#options;
    if (topicFilter) {
      this.#send({
        cmd: 'subscribe',
        messageId: this.#nextMessageId(),
        subscriptions: [{ topic: topicFilter, qos: 2 }],
      });
    } else {
      this.#isReady = true;
      this.#fill();
    }
  }

  #onPublish({ topic, payload, qos, messageId = 0 }: IPublishPacket): void {
    const text = payload.toString();
    // A broker that forgot may use an identifier for another message: then it is none that we have had.
    const isRepeated = qos === 2 && this.#received.get(messageId) === topic + text;
    if (!isRepeated) this.#options.onPublish?.(topic, text);
    if (qos === 1) this.#send({ cmd: 'puback', messageId });
    if (qos === 2) {
      this.#received.set(messageId, topic + text);
      this.#send({ cmd: 'pubrec', messageId });
    }
  }

  #fill(): void {
    while (this.#isReady && this.#inFlight.length < WINDOW) {
      const outgoing = this.#waiting.shift();
      if (!outgoing) return;
      outgoing.messageId = this.#nextMessageId();
      this.#inFlight.push(outgoing);
      this.#sendPublish(outgoing, false);
    }
  }

  #sendPublish({ topic, payload, qos, messageId }: Outgoing, dup: boolean): void {
    this.#send({ cmd: 'publish', topic, payload, qos, messageId: messageId as number, dup, retain: false });
  }

  #nextMessageId(): number {
    this.#lastMessageId = (this.#lastMessageId % 65_535) + 1;
    return this.#lastMessageId;
  }
}
