import type { BasicEvent } from './event.js';
import type { Refusal } from './filter.js';
import { quote } from './filter-answer.js';
import { describeError, type Logger } from './logger.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import { matchesTopicFilter, topicFault } from './topic.js';

/** How many answers to commands left, and how many could not. */
export interface ReplyCounts {
  readonly sent: number;
  readonly lost: number;
}

/** What became of a command. */
export type Outcome =
  | { readonly events: readonly { readonly channel: string; readonly event: BasicEvent }[] }
  | { readonly refusal: Refusal };

/** How many answers may wait until they can be sent. */
const MAX_WAITING = 1_000;

interface Answer {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly correlationData: Uint8Array | undefined;
}

/**
 * Answers commands that name a response topic (MQTT 5, section 4.10, "Request / Response"): a JSON object with `outcome`,
 * `accepted` with the `events`, or `refused` with `reason` and `detail`; and the asker's correlation data.
 *
 * Answers go out in their order, as the socket takes them and as the part of the broker's window allows that events leave to
 * others. They are not kept over the loss of the connection.
 */
export class Replies {
  readonly #connector: MQTTConnector;
  readonly #logger: Logger;
  readonly #waiting: Answer[] = [];
  /** How many of QoS 1 are on the wire. */
  #unacknowledged = 0;
  #awaitsSocket = false;
  #sent = 0;
  #lost = 0;

  constructor(connector: MQTTConnector, logger: Logger) {
    this.#connector = connector;
    this.#logger = logger;
    connector.watch(this.#retry);
  }

  get counts(): ReplyCounts {
    return { sent: this.#sent, lost: this.#lost };
  }

  /** Answers, where an answer is wanted. Does not wait for it, and never throws. */
  answer({ properties, qos }: MQTTMessage, outcome: Outcome): void {
    const topic = properties?.responseTopic;
    if (topic === undefined) return;
    const fault = this.#faultOf(topic);
    if (fault !== undefined) return this.#lose(topic, fault);
    const correlationData = properties?.correlationData;
    this.#waiting.push({ topic, payload: toJson(outcome), qos: qos === 0 ? 0 : 1, correlationData });
    this.#send();
  }

  #faultOf(topic: string): string | undefined {
    // Topics come from strangers: an answer must not come back as a command.
    const own = this.#connector.topics.find((filter) => matchesTopicFilter(filter, topic));
    return (
      topicFault(topic) ??
      (own === undefined ? undefined : `it would come back to us through our subscription to ${own}`) ??
      (this.#waiting.length < MAX_WAITING ? undefined : `${MAX_WAITING} others wait to be sent already`)
    );
  }

  readonly #send = (): void => {
    const connector = this.#connector;
    for (let answer = this.#waiting[0]; answer; answer = this.#waiting[0]) {
      if (connector.connected) {
        if (!connector.writable) return this.#awaitSocket();
        if (answer.qos > 0 && this.#unacknowledged >= connector.reserveOf(answer.qos)) return;
      }
      this.#waiting.shift();
      void this.#publish(answer);
    }
  };

  #awaitSocket(): void {
    if (this.#awaitsSocket) return;
    this.#awaitsSocket = true;
    this.#connector.onceWritable(this.#retry);
  }

  /** The socket takes more, or its connection ended. */
  readonly #retry = (): void => {
    this.#awaitsSocket = false;
    this.#send();
  };

  async #publish({ topic, payload, qos, correlationData }: Answer): Promise<void> {
    this.#unacknowledged += qos;
    try {
      await this.#connector.publish(topic, payload, { qos, properties: correlationData ? { correlationData } : {} });
      this.#sent++;
    } catch (error) {
      this.#lose(topic, describeError(error));
    }
    this.#unacknowledged -= qos;
    this.#send();
  }

  #lose(topic: string, why: string): void {
    const line = `an answer to ${quote(topic)} was not sent: ${why}`;
    if (this.#lost++ === 0) this.#logger.warn(`${line}; further ones are counted, not logged`);
    else this.#logger.debug(line);
  }
}

function toJson(outcome: Outcome): string {
  if ('refusal' in outcome) return JSON.stringify({ outcome: 'refused', ...outcome.refusal });
  const events = outcome.events.map(({ channel, event: { varType, varName, data } }) => ({
    channel,
    var_type: varType,
    var_name: varName,
    data,
  }));
  try {
    return JSON.stringify({ outcome: 'accepted', events });
  } catch {
    // A value that is nested deeper than anybody writes it: the answer goes without.
    return JSON.stringify({ outcome: 'accepted' });
  }
}
