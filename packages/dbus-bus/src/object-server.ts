import { ConfigurationError, describeError } from '@cstbox/mqtt-core';
import type { DBusLink } from './dbus-link.js';
import { type DBusMessage, MessageType, NO_REPLY_EXPECTED } from './dbus-message.js';
import { readMachineId } from './machine-id.js';

/** An argument of a method or a signal, as introspection shows it. */
export interface DBusArgument {
  readonly name: string;
  readonly type: string;
}

/** A method that others may call. */
export interface DBusMethod {
  readonly in: readonly DBusArgument[];
  /** The signature of what `handle` returns. */
  readonly replySignature: string;
  /** What introspection says of the reply; the original event manager, for one, says nothing. */
  readonly out: readonly DBusArgument[];
  /** Returns the reply's arguments. What it throws goes back to the caller as a message, without a stack. */
  handle(...body: readonly unknown[]): readonly unknown[];
}

/** An interface of an object on the bus. */
export interface DBusInterface {
  readonly name: string;
  readonly methods: Readonly<Record<string, DBusMethod>>;
  readonly signals: Readonly<Record<string, readonly DBusArgument[]>>;
}

const INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable';
const PEER = 'org.freedesktop.DBus.Peer';
const ERROR = 'org.freedesktop.DBus.Error';
const DOCTYPE =
  '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n' +
  '"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n';

/** The objects that a service exports on its link to the bus: dispatches calls, and answers introspection and pings. */
export class ObjectServer {
  readonly #link: DBusLink;
  readonly #objects = new Map<string, DBusInterface[]>();

  /** @throws {ConfigurationError} when the link serves other objects already */
  constructor(link: DBusLink) {
    if (link.onMethodCall) {
      throw new ConfigurationError('a link to the bus serves one service: make another link for this one');
    }
    this.#link = link;
    link.onMethodCall = (message) => this.#answer(message);
  }

  /** Serves nothing more. */
  close(): void {
    this.#link.onMethodCall = undefined;
  }

  /** Makes an interface callable at a path. */
  export(path: string, description: DBusInterface): void {
    this.#objects.set(path, [...(this.#objects.get(path) ?? []), description]);
  }

  #answer(call: DBusMessage): void {
    let reply: Partial<DBusMessage>;
    try {
      reply = { type: MessageType.METHOD_RETURN, ...this.#perform(call) };
    } catch (error) {
      const errorName = error instanceof CallRefused ? error.errorName : `${ERROR}.Failed`;
      reply = { type: MessageType.ERROR, errorName, signature: 's', body: [describeError(error)] };
    }
    if ((call.flags ?? 0) & NO_REPLY_EXPECTED) return;
    this.#link.send({ ...reply, destination: call.sender, replySerial: call.serial } as DBusMessage);
  }

  #perform(call: DBusMessage): Pick<DBusMessage, 'signature' | 'body'> {
    const { path = '', member = '', interface: name, signature = '', body = [] } = call;
    if (name === PEER || (name === undefined && member === 'Ping')) return this.#performPeer(member);
    const children = this.#childrenOf(path);
    const interfaces = this.#objects.get(path);
    if (!interfaces && children.length === 0) {
      throw new CallRefused(`${ERROR}.UnknownObject`, `there is no object at ${path}`);
    }
    if (member === 'Introspect' && (name === undefined || name === INTROSPECTABLE)) {
      return { signature: 's', body: [introspect(interfaces ?? [], children)] };
    }
    // A call need not name its interface (D-Bus specification, "Message Types").
    const method = interfaces
      ?.filter((each) => name === undefined || each.name === name)
      .map((each) => (Object.hasOwn(each.methods, member) ? each.methods[member] : undefined))
      .find((each) => each !== undefined);
    if (!method) throw new CallRefused(`${ERROR}.UnknownMethod`, `there is no method ${member} at ${path}`);
    const expected = method.in.map(({ type }) => type).join('');
    if (signature !== expected) {
      throw new CallRefused(`${ERROR}.InvalidArgs`, `${member} takes '${expected}', not '${signature}'`);
    }
    return { signature: method.replySignature, body: method.handle(...body) };
  }

  #performPeer(member: string): Pick<DBusMessage, 'signature' | 'body'> {
    if (member === 'Ping') return { signature: '', body: [] };
    if (member === 'GetMachineId') return { signature: 's', body: [machineId()] };
    throw new CallRefused(`${ERROR}.UnknownMethod`, `there is no method ${member} in ${PEER}`);
  }

  #childrenOf(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const children = [...this.#objects.keys()]
      .filter((each) => each.startsWith(prefix) && each !== path)
      .map((each) => each.slice(prefix.length).split('/')[0] as string);
    return [...new Set(children)];
  }
}

/** A call that is answered with an error of a given name. */
class CallRefused extends Error {
  constructor(
    readonly errorName: string,
    message: string,
  ) {
    super(message);
  }
}

function machineId(): string {
  const id = readMachineId();
  if (id !== undefined) return id;
  throw new CallRefused(`${ERROR}.FileNotFound`, 'this machine has no machine id');
}

function introspect(interfaces: readonly DBusInterface[], children: readonly string[]): string {
  const standard: DBusInterface[] =
    interfaces.length === 0
      ? []
      : [
          {
            name: INTROSPECTABLE,
            methods: {
              Introspect: { in: [], out: [{ name: 'xml_data', type: 's' }], replySignature: 's', handle: () => [] },
            },
            signals: {},
          },
        ];
  const body = [...standard, ...interfaces].map(describeInterface).join('');
  const nodes = children.map((child) => `  <node name="${child}"/>\n`).join('');
  return `${DOCTYPE}<node>\n${body}${nodes}</node>\n`;
}

function describeInterface({ name, methods, signals }: DBusInterface): string {
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
  ];
  return `  <interface name="${name}">\n${described.join('')}  </interface>\n`;
}
