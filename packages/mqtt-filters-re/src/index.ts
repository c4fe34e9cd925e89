/** Filters by rules of regular expressions. */

export { type AnalysisOptions, analyseRules } from './analysis/analyse-rules.js';
/** For programs that load a filter by the name of its package. */
export { createInboundFilter, createOutboundFilter } from './create-filters.js';
export { configurationSchema } from './configuration-schema.js';
export type { EventSpec } from './dispatch.js';
export type { InboundRuleOptions } from './inbound-rule-options.js';
export type { InboundRule, InboundRuleTuple } from './inbound-rule.js';
export { type EventObject, type InboundRuleObject, inboundRuleSchema } from './inbound-rule-schema.js';
export type { ReadSpec, Word } from './inbound-rule-read.js';
export type { ValueLimits } from './inbound-rule-limits.js';
export type { Example } from './inbound-rule-examples.js';
export type { OutboundRule } from './outbound-rule.js';
export { type OutboundRuleObject, outboundRuleSchema } from './outbound-rule-object.js';
export type { PayloadSpec } from './payload-builder.js';
export type { UnitSpec } from './value-shaping.js';
export type { Comparison, Condition, Scalar } from './when.js';
export type { EventPayload } from './payload.js';
export { REInboundFilter } from './re-inbound-filter.js';
export { REOutboundFilter, type REOutboundFilterOptions } from './re-outbound-filter.js';
