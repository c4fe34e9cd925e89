import type { DBusConnection } from './dbus-connection.js';
import type { DBusCaller } from './dbus-interface.js';

const DAEMON = 'org.freedesktop.DBus';

/** Who calls on a connection, by its unique name. */
export function callerOn(connection: DBusConnection, name: string): DBusCaller {
  return {
    name,
    onGone(callback) {
      const rule = `type='signal',sender='${DAEMON}',interface='${DAEMON}',member='NameOwnerChanged',arg0='${name}'`;
      const stop = connection.onSignal(({ member, sender, body = [] }) => {
        const [changed, , owner] = body;
        if (member === 'NameOwnerChanged' && sender === DAEMON && changed === name && owner === '') callback();
      });
      connection.addMatch(rule).catch(() => {});
      return () => {
        stop();
        if (connection.isOpen) connection.removeMatch(rule).catch(() => {});
      };
    },
  };
}
