import { type EventData, OutboundFilter, TimedEvent, type Timestamp } from '@cstbox/mqtt-core';

/** Decides as the filter within it does, and tells of what no rule lets out. */
export class WatchedFilter extends OutboundFilter {
  override readonly channels: readonly string[];
  readonly #filter: OutboundFilter;
  readonly #onStay: (channel: string, event: TimedEvent) => void;

  constructor(filter: OutboundFilter, onStay: (channel: string, event: TimedEvent) => void) {
    super();
    this.name = filter.name;
    this.channels = filter.channels;
    this.#filter = filter;
    this.#onStay = onStay;
  }

  override getMqttTopic(timestamp: Timestamp, varType: string, varName: string, data: EventData, channel: string) {
    const topic = this.#filter.getMqttTopic(timestamp, varType, varName, data, channel);
    const refusal = this.#filter.takeRefusal();
    this.lastRule = this.#filter.lastRule;
    if (topic !== null) return topic;
    // A rule was for it, and something was wrong with it: the gateway counts and logs that.
    if (refusal) return this.refuse(refusal.reason, refusal.detail);
    this.#onStay(channel, new TimedEvent(timestamp, varType, varName, data));
    return null;
  }

  override makePayload(timestamp: Timestamp, varType: string, varName: string, data: EventData) {
    return this.#filter.makePayload(timestamp, varType, varName, data);
  }
}
