/// <reference path="./dbus-next.d.ts" />
import { Variant } from 'dbus-next/lib/variant.js';
import { CallRefused, DBUS_ERROR, type DBusInterface, type DBusProperty } from './dbus-interface.js';

const NAMES = [
  { name: 'interface_name', type: 's' },
  { name: 'property_name', type: 's' },
];

/** The standard interface by which the properties of an object's interfaces are read. */
export function propertiesInterface(interfaces: readonly DBusInterface[]): DBusInterface {
  /** An empty name means any (D-Bus specification, "org.freedesktop.DBus.Properties"). */
  const propertiesOf = (name: string): Readonly<Record<string, DBusProperty>> => {
    const found = interfaces.filter((each) => name === '' || each.name === name);
    if (found.length > 0) return Object.assign({}, ...found.map(({ properties }) => properties));
    throw new CallRefused(`${DBUS_ERROR}.UnknownInterface`, `there is no interface ${name} here`);
  };
  const propertyOf = (name: string, property: string): DBusProperty => {
    const properties = propertiesOf(name);
    const found = Object.hasOwn(properties, property) ? properties[property] : undefined;
    if (found) return found;
    throw new CallRefused(`${DBUS_ERROR}.UnknownProperty`, `there is no property ${property} in ${name}`);
  };
  const read = ({ type, read }: DBusProperty) => new Variant(type, read());
  return {
    name: 'org.freedesktop.DBus.Properties',
    methods: {
      Get: {
        in: NAMES,
        out: [{ name: 'value', type: 'v' }],
        replySignature: 'v',
        handle: ([name, property]) => [read(propertyOf(name as string, property as string))],
      },
      GetAll: {
        in: NAMES.slice(0, 1),
        out: [{ name: 'properties', type: 'a{sv}' }],
        replySignature: 'a{sv}',
        handle: ([name]) => {
          const all = Object.entries(propertiesOf(name as string));
          return [Object.fromEntries(all.map(([property, description]) => [property, read(description)]))];
        },
      },
      Set: {
        in: [...NAMES, { name: 'value', type: 'v' }],
        out: [],
        replySignature: '',
        handle: ([name, property]) => {
          propertyOf(name as string, property as string);
          throw new CallRefused(`${DBUS_ERROR}.PropertyReadOnly`, `${property} can only be read`);
        },
      },
    },
    signals: {},
  };
}
