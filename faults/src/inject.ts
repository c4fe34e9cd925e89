import { setTimeout as sleep } from 'node:timers/promises';
import { COMMIT_INTERVAL_MS, SPILL_AFTER_MS } from './configuration.js';
import { type FaultName, faultKind, type Target } from './fault-kinds.js';
import type { House } from './house.js';
import type { Random } from './random.js';
import type { Fault } from './schedule.js';
import { flipStore, truncateStore } from './store-damage.js';

/** Breaks things in a house, and mends them. */
export class Injector {
  readonly #house: House;
  readonly #random: Random;
  readonly #say: (line: string) => void;
  /** Resolves when a thing is whole again: who comes late because mending took long has to wait. */
  readonly #whole = new Map<Target, Promise<void>>();

  /** @param say told what could not be done, and what else chance decided */
  constructor(house: House, random: Random, say: (line: string) => void) {
    this.#house = house;
    this.#random = random;
    this.#say = say;
  }

  /** Resolves when the fault is over, and what it broke works again or tries to. */
  async inject(fault: Fault): Promise<void> {
    const { targets } = faultKind(fault.name);
    const before = targets.map((target) => this.#whole.get(target));
    const done = Promise.all(before).then(() => this.#perform(fault));
    const settled = done.catch(() => {});
    for (const target of targets) this.#whole.set(target, settled);
    await done;
  }

  #perform(fault: Fault): Promise<void> {
    return this.#faults[fault.name](fault);
  }

  readonly #faults: Record<FaultName, (fault: Fault) => Promise<void>> = {
    gatewayKill: async ({ durationMs }) => {
      await this.#house.gateway.kill();
      await sleep(durationMs);
      await this.#house.gateway.start();
    },
    gatewayTerm: async ({ durationMs }) => {
      await this.#house.gateway.terminate();
      await sleep(durationMs);
      await this.#house.gateway.start();
    },
    gatewayStop: ({ durationMs }) => this.#during(durationMs, this.#house.gateway),
    brokerKill: async ({ durationMs }) => {
      const { process } = this.#house.broker;
      this.#house.brokerKillsMs.push(performance.now());
      await process.kill();
      await sleep(durationMs);
      await process.start();
    },
    brokerStop: ({ durationMs }) => this.#during(durationMs, this.#house.broker.process),
    brokerSilent: ({ durationMs }) => this.#onLink(durationMs, (proxy) => proxy.blackHole()),
    proxyRefuse: ({ durationMs }) =>
      this.#onLink(durationMs, (proxy) => {
        proxy.refuse();
        proxy.cut();
      }),
    proxyCut: async () => this.#house.proxy.cut(),
    proxyDelay: ({ durationMs, amount }) => this.#onLink(durationMs, (proxy) => proxy.delay(amount)),
    proxyThrottle: ({ durationMs, amount }) => this.#onLink(durationMs, (proxy) => proxy.throttle(amount)),
    proxyCutAfter: ({ durationMs, amount }) => this.#onLink(durationMs, (proxy) => proxy.cutAfter(amount)),
    busKill: async ({ durationMs }) => {
      const { bus, manager, busKillsMs } = this.#house;
      busKillsMs.push(performance.now());
      // Whoever was on the bus has lost it; the event manager comes back only when the witness listens again.
      await Promise.all([bus.process.kill(), manager.kill()]);
      await sleep(durationMs);
      await this.#house.startBus();
    },
    busStop: ({ durationMs }) => this.#during(durationMs, this.#house.bus.process),
    managerRestart: async ({ durationMs }) => {
      await this.#house.manager.kill();
      await sleep(durationMs);
      await this.#house.startBus();
    },
    diskFull: async ({ durationMs }) => {
      const { disk } = this.#house;
      if (!disk) return this.#say('diskFull: left out, this user may not mount a small disk');
      await disk.fill();
      await sleep(durationMs);
      await disk.free();
    },
    storeTruncate: (fault) => this.#damage(fault, (directory) => truncateStore(directory, fault.amount, this.#random)),
    storeFlip: (fault) => this.#damage(fault, (directory) => flipStore(directory, fault.amount, this.#random)),
    clockStep: async ({ durationMs, amount }) => {
      this.#house.gateway.stepClock(amount * 1_000);
      await sleep(durationMs);
      this.#house.gateway.stepClock(0);
    },
  };

  async #during(durationMs: number, peer: { freeze(): void; thaw(): void }): Promise<void> {
    peer.freeze();
    await sleep(durationMs);
    peer.thaw();
  }

  async #onLink(durationMs: number, breakIt: (proxy: House['proxy']) => void): Promise<void> {
    breakIt(this.#house.proxy);
    await sleep(durationMs);
    this.#house.proxy.heal();
  }

  /** Lets a backlog go to disk, ends the gateway, damages the store, and starts the gateway. */
  async #damage(
    { name, durationMs }: Fault,
    damage: (directory: string) => Promise<string | undefined>,
  ): Promise<void> {
    const { proxy, gateway, outboxDirectory } = this.#house;
    proxy.refuse();
    proxy.cut();
    await sleep(durationMs + SPILL_AFTER_MS + COMMIT_INTERVAL_MS);
    if (this.#random.next() < 0.5) await gateway.kill();
    else await gateway.terminate();
    this.#say(`${name}: ${(await damage(outboxDirectory)) ?? 'nothing there to damage'}`);
    await gateway.start();
    proxy.heal();
  }
}
