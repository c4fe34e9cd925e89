import type { Crossing } from './crossing.js';
import { describeError, type Logger } from './logger.js';

/** Those who look on. Whoever tells them something looks at `size` first: nobody pays for what nobody sees. */
export class Onlookers {
  readonly #observers = new Set<{ readonly observer: (crossing: Crossing) => void }>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get size(): number {
    return this.#observers.size;
  }

  /** Tells the observer everything from now on, until the returned function is called. */
  add(observer: (crossing: Crossing) => void): () => void {
    const entry = { observer };
    this.#observers.add(entry);
    return () => void this.#observers.delete(entry);
  }

  /** What an observer throws is its own affair, and a line in the log. */
  tell(crossing: Crossing): void {
    for (const { observer } of this.#observers) {
      try {
        observer(crossing);
      } catch (error) {
        this.#logger.error(`an observer failed: ${describeError(error)}`);
      }
    }
  }
}
