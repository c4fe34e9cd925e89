import { ConfigurationError, MQTTConnector, type MQTTMessage } from '@cstbox/mqtt-core';
import type { InboundRuleObject } from './inbound-rule-schema.js';
import { REInboundFilter } from './re-inbound-filter.js';

/** Never connected: filters get it to look at. */
export const client = new MQTTConnector({ broker: 'localhost' });

export const message = (topic: string, payload: string | Uint8Array): MQTTMessage => ({
  topic,
  payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
  qos: 1,
  retain: false,
});

/** What comes of a message: each event's data, or the reason of the refusal; `null`: nothing. */
export function arrive(filter: REInboundFilter, topic: string, payload: string | Uint8Array): unknown {
  const events = filter.acceptEvent(client, undefined, message(topic, payload));
  return events ? events.map(([event]) => ('data' in event ? event.data : event[2])) : (filter.takeRefusal() ?? null);
}

/** A filter with one rule, which makes one event of everything. */
export const filterWith = (rule: Partial<InboundRuleObject>) =>
  new REInboundFilter([{ match: '.*', emit: [['t', 'n']], ...rule }]);

/** The problems that loading reports: place and message. */
export function problemsOf(load: () => unknown): [readonly (string | number)[], string][] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(({ message, path }) => [path, message]);
    throw error;
  }
  return [];
}

/** Ms of computing that something takes, which a busy machine does not add to. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
