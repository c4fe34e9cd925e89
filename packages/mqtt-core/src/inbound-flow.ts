import type { IPublishPacket, MqttClient } from 'mqtt';
import { MQTTGatewayError } from './errors.js';
import { InboundAcknowledgements } from './inbound-acknowledgements.js';
import { describeError, type Logger } from './logger.js';
import { fromPacketProperties } from './message-properties.js';
import type { MQTTMessage, QoS } from './mqtt-message.js';

/**
 * What MQTT.js is told in place of an acknowledgement: it then sends none, emits this as an error, and reads on. It has no
 * other way to acknowledge late without reading nothing meanwhile, not even the answers to its own pings.
 */
export const ACKNOWLEDGED_LATER = new Error('acknowledged later');

/** What an {@link InboundFlow} is made of. */
export interface InboundFlowParts {
  readonly handler: (message: MQTTMessage) => void | Promise<void>;
  /** How much may be under way before no more is read. */
  readonly limits: { readonly messages: number; readonly bytes: number };
  readonly logger: Logger;
  /** Nothing is read any more for now. */
  readonly onPause: () => void;
  /** It is read on. */
  readonly onResume: () => void;
}

/** What of MQTT.js is used beside its declared interface. */
interface SendingClient {
  _sendPacket(packet: { cmd: 'puback' | 'pubrec'; messageId: number }): void;
}

/**
 * Reads messages, hands them over without waiting for one another, and acknowledges each when its handler is done. Stops
 * reading while too much is under way.
 */
export class InboundFlow {
  readonly #handler: InboundFlowParts['handler'];
  #limits: InboundFlowParts['limits'];
  readonly #logger: Logger;
  readonly #onPause: () => void;
  readonly #onResume: () => void;
  readonly #acknowledgements = new InboundAcknowledgements((qos, messageId) => {
    const client = this.#client as unknown as SendingClient | undefined;
    client?._sendPacket({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId });
  });
  /** The client of the present connection. */
  #client: MqttClient | undefined;
  #messages = 0;
  #bytes = 0;
  #readOn: (() => void) | undefined;
  #wasPaused = false;
  #keepAlive: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor({ handler, limits, logger, onPause, onResume }: InboundFlowParts) {
    this.#handler = handler;
    this.#limits = limits;
    this.#logger = logger;
    this.#onPause = onPause;
    this.#onResume = onResume;
  }

  /** Goes on within other limits. */
  reconfigure(limits: InboundFlowParts['limits']): void {
    this.#limits = limits;
    this.#resume();
  }

  /** Takes over what a client receives. */
  attach(client: MqttClient): void {
    // The constructor of MQTT.js heeds this option for MQTT 5 only; what it calls is what stands here.
    client.options.customHandleAcks = (topic, _payload, packet, done) =>
      this.#receive(topic, packet as IPublishPacket, () => done(ACKNOWLEDGED_LATER));
    client.handleMessage = (packet, done) =>
      this.#receive((packet as IPublishPacket).topic, packet as IPublishPacket, () => done());
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'pubrel' && packet.messageId !== undefined) this.#acknowledgements.released(packet.messageId);
    });
  }

  /** The broker accepted a connection of this client. */
  opened(client: MqttClient, isResumed: boolean): void {
    this.#client = client;
    this.#acknowledgements.open(isResumed);
    if (client.keepalive > 0) this.#keepAlive = setInterval(this.#ping, client.keepalive * 500);
  }

  /** The connection ended. */
  closed(): void {
    this.#client = undefined;
    this.#readOn = undefined;
    clearInterval(this.#keepAlive);
    this.#acknowledgements.close();
  }

  /** Hands nothing over any more, and acknowledges nothing. */
  stop(): void {
    this.#stopped = true;
    this.closed();
  }

  /** Whether nothing is read for now. */
  get isPaused(): boolean {
    return this.#readOn !== undefined;
  }

  #receive(topic: string, packet: IPublishPacket, proceed: () => void): void {
    if (this.#stopped) return proceed();
    const { qos, dup, retain, messageId: id = 0 } = packet;
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const handed = qos === 0 ? undefined : this.#acknowledgements.arrive({ id, qos, dup, topic, payload });
    if (qos === 0 || handed) {
      const properties = fromPacketProperties(packet.properties);
      const message = { topic, payload, qos: qos as QoS, retain, duplicate: dup, ...(properties && { properties }) };
      const bytes = topic.length + payload.length;
      this.#messages++;
      this.#bytes += bytes;
      this.#handOver(message, (state) => {
        this.#messages--;
        this.#bytes -= bytes;
        if (handed && !this.#stopped) this.#acknowledgements.settle(handed, state);
        this.#resume();
      });
    }
    if (this.#hasRoom) return proceed();
    this.#wasPaused = true;
    this.#readOn = proceed;
    this.#onPause();
  }

  #handOver(message: MQTTMessage, settle: (state: 'accepted' | 'left') => void): void {
    const fail = (error: unknown) => {
      if (error instanceof MQTTGatewayError && error.code === 'closed') return settle('left');
      this.#logger.error(`the handler of messages failed: ${describeError(error)}`);
      settle('accepted');
    };
    let result: void | Promise<void>;
    try {
      result = this.#handler(message);
    } catch (error) {
      return fail(error);
    }
    if (result === undefined) return settle('accepted');
    Promise.resolve(result).then(() => settle('accepted'), fail);
  }

  get #hasRoom(): boolean {
    return this.#messages <= this.#limits.messages && this.#bytes <= this.#limits.bytes;
  }

  #resume(): void {
    if (!this.#readOn || !this.#hasRoom) return;
    const readOn = this.#readOn;
    this.#readOn = undefined;
    this.#onResume();
    readOn();
  }

  /** Whoever does not read does not see the answers to its pings: MQTT.js must not give up the connection for that. */
  readonly #ping = (): void => {
    if (!this.#wasPaused) return;
    this.#wasPaused = this.isPaused;
    this.#client?.sendPing();
    this.#client?.reschedulePing(true);
  };
}
