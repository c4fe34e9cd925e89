import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stopProcess } from '@cstbox/test-peers';
import type { Answer, Order, Orders } from './obey.js';

/** A program of the bench in a process of its own. Disposing ends it. */
export class Program<T extends Orders<T>> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  readonly #signal: AbortSignal;
  #orders = 0;

  /**
   * @param name the program's file in dist, without its extension
   * @param signal rejects every call, under way or to come
   */
  constructor(name: string, signal: AbortSignal) {
    this.#signal = signal;
    // A chunk of the build stands in the same directory as its entries.
    const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
    this.#child = fork(file, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', ({ id, result, error }: Answer) => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(result as never);
      else pending?.reject(new Error(`${name}: ${error}`));
    });
    const fail = (error: Error) => {
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    };
    this.#child.on('exit', (code, killed) => fail(new Error(`${name} ended unexpectedly (${killed ?? code})`)));
    signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true });
  }

  /** Gives an order; resolves with its result. */
  call<K extends keyof T & string>(name: K, ...[argument]: Parameters<T[K]>): ReturnType<T[K]> {
    if (this.#signal.aborted) return Promise.reject(this.#signal.reason) as ReturnType<T[K]>;
    const id = ++this.#orders;
    const answered = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    const order: Order = { id, name, argument };
    this.#child.send(order, (error) => {
      if (error) this.#pending.get(id)?.reject(error);
    });
    return answered as ReturnType<T[K]>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopProcess(this.#child);
  }
}
