import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigurationError, describeError, MQTTGatewayError, type MQTTGatewayErrorCode } from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { ExitCode } from './exit-codes.js';
import { FileFailure } from './file-failure.js';
import { LOG_LEVELS, type LogFormat, type LogLevel } from './log.js';

export const CONFIGURATION_DIRECTORY = '/etc/cstbox';
export const DEFAULT_CONFIGURATION = `${CONFIGURATION_DIRECTORY}/mqtt_gateway.cfg`;

/** The options that every command has; they may stand before or behind its name. */
export interface GlobalOptions {
  config: string;
  loglevel: LogLevel;
  logFormat: LogFormat;
  debug?: boolean;
}

const EXIT_CODES: Partial<Record<MQTTGatewayErrorCode, number>> = {
  configuration: ExitCode.CONFIG,
  bus_unreachable: ExitCode.UNAVAILABLE,
  name_taken: ExitCode.CANTCREAT,
  outbox_locked: ExitCode.CANTCREAT,
};

/** The options of a command and the global ones. */
export function optionsOf<T extends object>(command: Command): T & GlobalOptions {
  return command.optsWithGlobals<T & GlobalOptions>();
}

export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text.toUpperCase());
  if (level) return level;
  throw new InvalidArgumentError(`Allowed are ${LOG_LEVELS.join(', ')}.`);
}

/**
 * Where a configuration file is: here, or in the directory of CSTBox.
 *
 * @throws {ConfigurationError} when it is at neither
 */
export function findConfiguration(path: string): string {
  const candidates = [resolve(path), resolve(CONFIGURATION_DIRECTORY, path)];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found) return found;
  const places = [...new Set(candidates)].join(' nor at ');
  throw new ConfigurationError(`there is no configuration file at ${places}: name one with -c PATH`);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof FileFailure) return error.isThere ? ExitCode.CANTCREAT : ExitCode.IOERR;
  return (error instanceof MQTTGatewayError && EXIT_CODES[error.code]) || ExitCode.SOFTWARE;
}

/**
 * Says on standard error what went wrong, one line per problem; with `--debug` also where. Returns the exit code for it.
 *
 * @param redact takes out what nobody may read
 */
export function reportFailure(
  error: unknown,
  { debug }: Pick<GlobalOptions, 'debug'>,
  redact = (text: string) => text,
): number {
  const code = exitCodeOf(error);
  const what = code === ExitCode.SOFTWARE ? `internal error: ${describeError(error)}` : describeError(error);
  for (const line of redact(what).split('\n')) process.stderr.write(`mqttgwd: ${line}\n`);
  for (let each = error; debug && each instanceof Error; each = each.cause)
    process.stderr.write(`${redact(String(each.stack))}\n`);
  return code;
}
