import { ConfigurationError, type ConfigurationProblem, type Finding, type Logger } from '@cstbox/mqtt-core';

/** Something that was seen in a configuration, and where it stands. */
export interface LocatedFinding extends ConfigurationProblem {
  /** `error`: nothing runs with it. `warning`: most likely not what was meant. `info`: worth knowing. */
  readonly severity: Finding['severity'];
  /** One of few words, fit for a program: `syntax`, `schema`, `shadowed`, … */
  readonly code: string;
}

/** Warnings of one code that are logged in full: whoever has more mends these first. */
const MAX_WARNINGS = 10;

/** What is logged at another level than its severity says. */
const LEVELS: Readonly<Record<string, 'error' | 'warn' | 'info'>> = {
  // Loops that a configuration of the original may have: it loads, and the guard at run time ends what really goes round.
  possible_tuple_loop: 'error',
  // What was not looked at: nothing to see in the log must mean that there is nothing.
  incomplete: 'warn',
  separate_modules: 'info',
};

/** Logs the first warnings of each code, and the rest for debugging. Errors are for whoever loads the configuration. */
export function logFindings(findings: readonly LocatedFinding[], logger: Logger): void {
  const logged = findings.filter(({ severity }) => severity !== 'error');
  const warnings = new Map<string, LocatedFinding[]>();
  for (const finding of logged.filter((each) => levelOf(each) === 'warn')) {
    warnings.set(finding.code, [...(warnings.get(finding.code) ?? []), finding]);
  }
  for (const finding of logged) {
    const line = new ConfigurationError([finding]).message;
    const level = levelOf(finding);
    if (level !== 'warn') {
      logger[level](line);
      continue;
    }
    const { code } = finding;
    const sameKind = warnings.get(code) ?? [];
    const index = sameKind.indexOf(finding);
    if (index >= MAX_WARNINGS) logger.debug(line);
    else logger.warn(line);
    const more = sameKind.length - MAX_WARNINGS;
    if (index === MAX_WARNINGS - 1 && more > 0) {
      logger.warn(`and ${more} more of this kind (${code}): -L DEBUG shows them`);
    }
  }
}

function levelOf({ severity, code }: LocatedFinding): keyof Logger {
  return LEVELS[code] ?? (severity === 'warning' ? 'warn' : 'debug');
}
