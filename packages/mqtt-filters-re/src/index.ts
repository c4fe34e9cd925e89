/** Filters by rules of regular expressions. */

export { type AnalysisOptions, analyseRules } from './analysis/analyse-rules.js';
/** For programs that load a filter by the name of its package. */
export { createInboundFilter, createOutboundFilter } from './create-filters.js';
export type { EventSpec } from './dispatch.js';
export type { InboundRuleOptions } from './inbound-rule-options.js';
export type { InboundRule } from './inbound-rule.js';
export type { OutboundRule } from './outbound-rule.js';
export { type EventPayload, REInboundFilter } from './re-inbound-filter.js';
export { REOutboundFilter, type REOutboundFilterOptions } from './re-outbound-filter.js';
