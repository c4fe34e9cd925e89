import type { LinkState } from './connector-status.js';
import { describeError, type Logger } from './logger.js';

/** The state of the link to the broker, and who wants to hear of its changes. */
export class LinkStates {
  readonly #logger: Logger;
  readonly #watchers = new Set<(state: LinkState) => void>();
  #current: LinkState = 'idle';
  #since = Date.now();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get current(): LinkState {
    return this.#current;
  }

  /** When it was entered, in ms since the Epoch. */
  get since(): number {
    return this.#since;
  }

  watch(watcher: (state: LinkState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The next state that is not `connecting`. */
  settled(): Promise<LinkState> {
    return new Promise((resolve) => {
      const unwatch = this.watch((state) => {
        if (state === 'connecting') return;
        unwatch();
        resolve(state);
      });
    });
  }

  /** `closed` is never left. */
  enter(state: LinkState): void {
    if (this.#current === state || this.#current === 'closed') return;
    this.#current = state;
    this.#since = Date.now();
    for (const watcher of [...this.#watchers]) {
      try {
        watcher(state);
      } catch (error) {
        this.#logger.error(`a watcher of the connection failed: ${describeError(error)}`);
      }
    }
  }
}
