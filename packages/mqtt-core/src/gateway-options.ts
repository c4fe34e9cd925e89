import type { MQTTConnectorOptions } from './connector-options.js';
import { ConfigurationError } from './errors.js';
import type { EventBus } from './event-bus.js';
import type { InboundFilter, OutboundFilter } from './filter.js';
import type { InboundPolicy } from './inbound-policy.js';
import type { Logger } from './logger.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { QoS } from './mqtt-message.js';
import type { Outbox } from './outbox.js';

/** What decides what crosses a {@link Gateway}, and how: it may be changed while the gateway runs. */
export interface GatewaySettings {
  /** What may come in; of several filters the first that answers decides. Default: nothing. */
  inbound?: InboundFilter | readonly InboundFilter[] | undefined;
  /** What may go out; of several filters the first that answers decides. Default: nothing. */
  outbound?: OutboundFilter | readonly OutboundFilter[] | undefined;
  /** How long the answer of a filter may take, in ms, before its message is refused as `filter_slow`. Default: 1,000. */
  filterTimeoutMs?: number;
  /** Through how many gateways a message may have come, beyond which it is refused as `loop`. Default: 8. */
  maxHops?: number;
  /** Which of the accepted messages are let in all the same, where their rule does not say. Default: see {@link InboundPolicy}. */
  policy?: InboundPolicy;
  /** The QoS to publish with. Default: 1. */
  qos?: QoS;
  /** How long the broker may take to acknowledge, in ms, before the connection is replaced. Default: 20,000. */
  ackTimeoutMs?: number;
  /** How long `stop()` waits for what is on its way, in ms. Default: 5,000. */
  stopTimeoutMs?: number;
}

/** Options of a {@link Gateway}. */
export interface GatewayOptions extends GatewaySettings {
  /** The bus to bridge. It stays the caller's: the gateway only subscribes and emits. */
  bus: EventBus;
  /** The connection to the broker. The gateway runs it, sets its `onMessage` and `noLocal`, and shuts it down. */
  connector: MQTTConnector;
  /** Where messages wait for the broker. The gateway opens and closes it. Default: in memory, bounded. */
  outbox?: Outbox;
  /** Default: silent. */
  logger?: Logger;
}

/** What a running gateway is to go on with: all of it. What is left out has its default, and does not stay as it was. */
export interface GatewayChange extends GatewaySettings {
  /** Options for the connection to the broker. Default: it stays as it is. */
  connector?: MQTTConnectorOptions;
}

/** The settings with their defaults, checked. */
export interface ResolvedSettings {
  readonly inbound: readonly InboundFilter[];
  readonly outbound: readonly OutboundFilter[];
  readonly policy: InboundPolicy | undefined;
  readonly qos: QoS;
  readonly filterTimeoutMs: number;
  readonly maxHops: number;
  readonly ackTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** @throws {ConfigurationError} when there is no filter at all: nothing could ever cross */
export function resolveSettings(settings: GatewaySettings): ResolvedSettings {
  const {
    policy,
    qos = 1,
    filterTimeoutMs = 1_000,
    maxHops = 8,
    ackTimeoutMs = 20_000,
    stopTimeoutMs = 5_000,
  } = settings;
  const inbound = [settings.inbound ?? []].flat();
  const outbound = [settings.outbound ?? []].flat();
  if (inbound.length + outbound.length === 0) {
    throw new ConfigurationError('a gateway without any filter lets nothing cross: give it one');
  }
  return { inbound, outbound, policy, qos, filterTimeoutMs, maxHops, ackTimeoutMs, stopTimeoutMs };
}
