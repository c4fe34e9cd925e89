/**
 * What went wrong, as a closed list that a program can decide on.
 *
 * - `configuration`: an option, a rule or a configuration file is wrong; the message names the place.
 * - `broker_unreachable`: the broker could not be reached, or the connection to it was lost.
 * - `broker_refused`: the broker answered and said no.
 * - `not_connected`: there is no connection to the broker right now.
 * - `bus_unreachable`: the event bus, or the event manager on it, is not there or did not answer in time.
 * - `bus_refused`: the event bus answered and said no.
 * - `name_taken`: another process owns the service's name on the bus.
 * - `outbox_locked`: another process uses the place where messages are to be kept.
 * - `invalid_message`: a topic or a payload that MQTT does not allow.
 * - `closed`: the object was shut down before or while it was used.
 */
export type MQTTGatewayErrorCode =
  | 'configuration'
  | 'broker_unreachable'
  | 'broker_refused'
  | 'not_connected'
  | 'bus_unreachable'
  | 'bus_refused'
  | 'name_taken'
  | 'outbox_locked'
  | 'invalid_message'
  | 'closed';

/** The root of every error that the gateway's packages throw on purpose. */
export class MQTTGatewayError extends Error {
  override readonly name: string = 'MQTTGatewayError';

  constructor(
    readonly code: MQTTGatewayErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The connection to the broker could not be made, was refused or was lost. */
export class MQTTConnectionError extends MQTTGatewayError {
  override readonly name = 'MQTTConnectionError';

  constructor(
    message: string,
    options?: { code?: 'broker_unreachable' | 'broker_refused' | 'closed'; cause?: unknown },
  ) {
    super(options?.code ?? 'broker_unreachable', message, options);
  }
}

/** Something was asked of the connector that needs a connection, and there is none. */
export class MQTTNotConnectedError extends MQTTGatewayError {
  override readonly name = 'MQTTNotConnectedError';

  constructor(message = 'not connected to the broker') {
    super('not_connected', message);
  }
}

/** One thing that is wrong in a configuration, and where. */
export interface ConfigurationProblem {
  /** What is wrong and what would be right. */
  readonly message: string;
  /** Keys and indices that lead to the place, from the root of what was checked. Empty: the whole. */
  readonly path: readonly (string | number)[];
  /** The file it stands in, when there is one. */
  readonly file?: string;
  /** Line in the file, counted from 1. */
  readonly line?: number;
  /** Column in the line, counted from 1. */
  readonly column?: number;
}

/** A configuration, an option or a rule is wrong. Carries every problem that was found, not the first only. */
export class ConfigurationError extends MQTTGatewayError {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly ConfigurationProblem[];

  /** @param problems what is wrong; a plain string stands for one problem without a place */
  constructor(problems: string | readonly ConfigurationProblem[], options?: { cause?: unknown }) {
    const list = typeof problems === 'string' ? [{ message: problems, path: [] }] : problems;
    super('configuration', list.map(formatProblem).join('\n'), options);
    this.problems = list;
  }
}

/** `file:line:column: message (at broker.port)`, with what is known of it. */
function formatProblem({ message, path, file, line, column }: ConfigurationProblem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const at = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return `${place && `${place}: `}${message}${at && ` (at ${at.replace(/^\./, '')})`}`;
}
