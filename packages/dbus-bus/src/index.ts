// The gateway as a CSTBox service.
export {
  MQTTGatewayServiceObject,
  type MQTTGatewayServiceOptions,
  type ReconfigureReport,
} from './gateway-service.js';
export type { GatewayProgram, ReloadReport } from './gateway-program.js';
export { CONFIGURATION_ERROR, GATEWAY } from './gateway-interface.js';
export type { DirectionReport, NamedCounts, ReportedFault, StatusReport } from './status-report.js';
export type { Rates } from './rates.js';
export type { TailAnswer, TailOptions } from './tails.js';
export type { TailEntry, TailEvent, TailMessage } from './tail-entry.js';
export { DEFAULT_BROKER_PORT, memoryBounds } from './configured-options.js';
export {
  loadConfiguration,
  type GatewayConfiguration,
  type GatewayConfigurationInput,
  type FilterSection,
  type OutboxSection,
  type CommandsSection,
} from './configuration.js';

// CSTBox on D-Bus: the bus as a client, the event manager, any service.
export { DBusLink, type DBusLinkOptions, type ConnectHook } from './dbus-link.js';
export type { BackoffBounds } from './backoff.js';
export { busAddress, addressFile, fixedAddress, type BusAddress } from './bus-address.js';
export { DBusConnection, type DBusConnectionOptions } from './dbus-connection.js';
export { DBusEventBus, type DBusEventBusOptions } from './dbus-event-bus.js';
export { createEventManager, type EventManagerOptions, EventChannel } from './event-manager.js';
export {
  ServiceContainer,
  type ServiceContainerOptions,
  type ServiceObject,
  ServiceState,
} from './service-container.js';
export { wellKnownName, EVENT_MANAGER, EVENT_SIGNAL, EVENT_SIGNATURE } from './names.js';
export { parseDBusAddress, type SocketAddress } from './dbus-address.js';

// For programs that load configurations or serve objects in a way of their own.
export { checkConfiguration, checkFile, resolveTls } from './configuration.js';
export { configurationJsonSchema, type FilterSchemas, type JsonSchema } from './configuration-json-schema.js';
export { CONFIGURATION_KEYS, connectorOptions, gatewayOptions } from './configured-options.js';
export { differences } from './configuration-difference.js';
export { inspectFilters, subscriptionsOf, type Subscriptions } from './subscriptions.js';
export { readTlsFiles, type TLSFiles } from './tls-files.js';
export { ConfigurationFile, type ConfigurationFileOptions } from './configuration-file.js';
export { Secrets } from './secrets.js';
export { ObjectServer } from './object-server.js';
export {
  CallRefused,
  type DBusArgument,
  type DBusCaller,
  type DBusInterface,
  type DBusMethod,
  type DBusProperty,
} from './dbus-interface.js';
export { type DBusCall, DBusCallError, type DBusMessage, MessageType } from './dbus-message.js';
