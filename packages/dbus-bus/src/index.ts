export {
  checkConfiguration,
  type FilterSection,
  type GatewayConfiguration,
  loadConfiguration,
} from './configuration.js';
export { ConfigurationFile } from './configuration-file.js';
export { parseDBusAddress, type SocketAddress, sessionBusAddress } from './dbus-address.js';
export {
  type DBusCall,
  DBusCallError,
  DBusConnection,
  type DBusConnectionOptions,
  type DBusMessage,
  MessageType,
} from './dbus-connection.js';
export { DBusEventBus } from './dbus-event-bus.js';
export { createEventManager, EventChannel, type EventManagerOptions } from './event-manager.js';
export {
  connectorOptions,
  DEFAULT_BROKER_PORT,
  MQTTGatewayServiceObject,
  type MQTTGatewayServiceOptions,
} from './gateway-service.js';
export { EVENT_MANAGER, EVENT_SIGNAL, EVENT_SIGNATURE, wellKnownName } from './names.js';
export { type DBusArgument, type DBusInterface, type DBusMethod, ObjectServer } from './object-server.js';
export {
  ServiceContainer,
  type ServiceContainerOptions,
  type ServiceObject,
  ServiceState,
} from './service-container.js';
