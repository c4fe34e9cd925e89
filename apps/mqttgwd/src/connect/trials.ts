import { describeError } from '@cstbox/mqtt-core';

/** What can be tried, in words for a program. */
export type Step =
  | 'bus'
  | 'event_manager'
  | 'own_name'
  | 'resolve'
  | 'tcp'
  | 'tls'
  | 'websocket'
  | 'mqtt'
  | 'subscribe'
  | 'probe'
  | 'disconnect';

/** What a step has found. */
export interface Outcome {
  /** `warning`: it works, and may not for long, or not as expected. `failed`: the gateway could not do it either. Default: `ok`. */
  readonly outcome?: 'ok' | 'info' | 'warning' | 'failed';
  /** In words for an operator; what is wrong comes with its cause and remedy. */
  readonly message: string;
  /** The keys that lead to the place in the configuration that it is about. */
  readonly path?: readonly (string | number)[];
  /** More of it, for a program. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** One step of a connection that was tried. */
export interface Trial extends Outcome {
  readonly step: Step;
  /** The broker that it is about, a URL without secrets. Left out for the bus. */
  readonly broker?: string;
  readonly outcome: 'ok' | 'info' | 'warning' | 'failed';
  /** How long it took, in ms. */
  readonly durationMs: number;
}

/** A step failed; thrown by whoever tries it. */
export class StepFault extends Error {
  constructor(
    message: string,
    readonly path?: Outcome['path'],
    readonly details?: Outcome['details'],
  ) {
    super(message);
  }
}

/** How steps are tried. */
export interface TrialOptions {
  /** How long each step may take, in ms. */
  readonly timeoutMs: number;
  /** Ends it all. */
  readonly signal: AbortSignal;
  /** Called with each step as soon as it is over. */
  readonly report: (trial: Trial) => void;
}

/** Runs steps one after the other, each within its time. */
export class Trials {
  readonly timeoutMs: number;
  readonly #signal: AbortSignal;
  readonly #report: (trial: Trial) => void;

  constructor({ timeoutMs, signal, report }: TrialOptions) {
    this.timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#report = report;
  }

  /**
   * Tries one thing and reports how it went; what it fails with is an outcome too.
   *
   * @param action gets a signal that says when its time is over, and ends by rejecting then; nothing of it stays open
   * @param place the configuration's keys for a failure that names none
   * @returns whether it worked
   * @throws the reason of the signal, when all of it is to end
   */
  async try(
    step: Step,
    broker: string | undefined,
    action: (signal: AbortSignal) => Promise<Outcome>,
    place?: Outcome['path'],
  ): Promise<boolean> {
    this.#signal.throwIfAborted();
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), this.timeoutMs);
    const started = performance.now();
    let result: Outcome;
    try {
      result = await action(AbortSignal.any([this.#signal, timeout.signal]));
    } catch (error) {
      this.#signal.throwIfAborted();
      result = timeout.signal.aborted ? this.#tooSlow(error) : failure(error);
    } finally {
      clearTimeout(timer);
    }
    const { outcome = 'ok' } = result;
    this.#report({
      step,
      ...(broker !== undefined && { broker }),
      ...(outcome === 'failed' && place && { path: place }),
      ...result,
      outcome,
      durationMs: Math.round((performance.now() - started) * 10) / 10,
    });
    return outcome !== 'failed';
  }

  #tooSlow(error: unknown): Outcome {
    if (error instanceof StepFault) return failure(error);
    return { outcome: 'failed', message: `no answer within ${this.timeoutMs / 1_000} s` };
  }
}

function failure(error: unknown): Outcome {
  const { path, details } = error instanceof StepFault ? error : {};
  return { outcome: 'failed', message: describeError(error), ...(path && { path }), ...(details && { details }) };
}

/** Resolves or rejects with the promise; rejects as soon as the signal is aborted. */
export async function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
