import {
  ALL_CHANNELS,
  ConfigurationError,
  type Finding,
  type InboundFilter,
  type OutboundFilter,
  topicFilterFault,
  uniteTopicFilters,
} from '@cstbox/mqtt-core';
import type { GatewayConfiguration } from './configuration.js';

/** What to subscribe to. */
export interface Subscriptions {
  readonly topics: readonly string[];
  /** What may be missing, in words for an operator. */
  readonly warning?: string;
}

/**
 * The topic filters to subscribe to: those of the configuration, and where it names none, not even an empty list, those that
 * the filters ask for.
 *
 * @throws {ConfigurationError} when a filter asks for what can't be subscribed to
 */
export function subscriptionsOf(
  { listened_topics: listed }: GatewayConfiguration,
  filters: readonly InboundFilter[],
): Subscriptions {
  if (listed) {
    if (filters.length > 0 && listed.length === 0) {
      return {
        topics: [],
        warning: 'there is an inbound filter, but listened_topics is empty: no message will come in',
      };
    }
    const isIdle = filters.length === 0 && listed.length > 0;
    return {
      topics: listed,
      ...(isIdle && { warning: 'there are listened_topics, but no inbound filter: what comes on them is ignored' }),
    };
  }
  const wanted = filters.map(wantedBy);
  const topics = uniteTopicFilters(wanted.flatMap((each) => each ?? []));
  if (!wanted.includes(undefined)) return { topics };
  const warning =
    topics.length === 0
      ? 'there is an inbound filter, but no listened_topics: no message will come in'
      : 'an inbound filter does not say which topics it needs: name all of them in listened_topics';
  return { topics, warning };
}

/**
 * What is worth a warning about filters and their configuration together: topics that nobody subscribes to, channels that no
 * CSTBox has. The gateway logs it when it starts.
 *
 * @throws {ConfigurationError} when a filter asks for what can't be subscribed to
 */
export function inspectFilters(
  configuration: GatewayConfiguration,
  inbound: readonly InboundFilter[],
  outbound: readonly OutboundFilter[],
): readonly Finding[] {
  const findings: Finding[] = [];
  const warn = (code: string, message: string, path: Finding['path']) =>
    findings.push({ severity: 'warning', code, message, path });
  const { warning } = subscriptionsOf(configuration, inbound);
  if (warning !== undefined) warn('subscriptions', warning, ['listened_topics']);
  const channels = new Set(outbound.flatMap((filter) => filter.channels));
  const strange = [...channels].filter((channel) => !ALL_CHANNELS.includes(channel));
  if (strange.length > 0) {
    const message = `listening to ${strange.join(', ')}, beside the channels that every CSTBox has: ${ALL_CHANNELS.join(', ')}`;
    warn('unknown_channel', message, ['filters', 'outbound']);
  }
  return findings;
}

function wantedBy(filter: InboundFilter): readonly string[] | undefined {
  const topics: unknown = filter.topicFilters;
  if (topics === undefined || topics === null) return undefined;
  const fault = Array.isArray(topics) ? topics.map(faultOf).find((each) => each !== undefined) : 'it is no list';
  if (fault === undefined) return topics as string[];
  const name = filter.name ?? filter.constructor.name;
  throw new ConfigurationError(
    `the topicFilters of the inbound filter ${name} can't be subscribed to: ${fault}; name the topics in listened_topics`,
  );
}

function faultOf(topic: unknown): string | undefined {
  if (typeof topic !== 'string') return 'they are texts';
  const fault = topicFilterFault(topic);
  return fault && `'${topic}': ${fault}`;
}
