import type { Logger } from '@cstbox/mqtt-core';

/** A logger, and an ear at its warnings and errors until it is disposed of. */
export interface OverheardLogger extends Disposable {
  readonly logger: Logger;
}

/** Lets somebody hear what is warned of; all that is said is logged as before. */
export function overhear(logger: Logger, hear: (message: string) => void): OverheardLogger {
  let isHeard = true;
  const at = (level: 'warn' | 'error') => (message: string) => {
    if (isHeard) hear(message);
    logger[level](message);
  };
  return {
    logger: {
      debug: (message) => logger.debug(message),
      info: (message) => logger.info(message),
      warn: at('warn'),
      error: at('error'),
    },
    [Symbol.dispose]() {
      isHeard = false;
    },
  };
}
