import { spawn } from 'node:child_process';
import { stopProcess } from '@cstbox/test-peers';
import { daemonProgram } from './gateways.js';
import { ProcessOutput } from './process-output.js';

/** Somebody who looks at all that crosses the gateway: `mqttgwd tail`, as a process of its own. */
export interface Viewer extends AsyncDisposable {
  /** Whether it has seen anything. */
  readonly hasSeen: boolean;
}

/** Starts a viewer of the gateway on a bus. Disposing stops it. */
export function startViewer(busAddress: string): Viewer {
  const child = spawn(process.execPath, [daemonProgram(), 'tail'], {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: busAddress },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = new ProcessOutput(child);
  return {
    get hasSeen() {
      return output.tail !== '';
    },
    async [Symbol.asyncDispose]() {
      await stopProcess(child);
    },
  };
}
