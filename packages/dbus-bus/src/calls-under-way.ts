import { CallRefused, DBUS_ERROR } from './dbus-interface.js';

/** So many calls of one caller may wait for their answers. */
const MAX_PER_CALLER = 16;
/** So many of all together: a stranger may come under many names. */
const MAX_IN_ALL = 256;

/** The calls whose answers take a while. */
export class CallsUnderWay {
  readonly #refusals = new Map<string, Set<(error: unknown) => void>>();
  #count = 0;

  /** @throws {CallRefused} when a caller, or all together, have too many under way */
  assertRoomFor(caller: string): void {
    const own = this.#refusals.get(caller)?.size ?? 0;
    if (own < MAX_PER_CALLER && this.#count < MAX_IN_ALL) return;
    throw new CallRefused(
      `${DBUS_ERROR}.LimitsExceeded`,
      'too many calls wait for their answers: wait for some of them',
    );
  }

  /** Hands over what the promise comes to, unless {@link refuseAll} comes first. */
  add<T>(caller: string, promise: Promise<T>, complete: (result: T) => void, refuse: (error: unknown) => void): void {
    const own = this.#refusals.get(caller) ?? new Set();
    this.#refusals.set(caller, own.add(refuse));
    this.#count++;
    /** Whether it was still under way. */
    const take = () => {
      if (!own.delete(refuse)) return false;
      this.#count--;
      if (own.size === 0) this.#refusals.delete(caller);
      return true;
    };
    promise
      .then(
        (result) => take() && complete(result),
        (error) => take() && refuse(error),
      )
      // A result that can't be sent.
      .catch(refuse)
      // Nor can the refusal: the connection is gone.
      .catch(() => {});
  }

  /** Refuses everything that is under way. */
  refuseAll(error: unknown): void {
    const all = [...this.#refusals.values()];
    this.#refusals.clear();
    this.#count = 0;
    for (const own of all) {
      const refusals = [...own];
      own.clear();
      for (const refuse of refusals) refuse(error);
    }
  }
}
