import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBus, waitFor } from '@cstbox/test-peers';
import type { Subject } from './durability.js';
import type { EventSource } from './event-source.js';
import { type RunningGateway, startGateway } from './gateways.js';
import { Program } from './program.js';
import type { Subscriber } from './subscriber.js';
import { startViewer } from './viewer.js';

/** After the last arrival, for acknowledgements and doubles that are still on their way. */
const SETTLE_MS = 250;
const UP_WITHIN_MS = 20_000;

/** What every run has: a fresh bus with the source on it, and an empty directory. The scenario brings the rest. */
export class Stage {
  readonly source: Program<EventSource>;
  /** Aborted when the bench is stopped, or a gateway ends that should not. */
  readonly signal: AbortSignal;
  /** For the files of the gateway, over its restarts. */
  readonly directory: string;
  readonly #busAddress: string;
  readonly #onEnd: (error: Error) => void;

  private constructor(
    source: Program<EventSource>,
    busAddress: string,
    directory: string,
    signal: AbortSignal,
    onEnd: (error: Error) => void,
  ) {
    this.source = source;
    this.#busAddress = busAddress;
    this.directory = directory;
    this.signal = signal;
    this.#onEnd = onEnd;
  }

  /** Sets up a stage, plays on it, and clears all away. */
  static async with<T>(signal: AbortSignal, play: (stage: Stage) => Promise<T>): Promise<T> {
    const failure = new AbortController();
    const stop = AbortSignal.any([signal, failure.signal]);
    const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-bench-'));
    try {
      await using bus = await startBus();
      await using source = new Program<EventSource>('event-source', stop);
      await source.call('connect', bus.address);
      return await play(new Stage(source, bus.address, directory, stop, (error) => failure.abort(error)));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Starts a subscriber that listens to the broker at a port. */
  async subscribe(brokerPort: number): Promise<Program<Subscriber>> {
    const subscriber = new Program<Subscriber>('subscriber', this.signal);
    try {
      await subscriber.call('connect', brokerPort);
      return subscriber;
    } catch (error) {
      await subscriber[Symbol.asyncDispose]();
      throw error;
    }
  }

  startGateway(subject: Subject, brokerPort: number): Promise<RunningGateway> {
    return startGateway({ subject, brokerPort, directory: this.directory }, this.#busAddress, this.#onEnd);
  }

  /** Resolves when the gateway owns its name on the bus, if it has one. */
  async untilOnBus({ busName }: RunningGateway): Promise<void> {
    if (busName === undefined) return;
    await waitFor(`${busName} on the bus`, () => this.source.call('isOwned', busName), UP_WITHIN_MS);
  }

  /** Probes until the gateway forwards: then it has joined the bus and the broker has taken its connection. */
  async untilForwarding(gateway: RunningGateway, subscriber: Program<Subscriber>): Promise<void> {
    await this.untilOnBus(gateway);
    const deadline = performance.now() + UP_WITHIN_MS;
    while ((await subscriber.call('probes')) === 0) {
      if (performance.now() > deadline) throw new Error(`the gateway forwards nothing within ${UP_WITHIN_MS} ms`);
      await this.source.call('probe');
      await sleep(50, undefined, { signal: this.signal });
    }
    await this.settle();
  }

  /** Has so many look at what crosses. Resolves when all of them see it. */
  async startViewers(count: number): Promise<AsyncDisposable> {
    const viewers = Array.from({ length: count }, () => startViewer(this.#busAddress));
    const stop = async () => {
      for (const viewer of viewers) await viewer[Symbol.asyncDispose]();
    };
    try {
      await waitFor(
        'the viewers',
        async () => {
          if (viewers.every(({ hasSeen }) => hasSeen)) return true;
          await this.source.call('probe');
          return false;
        },
        UP_WITHIN_MS,
      );
      await this.settle();
    } catch (error) {
      await stop();
      throw error;
    }
    return { [Symbol.asyncDispose]: stop };
  }

  settle(): Promise<void> {
    return sleep(SETTLE_MS, undefined, { signal: this.signal });
  }
}
