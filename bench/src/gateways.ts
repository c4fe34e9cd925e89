import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopProcess } from '@cstbox/test-peers';
import type { Durability, Subject } from './durability.js';
import { type GatewayCounts, parseCounts } from './gateway-counts.js';
import { ProcessOutput } from './process-output.js';

export type Qos = 0 | 1 | 2;

/** What a gateway is told before it starts. */
export interface GatewaySetting {
  subject: Subject;
  brokerPort: number;
  /** For files of its own; exists. A gateway that is started again finds there what it left. */
  directory: string;
}

interface GatewayKind {
  /** The name that it owns on the bus when it is up, if it owns one. */
  busName?: string;
  /** Whether it has an outbox, whose durability can be chosen. */
  hasOutbox: boolean;
  /** Prepares what it reads; resolves with Node's arguments. */
  prepare(setting: GatewaySetting): Promise<string[]>;
}

const kinds = {
  mqttgwd: {
    busName: 'fr.cstb.cstbox.MQTTGateway',
    hasOutbox: true,
    async prepare({ subject: { qos, durability }, brokerPort, directory }) {
      const configuration = join(directory, 'mqtt_gateway.json');
      const rules = [['temperature:(?P<room>[a-z0-9]+)$', 'site/{room}/temperature']];
      const content = {
        broker: { host: '127.0.0.1', port: brokerPort, client_id: 'bench' },
        qos,
        outbox: { durability, directory: outboxDirectory(directory), ...BEYOND_EVERY_BENCH },
        filters: { outbound: { use: '@cstbox/mqtt-filters-re', rules } },
      };
      await writeFile(configuration, JSON.stringify(content));
      return [daemonProgram(), '--log-format', 'human', '-c', configuration];
    },
  },
  'node-pipe': {
    hasOutbox: false,
    async prepare({ subject: { qos }, brokerPort }) {
      return [fileURLToPath(new URL('./naive-pipe.js', import.meta.url)), String(brokerPort), String(qos)];
    },
  },
} satisfies Record<string, GatewayKind>;

/** The program that users run. */
export function daemonProgram(): string {
  const program = fileURLToPath(new URL('dist/cli.js', import.meta.resolve('@cstbox/mqttgwd/package.json')));
  if (existsSync(program)) return program;
  throw new Error('@cstbox/mqttgwd is not built: run `pnpm build`');
}

/** Bounds at which nothing of the bench is given up: what is lost is lost by a fault. */
const BEYOND_EVERY_BENCH = { max_messages: 100_000_000, max_bytes: 100_000_000_000 };

export type GatewayName = keyof typeof kinds;

export const gatewayNames = Object.keys(kinds) as GatewayName[];

/** Each gateway with each durability that it has, QoS by QoS. */
export function subjectsOf(
  gateways: readonly GatewayName[],
  durabilities: readonly Durability[],
  levels: readonly Qos[],
): Subject[] {
  return levels.flatMap((qos) =>
    gateways.flatMap((gateway) =>
      (kinds[gateway].hasOutbox ? durabilities : [undefined]).map((durability) => ({ gateway, durability, qos })),
    ),
  );
}

/** Where a gateway's outbox lies within the directory that it was given. */
export function outboxDirectory(directory: string): string {
  return join(directory, 'outbox');
}

/** A gateway that runs as a process of its own. Disposing stops it. */
export interface RunningGateway extends AsyncDisposable {
  readonly pid: number;
  readonly busName: string | undefined;
  /** Resolves with what it says of its events when it is asked by SIGUSR1; undefined when it says nothing in time. */
  counts(withinMs: number): Promise<GatewayCounts | undefined>;
  /**
   * Tells it to end in order, however long it takes.
   *
   * @throws Error when it does not, or says that it could not
   */
  end(withinMs: number): Promise<void>;
}

/** Starts a gateway; `onEnd` hears of it when the gateway ends before it is told to. */
export async function startGateway(
  setting: GatewaySetting,
  busAddress: string,
  onEnd: (error: Error) => void,
): Promise<RunningGateway> {
  const name = setting.subject.gateway;
  const kind: GatewayKind = kinds[name];
  const child = spawn(process.execPath, await kind.prepare(setting), {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: busAddress },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = new ProcessOutput(child);
  let ending = false;
  child.on('exit', (code, signal) => {
    if (!ending) onEnd(new Error(`${name} ended unexpectedly (${signal ?? code})\n${output.tail}`));
  });
  return {
    pid: child.pid as number,
    busName: kind.busName,
    counts(withinMs) {
      const answered = output.next(parseCounts, withinMs);
      child.kill('SIGUSR1');
      return answered;
    },
    async end(withinMs) {
      ending = true;
      const gone = once(child, 'exit', { signal: AbortSignal.timeout(withinMs) });
      child.kill('SIGTERM');
      const [code, signal] = await gone.catch(() => [undefined, `still there after ${withinMs} ms`]);
      if (code !== 0) throw new Error(`${name} does not end in order (${signal ?? code})\n${output.tail}`);
    },
    async [Symbol.asyncDispose]() {
      ending = true;
      await stopProcess(child);
    },
  };
}
