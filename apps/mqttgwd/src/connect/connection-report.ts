import type { ConfigurationFile } from '@cstbox/dbus-bus';
import { harmless, type Output, paintFor } from '../terminal.js';
import { printTrial } from './print-trial.js';
import type { Trial } from './trials.js';

/** What the trials of connections came to, kept as they go. */
export class ConnectionReport {
  readonly #trials: Trial[] = [];
  readonly #file: ConfigurationFile;

  constructor(file: ConfigurationFile) {
    this.#file = file;
  }

  has(wanted: Trial['outcome']): boolean {
    return this.#trials.some(({ outcome }) => outcome === wanted);
  }

  /** The steps for a program, without secrets: each with its place in the file where it has one. */
  get steps(): readonly object[] {
    return this.#trials.map((trial) => ({ ...trial, ...(trial.path && this.#file.place(trial.path)) }));
  }

  add(trial: Trial): void {
    const { secrets } = this.#file;
    const details = trial.details && (JSON.parse(secrets.redact(JSON.stringify(trial.details))) as Trial['details']);
    const broker = trial.broker === undefined ? {} : { broker: secrets.redact(trial.broker) };
    this.#trials.push({ ...trial, ...broker, message: secrets.redact(trial.message), ...(details && { details }) });
  }

  /** Writes the latest step for a person, under the broker that it is about. */
  print(output: Output, environment: Readonly<Record<string, string | undefined>>, configuration: string): void {
    const [before, trial] = [this.#trials.at(-2), this.#trials.at(-1)];
    if (!trial) return;
    const paint = paintFor(output, environment);
    const { broker = 'D-Bus', path } = trial;
    if (!before || (before.broker ?? 'D-Bus') !== broker) output.write(`${paint.bold(harmless(broker))}\n`);
    const { line, column } = this.#file.place(path ?? []);
    output.write(printTrial(trial, paint, path && `${configuration}:${line}:${column}, ${keysOf(path)}`));
  }

  /** `12 steps, 1 failed, 1 warning` */
  get summary(): string {
    const count = (wanted: Trial['outcome']) => this.#trials.filter(({ outcome }) => outcome === wanted).length;
    const [failed, warnings] = [count('failed'), count('warning')];
    const said = [
      `${this.#trials.length} steps`,
      failed > 0 ? `${failed} failed` : 'none failed',
      ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
    ];
    return said.join(', ');
  }
}

function keysOf(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${key}`)).join('');
}
