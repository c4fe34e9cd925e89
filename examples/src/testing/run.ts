import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { stopProcess, waitFor } from '@cstbox/test-peers';

/** A built example that runs as a process of its own, as a user starts it. */
export interface Run extends AsyncDisposable {
  readonly process: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves with the exit code; `null` when a signal killed it. */
  readonly exit: Promise<number | null>;
  /** Resolves when it has written something. */
  wrote(pattern: RegExp): Promise<unknown>;
}

const DIST = resolve(import.meta.dirname, '../../dist');

/** Starts a built example, here or in another directory. Its environment is ours plus `environment`. */
export function run(
  name: string,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
  directory = process.cwd(),
): Run {
  const child = spawn(process.execPath, [join(DIST, `${name}.js`), ...args], {
    env: { ...process.env, ...environment },
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  return {
    process: child,
    output,
    exit: once(child, 'close').then(([code]) => code as number | null),
    wrote: (pattern) => waitFor(`${name} to write ${pattern}`, () => pattern.test(output.stdout), 15_000),
    [Symbol.asyncDispose]: () => stopProcess(child),
  };
}
