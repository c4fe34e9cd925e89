import type { ConfigurationFile } from '@cstbox/dbus-bus';
import { ConfigurationError, type Finding } from '@cstbox/mqtt-core';
import type { LocatedFinding } from './located-finding.js';

/** Collects what is seen in a file, each with its place, and without the secrets that a message may quote. */
export class FindingCollector {
  readonly #file: ConfigurationFile;
  readonly #findings: LocatedFinding[] = [];

  constructor(file: ConfigurationFile) {
    this.#file = file;
  }

  /** In the order of the file. */
  get all(): readonly LocatedFinding[] {
    return this.#findings.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  }

  /** Something is so wrong that nothing can run. */
  get hasErrors(): boolean {
    return this.#findings.some(({ severity }) => severity === 'error');
  }

  /** Of a text that could not be had, nothing else is said: the rest is about what stands in its place. */
  add({ severity, code, message, path }: Finding): void {
    if (this.#findings.some((each) => each.code === 'reference' && each.path.join('\0') === path.join('\0'))) return;
    const shown = this.#file.secrets.redact(message);
    this.#findings.push({ severity, code, message: shown, path, ...this.#file.place(path) });
  }

  /** What a part of the work gives; what it says is wrong becomes an error of this code. */
  async attempt<T>(code: string, work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      for (const { message, path } of error.problems) this.add({ severity: 'error', code, message, path });
      return undefined;
    }
  }
}
