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

/**
 * Answers commands that name a response topic (MQTT 5, section 4.10, "Request / Response"): a JSON object with `outcome`,
 * `accepted` with the `events`, or `refused` with `reason` and `detail`; and the asker's correlation data.
 */
export class Replies {
  readonly #connector: MQTTConnector;
  readonly #logger: Logger;
  #sent = 0;
  #lost = 0;

  constructor(connector: MQTTConnector, logger: Logger) {
    this.#connector = connector;
    this.#logger = logger;
  }

  get counts(): ReplyCounts {
    return { sent: this.#sent, lost: this.#lost };
  }

  /** Answers, where an answer is wanted. Does not wait for it, and never throws. */
  answer({ properties, qos }: MQTTMessage, outcome: Outcome): void {
    const topic = properties?.responseTopic;
    if (topic === undefined) return;
    void this.#send(topic, toJson(outcome), qos === 0 ? 0 : 1, properties?.correlationData).then(
      () => this.#sent++,
      (error) => {
        const line = `an answer to ${quote(topic)} was not sent: ${describeError(error)}`;
        if (this.#lost++ === 0) this.#logger.warn(`${line}; further ones are counted, not logged`);
        else this.#logger.debug(line);
      },
    );
  }

  async #send(topic: string, payload: string, qos: 0 | 1, correlationData: Uint8Array | undefined): Promise<void> {
    const fault = topicFault(topic);
    if (fault) throw new Error(fault);
    // Topics come from strangers: an answer must not come back as a command.
    const own = this.#connector.topics.find((filter) => matchesTopicFilter(filter, topic));
    if (own !== undefined) throw new Error(`it would come back to us through our subscription to ${own}`);
    await this.#connector.publish(topic, payload, { qos, properties: correlationData ? { correlationData } : {} });
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
  return JSON.stringify({ outcome: 'accepted', events });
}
