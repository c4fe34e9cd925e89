import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

const TAIL_CHARACTERS = 4_000;

/** Reads all that a process says, so that it never waits, and keeps the end of it. */
export class ProcessOutput {
  #tail = '';
  readonly #listeners = new Set<(line: string) => void>();

  constructor(child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.#tail = `${this.#tail}${line}\n`.slice(-TAIL_CHARACTERS);
        for (const listener of this.#listeners) listener(line);
      });
    }
  }

  /** The last lines of it. */
  get tail(): string {
    return this.#tail;
  }

  /** What is read out of the first line to come that has it; undefined when there is none in time. */
  next<T>(read: (line: string) => T | undefined, withinMs: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const end = (found: T | undefined) => {
        clearTimeout(timer);
        this.#listeners.delete(listen);
        resolve(found);
      };
      const listen = (line: string) => {
        const found = read(line);
        if (found !== undefined) end(found);
      };
      const timer = setTimeout(end, withinMs, undefined);
      this.#listeners.add(listen);
    });
  }
}
