import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DBusConnection, DBusEventBus, DBusLink, EVENT_MANAGER } from '@cstbox/dbus-bus';
import { MQTTConnector } from '@cstbox/mqtt-core';
import { type BrokerKind, type Bus, startBroker, startBus, stopProcess, waitFor } from '@cstbox/test-peers';

export const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const HUMAN_LOG = ['--log-format', 'human'];

/** A directory of its own for a test's files; the last line of a test removes it. */
export async function workplace() {
  const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-test-'));
  return {
    directory,
    async file(name: string, content: unknown): Promise<string> {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
      return path;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A running `mqttgwd`, and what it prints. */
export class Daemon implements AsyncDisposable {
  printed = '';
  readonly exited: Promise<number | null>;

  constructor(readonly child: ChildProcess) {
    const keep = (chunk: Buffer) => {
      this.printed += chunk;
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.exited = once(child, 'close').then(([code]) => code as number | null);
  }

  /** With the log that people read, unless the arguments say otherwise. */
  static start(args: string[], environment: Record<string, string> = {}, cwd?: string): Daemon {
    return Daemon.spawn(process.execPath, [CLI, ...HUMAN_LOG, ...args], environment, cwd);
  }

  /** A program that is, or starts, a daemon. */
  static spawn(program: string, args: string[], environment: Record<string, string> = {}, cwd?: string): Daemon {
    const { DBUS_SESSION_BUS_ADDRESS: _ours, ...rest } = process.env;
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    return new Daemon(spawn(program, args, { env: { ...rest, ...environment }, stdio: [...stdio], cwd }));
  }

  /** As another user of this machine, who may read and write every file all the same: only root can. */
  static startAs(user: string, args: string[], environment: Record<string, string> = {}): Daemon {
    const { DBUS_SESSION_BUS_ADDRESS: _ours, ...rest } = process.env;
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    return new Daemon(
      spawn('setpriv', [...asUser(user), process.execPath, CLI, ...args], {
        env: { ...rest, ...environment },
        stdio: [...stdio],
      }),
    );
  }

  async says(text: string, timeoutMs = 10_000): Promise<void> {
    await waitFor(`'${text}'`, () => this.printed.includes(text), timeoutMs).catch((error: Error) => {
      throw new Error(`${error.message}; it said:\n${this.printed}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopProcess(this.child);
  }
}

/** What setpriv is told to run a program as another user, who can reach this checkout wherever it is. */
function asUser(user: string): string[] {
  const capabilities = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return [`--reuid=${user}`, '--regid=nogroup', '--clear-groups', ...capabilities];
}

/** Runs `mqttgwd` to its end. */
export async function run(args: string[], environment: Record<string, string> = {}, cwd?: string) {
  await using daemon = Daemon.start(args, environment, cwd);
  const code = await daemon.exited;
  return { code, printed: daemon.printed };
}

/** A link that has joined a bus, and is in a hurry when it must do so again. */
export async function joinBus(bus: Bus): Promise<DBusLink> {
  const link = new DBusLink({ address: bus.address, retryMs: { min: 5, max: 20 } });
  await link.run();
  return link;
}

/** What most configurations here have in common. */
export const COMMON = {
  outbox: { directory: 'outbox' },
  filters: {
    outbound: {
      use: '@cstbox/mqtt-filters-re',
      rules: [
        ['temperature:(?P<room>[a-z0-9]+)$', 'site/{room}/temperature'],
        ['any:(?P<name>[^\\0]*)$', 'any/{name}'],
      ],
    },
    inbound: {
      use: '@cstbox/mqtt-filters-re',
      rules: [['site/(?P<room>[a-z0-9]+)/set/light$', [['switch', '{room}_light']]]],
    },
  },
};

/** A private bus with an event manager, a broker, and a gateway between them; all real, all processes of their own. */
export async function openHouse(kind: BrokerKind, options: Record<string, unknown> = {}) {
  const opened: AsyncDisposable[] = [];
  const use = <T extends AsyncDisposable>(resource: T): T => {
    opened.unshift(resource);
    return resource;
  };
  const place = use(await workplace());
  const bus = use(await startBus());
  const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
  const manager = use(Daemon.start(['event-manager'], environment));
  await manager.says('running');
  const broker = use(await startBroker({ kind }));
  const configuration = await place.file('gateway.json', {
    broker: { host: broker.host, port: broker.port, client_id: 'box-17' },
    listened_topics: ['site/+/set/#'],
    ...COMMON,
    ...options,
  });
  const gateway = use(Daemon.start(['-c', configuration], environment));
  await gateway.says('subscribed to');
  const connection = use(await DBusConnection.open(bus.address));
  const link = use(await joinBus(bus));
  const user = use(new MQTTConnector({ broker: broker.url, topics: ['#'], subscribeQoS: 2 }));
  const messages: { topic: string; text: string }[] = [];
  user.onMessage = (_client, _userData, { topic, payload }) =>
    void messages.push({ topic, text: Buffer.from(payload).toString() });
  await user.run();
  const emitRaw = (member: string, signature: string, body: unknown[]) =>
    connection.call({ destination: EVENT_MANAGER, path: '/sensor', interface: EVENT_MANAGER, member, signature, body });
  return {
    place,
    bus,
    broker,
    gateway,
    connection,
    user,
    messages,
    environment,
    configuration,
    emitRaw,
    events: new DBusEventBus(link),
    async [Symbol.asyncDispose]() {
      for (const resource of opened) await resource[Symbol.asyncDispose]();
    },
  };
}
