import type { DBusArgument, DBusInterface } from './dbus-interface.js';

const DOCTYPE =
  '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n' +
  '"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n';

/** What an object is, in XML (D-Bus specification, "Introspection Data Format"). */
export function introspect(interfaces: readonly DBusInterface[], children: readonly string[]): string {
  const body = interfaces.map(describeInterface).join('');
  const nodes = children.map((child) => `  <node name="${child}"/>\n`).join('');
  return `${DOCTYPE}<node>\n${body}${nodes}</node>\n`;
}

function describeInterface({ name, methods, signals, properties = {} }: DBusInterface): string {
  const argument = (direction: string) => (each: DBusArgument) =>
    `      <arg${direction && ` direction="${direction}"`} type="${each.type}" name="${each.name}"/>\n`;
  const described = [
    ...Object.entries(methods).map(
      ([method, { in: input, out }]) =>
        `    <method name="${method}">\n${input.map(argument('in')).join('')}${out.map(argument('out')).join('')}    </method>\n`,
    ),
    ...Object.entries(signals).map(
      ([signal, args]) => `    <signal name="${signal}">\n${args.map(argument('')).join('')}    </signal>\n`,
    ),
    ...Object.entries(properties).map(
      ([property, { type, isConstant }]) =>
        `    <property name="${property}" type="${type}" access="read">\n` +
        `      <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="${isConstant ? 'const' : 'false'}"/>\n` +
        '    </property>\n',
    ),
  ];
  return `  <interface name="${name}">\n${described.join('')}  </interface>\n`;
}
