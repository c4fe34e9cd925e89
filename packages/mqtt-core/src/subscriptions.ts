import type { MqttClient } from 'mqtt';
import { describeError, type Logger } from './logger.js';
import type { QoS } from './mqtt-message.js';
import type { WireVersion } from './reconnect-schedule.js';

/** So many topics are named in a line. */
const LISTED_TOPICS = 50;

/** How a topic is held that is being taken back. */
const LEAVING = '';

/** What to subscribe to, and how. */
export interface Wanted {
  readonly topics: readonly string[];
  readonly qos: QoS;
  /** Leave out what this client publishes itself (MQTT 5). */
  readonly noLocal: boolean;
}

/**
 * What is subscribed to at the broker. What is no longer wanted is taken back after what is wanted was asked for, so that
 * nothing is missed on a topic of both; and in a session that goes on, also what was given up while there was no connection.
 */
export class Subscriptions {
  readonly #logger: Logger;
  /** What the session may have of us, by topic filter, and how it was asked for. */
  #held = new Map<string, string>();
  /** What was refused on the present connection. */
  readonly #refused = new Set<string>();
  /** What was accepted since the broker had last answered everything. */
  #accepted: string[] = [];
  #unanswered = 0;
  /** Counts connections, for answers of an earlier one. */
  #connection = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Whether the broker has yet to answer. */
  get isAsking(): boolean {
    return this.#unanswered > 0;
  }

  /** The topic filters that were refused. */
  get refused(): readonly string[] {
    return [...this.#refused];
  }

  /** The same in one line. */
  get refusal(): string | undefined {
    if (this.#refused.size === 0) return undefined;
    return `the broker refused the subscription to ${listed(this.refused)}: its access list has to allow it`;
  }

  /** A connection was accepted: without the session of before, the broker has forgotten everything. */
  opened(sessionPresent: boolean): void {
    this.closed();
    this.#refused.clear();
    if (!sessionPresent) this.#held.clear();
  }

  /** The connection ended, or is about to: what it still answers is of no interest. */
  closed(): void {
    this.#connection++;
    this.#unanswered = 0;
    this.#accepted = [];
  }

  /**
   * Asks for what is wanted and was not yet asked for in this way, or for all of it; and takes back the rest.
   *
   * @param onAnswered called with what the broker accepted, when it has answered everything
   */
  ask(
    client: MqttClient,
    version: WireVersion,
    { topics, qos, noLocal }: Wanted,
    all: boolean,
    onAnswered: (accepted: readonly string[]) => void,
  ): void {
    const how = `${qos} ${noLocal}`;
    const missing = all ? topics : topics.filter((topic) => this.#held.get(topic) !== how);
    const wanted = new Set(topics);
    const unwanted = [...this.#held].flatMap(([topic, held]) =>
      wanted.has(topic) || (held === LEAVING && !all) ? [] : [topic],
    );
    const connection = this.#connection;
    for (const topic of unwanted) this.#refused.delete(topic);
    for (const group of noLocal && version === 5 ? byReach(missing) : [missing]) {
      if (group.length === 0) continue;
      for (const topic of group) this.#held.set(topic, how);
      this.#unanswered++;
      // Retained messages for new subscriptions only: a session that goes on has had them (MQTT 5, section 3.8.3.1).
      const five = { rh: 1, nl: noLocal && !isShared(group[0]) };
      client.subscribe([...group], { qos, ...(version === 5 && five) }, (error) => {
        if (connection !== this.#connection) return;
        const refused = refusedTopics(error, group);
        for (const topic of group) {
          if (refused.includes(topic)) this.#refused.add(topic);
          else this.#refused.delete(topic);
        }
        this.#accepted.push(...group.filter((topic) => !refused.includes(topic)));
        if (--this.#unanswered === 0) onAnswered(this.#accepted.splice(0));
      });
    }
    if (unwanted.length > 0) this.#takeBack(client, unwanted);
  }

  #takeBack(client: MqttClient, topics: readonly string[]): void {
    const connection = this.#connection;
    for (const topic of topics) this.#held.set(topic, LEAVING);
    client.unsubscribe([...topics], (error) => {
      if (connection !== this.#connection) return;
      if (error) return this.#logger.debug(`still subscribed to ${listed(topics)}: ${describeError(error)}`);
      // It may be wanted again by now.
      for (const topic of topics) if (this.#held.get(topic) === LEAVING) this.#held.delete(topic);
      this.#logger.info(`no longer subscribed to ${listed(topics)}`);
    });
  }
}

/** The first of many, for a line. */
export function listed(topics: readonly string[]): string {
  const more = topics.length - LISTED_TOPICS;
  return `${topics.slice(0, LISTED_TOPICS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function isShared(topic: string | undefined): boolean {
  return topic?.startsWith('$share/') ?? false;
}

/** Those that no-local exists for, and those for which it is a protocol error (MQTT 5, section 3.8.3.1). */
function byReach(topics: readonly string[]): (readonly string[])[] {
  return [topics.filter((topic) => !isShared(topic)), topics.filter(isShared)];
}

/** The topics that the broker refused: it answers them with 128 or more in place of a QoS, which MQTT.js makes an error. */
function refusedTopics(error: Error | null, topics: readonly string[]): readonly string[] {
  if (!error) return [];
  const granted = (error as { packet?: { granted?: unknown } }).packet?.granted;
  return Array.isArray(granted) ? topics.filter((_topic, index) => (granted[index] as number) >= 128) : topics;
}
