import { DBusEventBus, DBusLink } from '@cstbox/dbus-bus';
import { makeBasicEvent } from '@cstbox/mqtt-core';

const link = new DBusLink();
const bus = new DBusEventBus(link);
await link.run();

await bus.subscribe(['control'], {
  event: (channel, { varType, varName, data }) => console.log(channel, varType, varName, data),
  malformed: (reason, detail) => console.warn(reason, detail),
});
await bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', 21.5, 'degC'));

process.once('SIGTERM', () => void link.close());
