import { connectorOptions, gatewayOptions, subscriptionsOf } from '@cstbox/dbus-bus';
import { MQTTConnector, Rehearsal } from '@cstbox/mqtt-core';
import type { LoadedGateway } from './load-gateway.js';

/**
 * A rehearsal of the gateway that a configuration describes. Filters may take their time in it.
 *
 * @param now the time, in ms since the Epoch. Default: the real one
 */
export function rehearsalOf({ configuration, inbound, outbound }: LoadedGateway, now?: () => number): Rehearsal {
  const { topics } = subscriptionsOf(configuration, inbound);
  const connector = new MQTTConnector(connectorOptions(configuration, topics));
  return new Rehearsal({
    ...gatewayOptions(configuration),
    connector,
    inbound,
    outbound,
    filterTimeoutMs: undefined,
    now,
  });
}
