import { describeError, type Logger } from '@cstbox/mqtt-core';

/** A state that others watch. A watcher that throws harms nobody else. */
export class WatchedState<State> {
  readonly #watchers = new Set<{ call(state: State): void }>();
  readonly #logger: Logger;
  #current: State;
  #since = Date.now();

  constructor(initial: State, logger: Logger) {
    this.#current = initial;
    this.#logger = logger;
  }

  get current(): State {
    return this.#current;
  }

  /** When the current state was entered, in ms since the Epoch. */
  get since(): number {
    return this.#since;
  }

  /** Takes a state, and tells the watchers if it is another. */
  set(state: State): void {
    if (state === this.#current) return;
    this.#current = state;
    this.#since = Date.now();
    for (const { call } of this.#watchers) {
      try {
        call(state);
      } catch (error) {
        this.#logger.error(`a watcher of '${state}' failed: ${describeError(error)}`);
      }
    }
  }

  /** Calls the watcher at each change, until the returned function is called. */
  watch(watcher: (state: State) => void): () => void {
    const entry = { call: watcher };
    this.#watchers.add(entry);
    return () => this.#watchers.delete(entry);
  }
}
