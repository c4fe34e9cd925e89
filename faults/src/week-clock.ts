import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The time of a gateway that runs faster than that of this process: see `fast-clock.mjs`. */
export class WeekClock {
  readonly #path: string;
  readonly #beginsAt: number;
  readonly #notify: () => void;
  #factor = 1;

  /**
   * @param path of the file by which it is set
   * @param beginsAt in ms since the Epoch
   * @param notify tells the gateway that the file has changed
   */
  constructor(path: string, beginsAt: number, notify: () => void) {
    this.#path = path;
    this.#beginsAt = beginsAt;
    this.#notify = notify;
    this.#write();
  }

  /** Lets so many minutes of the gateway's time pass, so many times faster than ours, and calls `each` now and then. */
  async pass(minutes: number, factor: number, each: () => void | Promise<void> = () => {}): Promise<void> {
    this.#run(factor);
    const end = performance.now() + (minutes * 60_000) / factor;
    while (performance.now() < end) {
      await each();
      await sleep(Math.min(400, Math.max(0, end - performance.now())));
    }
    this.#run(1);
  }

  #run(factor: number): void {
    this.#factor = factor;
    this.#write();
    this.#notify();
  }

  #write(): void {
    // Whoever reads it finds it whole.
    writeFileSync(`${this.#path}.new`, JSON.stringify({ beginsAt: this.#beginsAt, factor: this.#factor }));
    renameSync(`${this.#path}.new`, this.#path);
  }
}
