import { ConfigurationError, describeError } from '@cstbox/mqtt-core';
import { CallsUnderWay } from './calls-under-way.js';
import { callerOn } from './dbus-caller.js';
import type { DBusConnection } from './dbus-connection.js';
import { CallRefused, DBUS_ERROR, type DBusInterface, type DBusMethod } from './dbus-interface.js';
import type { DBusLink } from './dbus-link.js';
import { type DBusMessage, MessageType, NO_REPLY_EXPECTED } from './dbus-message.js';
import { introspect } from './introspection.js';
import { readMachineId } from './machine-id.js';
import { propertiesInterface } from './properties-interface.js';

const PEER = 'org.freedesktop.DBus.Peer';

/** What a method returns, with its signature. */
interface Performed {
  readonly signature: string;
  readonly body: readonly unknown[] | Promise<readonly unknown[]>;
}

/**
 * The objects that a service exports on its link to the bus: dispatches calls, and answers introspection, pings and who
 * reads properties.
 */
export class ObjectServer {
  readonly #link: DBusLink;
  readonly #objects = new Map<string, DBusInterface[]>();
  readonly #underWay = new CallsUnderWay();

  /** @throws {ConfigurationError} when the link serves other objects already */
  constructor(link: DBusLink) {
    if (link.onMethodCall) {
      throw new ConfigurationError('a link to the bus serves one service: make another link for this one');
    }
    this.#link = link;
    link.onMethodCall = (call, connection) => this.#answer(call, connection);
  }

  /** Serves nothing more. Calls that still wait for their answers are answered with an error. */
  close(): void {
    this.#link.onMethodCall = undefined;
    this.#underWay.refuseAll(new CallRefused(`${DBUS_ERROR}.NoReply`, 'the service has stopped'));
  }

  /** Makes an interface callable at a path. */
  export(path: string, description: DBusInterface): void {
    this.#objects.set(path, [...(this.#objects.get(path) ?? []), description]);
  }

  #answer(call: DBusMessage, connection: DBusConnection): void {
    const { sender = '', serial, flags = 0 } = call;
    // On another connection the caller's name is somebody else's.
    const send = (reply: Pick<DBusMessage, 'type' | 'errorName' | 'signature' | 'body'>) => {
      if (flags & NO_REPLY_EXPECTED || !connection.isOpen) return;
      connection.send({ ...reply, destination: sender, ...(serial !== undefined && { replySerial: serial }) });
    };
    const refuse = (error: unknown) => {
      const errorName = error instanceof CallRefused ? error.errorName : `${DBUS_ERROR}.Failed`;
      send({ type: MessageType.ERROR, errorName, signature: 's', body: [withoutNul(describeError(error))] });
    };
    try {
      const { signature, body } = this.#perform(call, connection);
      const complete = (args: readonly unknown[]) => send({ type: MessageType.METHOD_RETURN, signature, body: args });
      if (body instanceof Promise) this.#underWay.add(sender, body, complete, refuse);
      else complete(body);
    } catch (error) {
      refuse(error);
    }
  }

  #perform(call: DBusMessage, connection: DBusConnection): Performed {
    const { path = '', member = '', interface: name, signature = '', body = [], sender = '' } = call;
    if (name === PEER || (name === undefined && member === 'Ping')) return performPeer(member);
    const children = this.#childrenOf(path);
    const own = this.#objects.get(path);
    if (!own && children.length === 0) {
      throw new CallRefused(`${DBUS_ERROR}.UnknownObject`, `there is no object at ${path}`);
    }
    const method = find(own ?? [], name, member) ?? find(standardInterfaces(own ?? [], children), name, member);
    if (!method) throw new CallRefused(`${DBUS_ERROR}.UnknownMethod`, `there is no method ${member} at ${path}`);
    const expected = method.in.map(({ type }) => type).join('');
    if (signature !== expected) {
      throw new CallRefused(`${DBUS_ERROR}.InvalidArgs`, `${member} takes '${expected}', not '${signature}'`);
    }
    this.#underWay.assertRoomFor(sender);
    return { signature: method.replySignature, body: method.handle(body, callerOn(connection, sender)) };
  }

  #childrenOf(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const children = [...this.#objects.keys()]
      .filter((each) => each.startsWith(prefix) && each !== path)
      .map((each) => each.slice(prefix.length).split('/')[0] as string);
    return [...new Set(children)];
  }
}

/** A method by its name; a call need not name its interface (D-Bus specification, "Message Types"). */
function find(interfaces: readonly DBusInterface[], name: string | undefined, member: string): DBusMethod | undefined {
  for (const each of interfaces) {
    if ((name === undefined || each.name === name) && Object.hasOwn(each.methods, member)) return each.methods[member];
  }
  return undefined;
}

/** The interfaces that go with an object's own. */
function standardInterfaces(own: readonly DBusInterface[], children: readonly string[]): readonly DBusInterface[] {
  const properties = own.some((each) => each.properties) ? [propertiesInterface(own)] : [];
  const introspectable: DBusInterface = {
    name: 'org.freedesktop.DBus.Introspectable',
    methods: {
      Introspect: {
        in: [],
        out: [{ name: 'xml_data', type: 's' }],
        replySignature: 's',
        handle: () => [introspect(own.length > 0 ? [...standard, ...own] : [], children)],
      },
    },
    signals: {},
  };
  const standard = [introspectable, ...properties];
  return standard;
}

function performPeer(member: string): Performed {
  if (member === 'Ping') return { signature: '', body: [] };
  if (member === 'GetMachineId') return { signature: 's', body: [machineId()] };
  throw new CallRefused(`${DBUS_ERROR}.UnknownMethod`, `there is no method ${member} in ${PEER}`);
}

function machineId(): string {
  const id = readMachineId();
  if (id !== undefined) return id;
  throw new CallRefused(`${DBUS_ERROR}.FileNotFound`, 'this machine has no machine id');
}

/** The daemon cuts the connection of whoever sends one in a string. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '\\0');
}
