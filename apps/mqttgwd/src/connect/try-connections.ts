import { connectorOptions, type GatewayConfiguration, subscriptionsOf } from '@cstbox/dbus-bus';
import {
  explainFault,
  formatBrokerAddress,
  type InboundFilter,
  MQTTConnector,
  type MQTTConnectorOptions,
  type OutboundFilter,
  parseBrokerAddress,
} from '@cstbox/mqtt-core';
import { type Trial, Trials } from './trials.js';
import { tryBus } from './try-bus.js';
import { tryMqtt } from './try-mqtt.js';
import { connectTcp, hasName, resolve } from './try-network.js';
import { connectTls } from './try-tls.js';
import { connectWebSocket } from './try-websocket.js';

/** What a configuration connects, and how it is to be tried. */
export interface ConnectionOptions {
  readonly configuration: GatewayConfiguration;
  readonly inbound: readonly InboundFilter[];
  readonly outbound: readonly OutboundFilter[];
  /** Where the bus is, unless the configuration says. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default: {@link defaultProbeTopic}. */
  readonly probeTopic?: string | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called with each step as soon as it is over. */
  readonly report: (trial: Trial) => void;
}

/**
 * Tries every connection that the gateway would make, step by step and as far as it goes: the bus, and each broker. Each step may take
 * `broker.connect_timeout`. A running gateway is not disturbed, and nothing stays open.
 *
 * @throws {ConfigurationError} a file of `tls` can't be read
 * @throws the reason of the signal, when it is aborted
 */
export async function tryConnections(options: ConnectionOptions): Promise<void> {
  const { configuration, inbound, outbound, environment, signal, report } = options;
  const { topics } = subscriptionsOf(configuration, inbound);
  const wanted = connectorOptions(configuration, topics);
  const { clientId } = new MQTTConnector(wanted);
  const trials = new Trials({ timeoutMs: wanted.connectTimeoutMs ?? 10_000, signal, report });
  const channels = new Set(outbound.flatMap((filter) => filter.channels));
  await tryBus(trials, configuration, environment, [...channels]);
  const probeTopic = options.probeTopic ?? defaultProbeTopic(clientId);
  for (const [index, broker] of [wanted.broker].flat().entries()) {
    const place = Array.isArray(configuration.broker.host) ? ['broker', 'host', index] : ['broker', 'host'];
    await tryBroker(trials, { ...wanted, broker, clientId }, place, probeTopic);
  }
}

/** Where the probe of a gateway goes. */
export function defaultProbeTopic(clientId: string): string {
  // What a topic can't hold, or would add a level.
  return `mqttgwd/${clientId.replace(/[+#/\p{Cc}]/gu, encodeURIComponent)}/probe`;
}

async function tryBroker(
  trials: Trials,
  options: MQTTConnectorOptions & { broker: string; clientId: string },
  place: readonly (string | number)[],
  probeTopic: string,
): Promise<void> {
  const { broker, port, tls = {} } = options;
  const address = parseBrokerAddress(broker, port, options.tls !== undefined);
  const url = formatBrokerAddress(address);
  const explain = (error: unknown) => explainFault(error, address, { names: options.names });
  const { protocol } = address;
  if (hasName(address) && !(await trials.try('resolve', url, (signal) => resolve(address, explain, signal), place)))
    return;
  if (!(await trials.try('tcp', url, (signal) => connectTcp(address, explain, signal), place))) return;
  if (protocol === 'mqtts' || protocol === 'wss') {
    if (!(await trials.try('tls', url, (signal) => connectTls(address, tls, explain, signal), place))) return;
  }
  if (protocol === 'ws' || protocol === 'wss') {
    if (!(await trials.try('websocket', url, (signal) => connectWebSocket(address, tls, explain, signal), place)))
      return;
  }
  await tryMqtt(trials, { options, address, place, probeTopic, hasCertificate: tls.cert !== undefined });
}
