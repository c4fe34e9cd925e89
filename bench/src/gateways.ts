import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopProcess } from '@cstbox/test-peers';

export type Qos = 0 | 1 | 2;

/** What a gateway is told before it starts. */
export interface GatewaySetting {
  brokerPort: number;
  qos: Qos;
  /** For files of its own; exists and is empty. */
  directory: string;
}

interface GatewayKind {
  /** The name that it owns on the bus when it is up, if it owns one. */
  busName?: string;
  /** Prepares what it reads; resolves with Node's arguments. */
  prepare(setting: GatewaySetting): Promise<string[]>;
}

const kinds = {
  mqttgwd: {
    busName: 'fr.cstb.cstbox.MQTTGateway',
    async prepare({ brokerPort, qos, directory }) {
      const program = fileURLToPath(new URL('dist/cli.js', import.meta.resolve('@cstbox/mqttgwd/package.json')));
      if (!existsSync(program)) throw new Error('@cstbox/mqttgwd is not built: run `pnpm build`');
      const configuration = join(directory, 'mqtt_gateway.json');
      const rules = [['temperature:(?P<room>[a-z0-9]+)$', 'site/{room}/temperature']];
      const content = {
        broker: { host: '127.0.0.1', port: brokerPort, client_id: 'bench' },
        qos,
        filters: { outbound: { use: '@cstbox/mqtt-filters-re', rules } },
      };
      await writeFile(configuration, JSON.stringify(content));
      return [program, '-c', configuration];
    },
  },
  'node-pipe': {
    async prepare({ brokerPort, qos }) {
      return [fileURLToPath(new URL('./naive-pipe.js', import.meta.url)), String(brokerPort), String(qos)];
    },
  },
} satisfies Record<string, GatewayKind>;

export type GatewayName = keyof typeof kinds;

export const gatewayNames = Object.keys(kinds) as GatewayName[];

/** A gateway that runs as a process of its own. Disposing stops it. */
export interface RunningGateway extends AsyncDisposable {
  readonly pid: number;
  readonly busName: string | undefined;
}

/** Starts a gateway; `onEnd` hears of it when the gateway ends before it is disposed of. */
export async function startGateway(
  name: GatewayName,
  busAddress: string,
  setting: GatewaySetting,
  onEnd: (error: Error) => void,
): Promise<RunningGateway> {
  const kind: GatewayKind = kinds[name];
  const child = spawn(process.execPath, await kind.prepare(setting), {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: busAddress },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = tailOf(child);
  let stopping = false;
  child.on('exit', (code, signal) => {
    if (!stopping) onEnd(new Error(`${name} ended unexpectedly (${signal ?? code})\n${log()}`));
  });
  return {
    pid: child.pid as number,
    busName: kind.busName,
    async [Symbol.asyncDispose]() {
      stopping = true;
      await stopProcess(child);
    },
  };
}

/** Reads all that a process says, so that it never waits, and keeps the end of it. */
function tailOf(child: ChildProcess): () => string {
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-4_000);
    });
  }
  return () => tail;
}
