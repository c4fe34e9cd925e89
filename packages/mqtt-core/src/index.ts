export { type DirectionCounts, formatCounts } from './accounting.js';
export { type BrokerAddress, formatBrokerAddress, parseBrokerAddress } from './broker-address.js';
export {
  ConfigurationError,
  type ConfigurationProblem,
  MQTTConnectionError,
  MQTTGatewayError,
  type MQTTGatewayErrorCode,
  MQTTNotConnectedError,
} from './errors.js';
export {
  ALL_CHANNELS,
  BasicEvent,
  type BasicEventTuple,
  CONTROL_EVENT_CHANNEL,
  DataKeys,
  type EventData,
  eventToJson,
  FRAMEWORK_EVENT_CHANNEL,
  makeBasicEvent,
  SENSOR_EVENT_CHANNEL,
  SYSMON_EVENT_CHANNEL,
  TimedEvent,
  type Timestamp,
  toTimestamp,
  VarTypes,
} from './event.js';
export type { BusListener, BusSubscription, EventBus } from './event-bus.js';
export { type AcceptedEvent, InboundFilter, OutboundFilter, type Refusal } from './filter.js';
export type { FilterContext, FilterModule } from './filter-module.js';
export { type Crossing, Gateway, type GatewayCounts, type GatewayOptions } from './gateway.js';
export { describeError, type Logger, silentLogger } from './logger.js';
export { MemoryEventBus, type MemoryEventBusOptions } from './memory-bus.js';
export {
  type LinkState,
  MQTTConnector,
  type MQTTConnectorOptions,
  type MQTTMessage,
  type PublishOptions,
  type QoS,
  type TLSOptions,
} from './mqtt-connector.js';
export { MemoryOutbox, type MemoryOutboxOptions, type OutboundMessage, type Outbox } from './outbox.js';
export { MAX_TOPIC_BYTES, nameFault, topicFault, topicFilterFault } from './topic.js';
