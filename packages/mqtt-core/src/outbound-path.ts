import { Accounting, type DirectionCounts } from './accounting.js';
import type { Crossing } from './crossing.js';
import type { TimedEvent } from './event.js';
import type { BusListener } from './event-bus.js';
import type { OutboundFilter } from './filter.js';
import { bookRefusal, forgetRefusal, kindOf, quote } from './filter-answer.js';
import { describeError, type Logger } from './logger.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { QoS } from './mqtt-message.js';
import type { OutboundMessage, Outbox } from './outbox.js';
import { Sender } from './sender.js';
import { topicFault } from './topic.js';

/** What the way out is made of. */
export interface OutboundPathParts {
  readonly filter: OutboundFilter;
  readonly outbox: Outbox;
  readonly connector: MQTTConnector;
  readonly qos: QoS;
  readonly logger: Logger;
  readonly observers: ReadonlySet<(crossing: Crossing) => void>;
}

/** The way out: bus → filter → outbox → connector. Hears the bus as its listener. */
export class OutboundPath implements BusListener {
  readonly #filter: OutboundFilter;
  readonly #outbox: Outbox;
  readonly #qos: QoS;
  readonly #books: Accounting;
  readonly #sender: Sender;
  readonly #observers: OutboundPathParts['observers'];

  constructor({ filter, outbox, connector, qos, logger, observers }: OutboundPathParts) {
    this.#filter = filter;
    this.#outbox = outbox;
    this.#qos = qos;
    this.#observers = observers;
    this.#books = new Accounting('an event from the bus', logger);
    // What an outbox has kept from an earlier life is on its way too.
    this.#books.receive(outbox.waiting);
    this.#sender = new Sender(outbox, connector, qos, {
      delivered: () => this.#books.forward(),
      refused: ({ topic }, error) =>
        this.#books.drop('refused_by_broker', () => `${quote(topic)}: ${describeError(error)}`),
    });
  }

  get counts(): DirectionCounts {
    return this.#books.counts;
  }

  event(channel: string, event: TimedEvent): void {
    this.#books.receive();
    const message = this.#translate(channel, event);
    if (!message) return;
    const givenUp = this.#outbox.put(message);
    if (givenUp > 0) {
      this.#books.drop('outbox_full', () => `${this.#outbox.waiting} messages wait for the broker`, givenUp);
    }
    this.#sender.wake();
    for (const observer of this.#observers) observer({ direction: 'out', channel, event, message });
  }

  malformed(reason: string, detail: string): void {
    this.#books.receive();
    this.#books.drop(reason, () => detail);
  }

  /** Resolves when everything has left, or when the deadline has passed. */
  drained(deadline: AbortSignal): Promise<void> {
    return this.#sender.drained(deadline);
  }

  /** Sends nothing more. Resolves with how many messages are lost with the outbox. */
  close(): Promise<number> {
    this.#sender.close();
    return this.#outbox.close();
  }

  /** The message for an event, or `undefined` when it was filtered or dropped, and is accounted for. */
  #translate(channel: string, { timestamp, varType, varName, data }: TimedEvent): OutboundMessage | undefined {
    const filter = this.#filter;
    try {
      const topic = filter.getMqttTopic(timestamp, varType, varName, data, channel);
      if (topic === null || topic === undefined) {
        bookRefusal(this.#books, filter, `${varType}:${varName}`);
        return undefined;
      }
      forgetRefusal(filter);
      if (typeof topic !== 'string') {
        throw new TypeError(`getMqttTopic gave ${kindOf(topic)}, expected a string or null`);
      }
      const fault = topicFault(topic);
      if (fault) {
        this.#books.drop('illegal_topic', () => `${quote(topic)}: ${fault}`);
        return undefined;
      }
      const payload = filter.makePayload(timestamp, varType, varName, data);
      if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
        throw new TypeError(`makePayload gave ${kindOf(payload)}, expected a string or bytes`);
      }
      return { topic, payload, qos: this.#qos, retain: false };
    } catch (error) {
      this.#books.drop('filter_fault', () => `${quote(`${varType}:${varName}`)}: ${describeError(error)}`);
      return undefined;
    }
  }
}
