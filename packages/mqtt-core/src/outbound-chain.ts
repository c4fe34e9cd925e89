import { ConfigurationError } from './errors.js';
import type { TimedEvent } from './event.js';
import type { OutboundFilter, Refusal } from './filter.js';
import { nonsense, quote, refusalOf } from './filter-answer.js';
import { FilterChain, type FilterChainParts } from './filter-chain.js';
import { topicFault } from './topic.js';

/** What to publish for an event. */
export interface OutboundAnswer {
  readonly topic: string;
  readonly payload: string | Uint8Array;
}

/** The filters that decide what goes out. Each hears of the channels that it listens to. */
export class OutboundChain extends FilterChain<OutboundFilter, TimedEvent, OutboundAnswer> {
  /** The channels that any of them listens to. */
  readonly channels: readonly string[];
  readonly #channels: ReadonlyMap<OutboundFilter, ReadonlySet<string>>;

  /** @throws {ConfigurationError} when a filter does not say which channels it listens to */
  constructor(parts: FilterChainParts<OutboundFilter>) {
    super(parts);
    this.#channels = new Map(
      parts.filters.map((filter, index) => [filter, channelsOf(filter, parts.names.filters[index] as string)]),
    );
    this.channels = [...new Set([...this.#channels.values()].flatMap((channels) => [...channels]))];
  }

  override isFor(filter: OutboundFilter, channel: string): boolean {
    return this.#channels.get(filter)?.has(channel) ?? false;
  }

  protected override answerOf(
    filter: OutboundFilter,
    { timestamp, varType, varName, data }: TimedEvent,
    channel: string,
  ): OutboundAnswer | Refusal | undefined {
    const topic: unknown = filter.getMqttTopic(timestamp, varType, varName, data, channel);
    if (topic !== null && topic !== undefined && typeof topic !== 'string') {
      throw nonsense('getMqttTopic', topic, 'a string or null');
    }
    const refusal = refusalOf(filter);
    if (typeof topic !== 'string') return refusal;
    const fault = topicFault(topic);
    if (fault) return { reason: 'illegal_topic', detail: `${quote(topic)}: ${fault}` };
    const payload: unknown = filter.makePayload(timestamp, varType, varName, data);
    if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
      throw nonsense('makePayload', payload, 'a string or bytes');
    }
    return { topic, payload };
  }
}

function channelsOf({ channels }: OutboundFilter, name: string): ReadonlySet<string> {
  const isList = Array.isArray(channels) && channels.every((each) => typeof each === 'string' && each !== '');
  if (isList) return new Set(channels);
  throw new ConfigurationError(`the filter ${name} has no channels, the list of those that it listens to`);
}
