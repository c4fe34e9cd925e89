import { ConfigurationError, type ConfigurationProblem } from '@cstbox/mqtt-core';

/** Collects what is wrong at a place and below it, so that everything can be reported at once. */
export class Problems {
  readonly #all: ConfigurationProblem[];
  readonly #path: readonly (string | number)[];

  constructor(all: ConfigurationProblem[] = [], path: readonly (string | number)[] = []) {
    this.#all = all;
    this.#path = path;
  }

  /** The same collection, for a place below. */
  at(...keys: (string | number)[]): Problems {
    return new Problems(this.#all, [...this.#path, ...keys]);
  }

  add(message: string): undefined {
    this.#all.push({ message, path: this.#path });
  }

  /** What the function gives; or nothing, and the problems of the `ConfigurationError` that it threw, at this place. */
  attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      for (const { message, path } of error.problems) this.at(...path).add(message);
      return undefined;
    }
  }

  /** @throws {ConfigurationError} with all problems, when there are any */
  throwIfAny(): void {
    if (this.#all.length > 0) throw new ConfigurationError(this.#all);
  }

  /**
   * What an {@link attempt} gave.
   *
   * @throws {ConfigurationError} with all problems, when there are any
   */
  orThrow<T>(attempted: T | undefined): T {
    this.throwIfAny();
    return attempted as T;
  }
}
