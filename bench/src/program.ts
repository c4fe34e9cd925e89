import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stopProcess } from '@cstbox/test-peers';

/** What a child program can be told to do: asynchronous functions of at most one argument. */
// biome-ignore lint/suspicious/noExplicitAny: an argument is whatever each order says
export type Orders<T> = { [K in keyof T]: (argument: any) => Promise<unknown> };

interface Order {
  id: number;
  name: string;
  argument: unknown;
}

interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

/** A program of the bench in a process of its own. Disposing ends it. */
export class Program<T extends Orders<T>> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #orders = 0;

  /**
   * @param name the program's file in dist, without its extension
   * @param signal rejects every call that is under way
   */
  constructor(name: string, signal: AbortSignal) {
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

/** The other side of {@link Program}: obeys orders until the bench is gone. */
export function obey<T extends Orders<T>>(orders: T): void {
  // Ctrl-C reaches the whole process group; the bench then ends its programs in its own order.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit());
  process.on('message', ({ id, name, argument }: Order) => {
    const answer = (answer: Omit<Answer, 'id'>) => process.send?.({ id, ...answer });
    orders[name as keyof T](argument).then(
      (result) => answer({ result }),
      (error: Error) => answer({ error: error.message }),
    );
  });
}
