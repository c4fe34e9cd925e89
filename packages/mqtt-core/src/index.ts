// To run a gateway.
export { Gateway } from './gateway.js';
export type { GatewayChange, GatewayOptions, GatewaySettings } from './gateway-options.js';
export type { GatewayCounts, GatewayStatus } from './gateway-status.js';
export type { Crossing, InboundCrossing, OutboundCrossing } from './crossing.js';
export { type Counts, type DirectionCounts, type Totals, formatCounts } from './counts.js';
export type { ReplyCounts } from './replies.js';
export { Rehearsal, type RehearsalOptions } from './rehearsal.js';
export type { Explanation, FilterTrial } from './explanation.js';
export { MQTTConnector } from './mqtt-connector.js';
export type { ConnectorStatus, LinkState } from './connector-status.js';
export type { MQTTConnectorOptions, TLSOptions } from './connector-options.js';
export type { MessageProperties, MQTTMessage, PublishOptions, QoS } from './mqtt-message.js';
export { MemoryEventBus, type MemoryEventBusOptions } from './memory-bus.js';
export { MemoryOutbox, type MemoryOutboxOptions } from './memory-outbox.js';

// Events and channels.
export {
  BasicEvent,
  type BasicEventTuple,
  TimedEvent,
  makeBasicEvent,
  eventToJson,
  DataKeys,
  VarTypes,
  type EventData,
  type Timestamp,
  toTimestamp,
  SENSOR_EVENT_CHANNEL,
  CONTROL_EVENT_CHANNEL,
  SYSMON_EVENT_CHANNEL,
  FRAMEWORK_EVENT_CHANNEL,
  ALL_CHANNELS,
} from './event.js';

// Errors, and where words go.
export {
  MQTTGatewayError,
  type MQTTGatewayErrorCode,
  MQTTConnectionError,
  MQTTNotConnectedError,
  ConfigurationError,
  type ConfigurationProblem,
} from './errors.js';
export { type Logger, silentLogger, describeError } from './logger.js';
export { formatCount, formatDuration } from './duration.js';

// For authors of filters.
export {
  OutboundFilter,
  InboundFilter,
  type AcceptedEvent,
  type FilterRule,
  type Refusal,
  type RuleNeeds,
  type RuleTrial,
} from './filter.js';
export type { InboundPolicy } from './inbound-policy.js';
export type { RateLimit } from './token-bucket.js';
export type { PublishPolicy } from './publish-policy.js';
export type { FilterModule, FilterContext } from './filter-module.js';
export type { Finding, RuleSection, RuleSections } from './finding.js';
export { uniteTopicFilters } from './topic-filter-set.js';
export { topicFault, topicFilterFault, matchesTopicFilter, nameFault, MAX_TOPIC_BYTES } from './topic.js';

// For authors of buses and outboxes, and of programs around a gateway.
export type { EventBus, BusListener, BusState, BusSubscription } from './event-bus.js';
export {
  type GiveUp,
  type KeptMessages,
  type OutboundMessage,
  type Outbox,
  type OutboxEntry,
  type OutboxListener,
  type OutboxLoss,
  isExpired,
  sizeOfMessage,
} from './outbox.js';
export { keyOf } from './text-key.js';
export { type BrokerAddress, parseBrokerAddress, formatBrokerAddress } from './broker-address.js';
export { explainFault, type FaultContext, type OptionNames } from './explain-fault.js';
export type { BrokerCertificate } from './broker-certificate.js';
