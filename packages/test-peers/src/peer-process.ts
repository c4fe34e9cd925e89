import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stopProcess, waitFor } from './processes.js';

/** What to run, and how to see that it works. */
export interface PeerProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly options?: SpawnOptions;
  /** Called with each new child, before it can have said anything. */
  onSpawn?(child: ChildProcess): void;
  /** Whether it is ready for its users; asked again and again. Default: as soon as it runs. */
  isReady?(child: ChildProcess): boolean | Promise<boolean>;
}

/**
 * A peer that runs as a process of its own, and can be killed, frozen and started again with the same arguments. Disposing
 * ends it, frozen or not.
 */
export class PeerProcess implements AsyncDisposable {
  readonly #program: PeerProgram;
  #child: ChildProcess | undefined;
  #isFrozen = false;

  constructor(program: PeerProgram) {
    this.#program = program;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Starts it, unless it runs; resolves when it is ready.
   *
   * @throws when it ends before it is ready, or is not ready within 15 s
   */
  async start(): Promise<void> {
    if (this.isRunning) return;
    const { name, command, args, options, onSpawn, isReady } = this.#program;
    this.#isFrozen = false;
    const child = spawn(command, [...args], { stdio: 'ignore', ...options });
    this.#child = child;
    onSpawn?.(child);
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    const ready = waitFor(
      `${name} to be ready`,
      async () => {
        if (!this.isRunning) throw new Error(`${name} ended at once (${child.signalCode ?? child.exitCode})`);
        return (await isReady?.(child)) ?? true;
      },
      15_000,
    );
    await Promise.race([ready, failed]);
  }

  /** Ends it by SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#signalAndWait('SIGKILL');
  }

  /** Asks it to end by SIGTERM; resolves when it is gone, which may be never while it is frozen. */
  async terminate(): Promise<void> {
    await this.#signalAndWait('SIGTERM');
  }

  /** Stops it in its tracks: it keeps its sockets and says nothing. */
  freeze(): void {
    this.#isFrozen = true;
    this.signal('SIGSTOP');
  }

  /** Lets it run on. */
  thaw(): void {
    if (this.#isFrozen) this.signal('SIGCONT');
    this.#isFrozen = false;
  }

  /** Sends a signal, where it runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child?.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child) await stopProcess(this.#child);
  }

  async #signalAndWait(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || !this.isRunning) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}
