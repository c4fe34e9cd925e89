/** Filters by rules of regular expressions. */

/** For programs that load a filter by the name of its package. */
export { createInboundFilter, createOutboundFilter } from './create-filters.js';
export type { EventSpec } from './dispatch.js';
export type { InboundRuleOptions } from './inbound-rule-options.js';
export { type EventPayload, type InboundRule, REInboundFilter } from './re-inbound-filter.js';
export { type OutboundRule, REOutboundFilter, type REOutboundFilterOptions } from './re-outbound-filter.js';
