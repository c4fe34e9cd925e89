/**
 * Where a library's log lines go. Libraries are silent unless they are given one; `console` fits.
 * Lines name no secrets and carry no stack traces above debug.
 */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/** What an error says, with its code where the message lacks one; never a stack. Takes whatever somebody threw. */
export function describeError(error: unknown): string {
  try {
    return describe(error);
  } catch {
    return 'something that says nothing of itself';
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A host name with several addresses fails with an empty message and one error per address.
  if (error instanceof AggregateError && error.message === '') {
    return [...new Set(error.errors.map(describeError))].join('; ');
  }
  const code = (error as NodeJS.ErrnoException).code;
  if (error.message === '') return String(code ?? error.name);
  return String(error.message);
}
