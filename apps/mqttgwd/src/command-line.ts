import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  ConfigurationError,
  type ConfigurationProblem,
  describeError,
  MQTTGatewayError,
  type MQTTGatewayErrorCode,
} from '@cstbox/mqtt-core';
import { type Command, InvalidArgumentError } from 'commander';
import { ExitCode } from './exit-codes.js';
import { FileFailure } from './file-failure.js';
import { LOG_LEVELS, type LogFormat, type LogLevel } from './log.js';
import { fitted, jsonLine } from './terminal.js';

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
 * A failure as a program reads it, in one line: `{ error: { code, message, problems: [{ message, file, line, column, path }] } }`,
 * `problems` of a configuration only. The code is that of the error, `file` or `internal`.
 */
export function failureJson(error: unknown, redact?: (text: string) => string): string {
  const code = error instanceof MQTTGatewayError ? error.code : error instanceof FileFailure ? 'file' : 'internal';
  const problems = error instanceof ConfigurationError ? error.problems.map(problemJson) : undefined;
  return jsonLine({ error: { code, message: describeError(error), problems } }, 0, redact);
}

function problemJson({ message, file, line, column, path }: ConfigurationProblem) {
  return { message, file, line, column, path };
}

/**
 * Says on standard error what went wrong, one line per problem; with `--debug` also where. Returns the exit code for it.
 *
 * @param json whether it is said on standard output, too, for a program
 * @param redact takes out what nobody may read
 */
export function reportFailure(
  error: unknown,
  { debug, json }: Pick<GlobalOptions, 'debug'> & { json?: boolean },
  redact = (text: string) => text,
): number {
  if (json) process.stdout.write(`${failureJson(error, redact)}\n`);
  const code = exitCodeOf(error);
  const what = code === ExitCode.SOFTWARE ? `internal error: ${describeError(error)}` : describeError(error);
  for (const line of redact(what).split('\n')) process.stderr.write(`${fitted(`mqttgwd: ${line}`, process.stderr)}\n`);
  for (let each = error; debug && each instanceof Error; each = each.cause)
    process.stderr.write(`${redact(String(each.stack))}\n`);
  return code;
}
