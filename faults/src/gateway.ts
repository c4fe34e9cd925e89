import { type ChildProcess, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PeerProcess } from '@cstbox/test-peers';
import { SHUTDOWN_TIMEOUT_MS } from './configuration.js';
import { type Counts, faultOfCounts, type Held, parseCounts, parseHeld } from './counts.js';

/** The daemon's program, built. */
export const DAEMON = join(
  dirname(createRequire(import.meta.url).resolve('@cstbox/mqttgwd/package.json')),
  'dist/cli.js',
);
const CLOCK = fileURLToPath(new URL('../step-clock.mjs', import.meta.url));

/** From one start of the gateway to its end. */
export interface Life {
  readonly number: number;
  readonly startedMs: number;
  endedMs?: number;
  end?: 'killed' | 'terminated' | 'crashed';
  /** It has begun to log, and so takes signals; before, they would end it. */
  hasSpoken?: boolean;
  /** When it was frozen: from, to. */
  readonly frozen: { fromMs: number; toMs: number }[];
  /** The accounts that it gave last, of each direction. */
  readonly counts: Partial<Record<Counts['direction'], Counts & { atMs: number }>>;
}

export interface GatewayOptions {
  readonly configuration: string;
  readonly busAddress: string;
  /** A file of the gateway's own, for its clock. */
  readonly clock: string;
  /** A life is about to begin. */
  readonly onStart: (life: Life) => void;
  /** A life is about to end, or has ended unexpectedly. */
  readonly onEnd: () => void;
  readonly onLine: (line: string) => void;
  readonly onProblem: (problem: string) => void;
}

/** How long the gateway may take after a SIGTERM, on a busy machine. */
const END_WITHIN_MS = SHUTDOWN_TIMEOUT_MS + 5_000;

/** The gateway as a process, over all its lives. */
export class GatewayProcess implements AsyncDisposable {
  readonly lives: Life[] = [];
  readonly #options: GatewayOptions;
  readonly #process: PeerProcess;

  constructor(options: GatewayOptions) {
    this.#options = options;
    writeFileSync(options.clock, '0');
    this.#process = new PeerProcess({
      name: 'the gateway',
      command: process.execPath,
      args: ['--import', CLOCK, DAEMON, '--log-format', 'human', '-c', options.configuration],
      options: {
        env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: options.busAddress, FAULTS_CLOCK: options.clock },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
      onSpawn: (child) => this.#follow(child),
    });
  }

  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  get life(): Life {
    return this.lives.at(-1) as Life;
  }

  async start(): Promise<void> {
    if (this.isRunning) return;
    const life: Life = { number: this.lives.length + 1, startedMs: performance.now(), frozen: [], counts: {} };
    this.lives.push(life);
    this.#options.onStart(life);
    await this.#process.start();
  }

  async kill(): Promise<void> {
    this.#endLife('killed');
    await this.#process.kill();
  }

  /** Ends it in order; where it does not end, that is a problem, and it is killed. */
  async terminate(): Promise<void> {
    if (!this.isRunning) return;
    this.#endLife('terminated');
    const life = this.life;
    const force = setTimeout(() => {
      this.#options.onProblem(`the gateway did not end within ${END_WITHIN_MS} ms of SIGTERM`);
      life.end = 'killed';
      void this.#process.kill();
    }, END_WITHIN_MS);
    await this.#process.terminate();
    clearTimeout(force);
  }

  freeze(): void {
    this.life.frozen.push({ fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY });
    this.#process.freeze();
  }

  thaw(): void {
    const last = this.life.frozen.at(-1);
    if (last) last.toMs = Math.min(last.toMs, performance.now());
    this.#process.thaw();
  }

  /** Has it give its accounts, which come as lines of its log. */
  askCounts(): void {
    this.#signal('SIGUSR1');
  }

  /** Steps its clock by so much against the true time. */
  stepClock(ms: number): void {
    writeFileSync(this.#options.clock, String(ms));
    this.#signal('SIGUSR2');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  #signal(signal: 'SIGUSR1' | 'SIGUSR2'): void {
    const life = this.lives.at(-1);
    if (life?.hasSpoken && life.end === undefined) this.#process.signal(signal);
  }

  #endLife(end: 'killed' | 'terminated'): void {
    if (!this.isRunning) return;
    this.#options.onEnd();
    Object.assign(this.life, { end, endedMs: performance.now() });
  }

  /** The status comes right behind the accounts: what they say is waiting must be there. */
  #compare(life: Life, held: Held): void {
    for (const direction of ['bus to MQTT', 'MQTT to bus'] as const) {
      const waiting = life.counts[direction]?.waiting;
      if (waiting === undefined || waiting === held[direction]) continue;
      const problem = `${waiting} are waiting by its accounts, and it holds ${held[direction]}`;
      this.#options.onProblem(`accounts of life ${life.number}, ${direction}: ${problem}`);
    }
  }

  #follow(child: ChildProcess): void {
    const life = this.life;
    const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      life.hasSpoken = true;
      this.#options.onLine(`[life ${life.number}] ${line}`);
      const held = parseHeld(line);
      if (held) this.#compare(life, held);
      const counts = parseCounts(line);
      if (!counts) return;
      life.counts[counts.direction] = { ...counts, atMs: performance.now() };
      const fault = faultOfCounts(counts);
      if (fault) this.#options.onProblem(`accounts of life ${life.number}, ${counts.direction}: ${fault}`);
    });
    child.on('exit', (code, signal) => {
      if (life.end === undefined) {
        this.#options.onEnd();
        Object.assign(life, { end: 'crashed', endedMs: performance.now() });
        this.#options.onProblem(`the gateway ended by itself (${signal ?? code})`);
      } else if (life.end === 'terminated' && code !== 0) {
        this.#options.onProblem(`the gateway ended with ${signal ?? code} on SIGTERM`);
      }
    });
  }
}

/** Why the suite can't run here, or `undefined`. */
export function daemonMissing(): string | undefined {
  const { status } = spawnSync(process.execPath, [DAEMON, '--version'], { stdio: 'ignore' });
  return status === 0 ? undefined : `there is no daemon at ${DAEMON}: build it first`;
}
