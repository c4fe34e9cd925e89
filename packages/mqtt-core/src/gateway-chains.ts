import type { Accounting } from './accounting.js';
import { FilterNames } from './filter-names.js';
import type { ResolvedSettings } from './gateway-options.js';
import { InboundChain } from './inbound-chain.js';
import type { MQTTConnector } from './mqtt-connector.js';
import { OutboundChain } from './outbound-chain.js';

/** The books of both directions. */
export interface Books {
  readonly in: Accounting;
  readonly out: Accounting;
}

/** The filters of both directions in their order, and what they are called. */
export interface Chains {
  readonly inNames: FilterNames;
  readonly outNames: FilterNames;
  readonly inChain: InboundChain;
  readonly outChain: OutboundChain;
}

/**
 * Puts the filters in their places.
 *
 * @throws {ConfigurationError} when an outbound filter does not say which channels it listens to
 */
export function makeChains(
  { inbound, outbound, filterTimeoutMs: timeoutMs }: ResolvedSettings,
  books: Books,
  connector: MQTTConnector,
): Chains {
  const inNames = new FilterNames(inbound);
  const outNames = new FilterNames(outbound);
  return {
    inNames,
    outNames,
    inChain: new InboundChain({ filters: inbound, names: inNames, books: books.in, timeoutMs }, connector),
    outChain: new OutboundChain({ filters: outbound, names: outNames, books: books.out, timeoutMs }),
  };
}
