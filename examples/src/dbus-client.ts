import { DBusConnection, DBusEventBus, sessionBusAddress } from '@cstbox/dbus-bus';
import { makeBasicEvent } from '@cstbox/mqtt-core';

const connection = await DBusConnection.open(sessionBusAddress(process.env));
const bus = new DBusEventBus(connection);

await bus.subscribe(['control'], {
  event: (channel, { varType, varName, data }) => console.log(channel, varType, varName, data),
  malformed: (reason, detail) => console.warn(reason, detail),
});
await bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', 21.5, 'degC'));

process.once('SIGTERM', () => void connection.close());
