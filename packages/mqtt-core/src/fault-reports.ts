import { formatBrokerAddress } from './broker-address.js';
import type { Connection } from './connection.js';
import { formatCount, formatDuration } from './duration.js';
import { type OptionNames, PROGRAM_NAMES } from './explain-fault.js';
import type { Logger } from './logger.js';

/** So many faults of one outage are worth a line each. */
const MAX_REPORTED = 10;

/** Says why there is no connection, once for what repeats, and keeps it for whoever looks later. */
export class FaultReports {
  readonly #logger: Logger;
  #clientId: string;
  readonly #clientIdOption: string;
  /** What was said in this outage. */
  readonly #reported = new Set<string>();
  #fault: string | undefined;
  /** What was said of another client that throws this one out. */
  #contest: string | undefined;
  /** Since when there has been none, in ms of `performance.now()`, and how many attempts have failed since. */
  #since: number | undefined;
  #failed = 0;

  /** @param names what options are called where they come from */
  constructor(logger: Logger, clientId: string, names?: Partial<OptionNames>) {
    this.#logger = logger;
    this.#clientId = clientId;
    this.#clientIdOption = names?.clientId ?? PROGRAM_NAMES.clientId;
  }

  /** What was wrong with other settings is over; for how long there is no connection is not. */
  reconfigure(clientId: string): void {
    this.#clientId = clientId;
    this.#reported.clear();
    this.#fault = this.#contest = undefined;
  }

  /** What is wrong, as far as it was reported. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** `, after 3 h 2 min (214 attempts)`, for the line that says that there is a connection; nothing where none was missed. */
  get outage(): string {
    if (this.#since === undefined) return '';
    const after = `, after ${formatDuration(performance.now() - this.#since)}`;
    return this.#failed === 0 ? after : `${after} (${formatCount(this.#failed + 1)} attempts)`;
  }

  /**
   * There is a connection.
   *
   * @param contested it may soon be gone again, for the same reason: nothing is over yet
   */
  connected(contested: boolean): void {
    this.#reported.clear();
    if (contested) return;
    this.#fault = undefined;
    this.#since = undefined;
    this.#failed = 0;
  }

  /** A connection, or an attempt to make one, ended. */
  report(connection: Connection, contested: boolean): void {
    const { fault } = connection;
    const url = formatBrokerAddress(connection.attempt.address);
    // One that has held ends what was before, also where nobody said so.
    if (connection.wasUp && !contested) this.connected(false);
    this.#since ??= performance.now();
    if (!connection.wasUp) this.#failed++;
    if (contested) return this.#reportContest(connection);
    this.#contest = undefined;
    this.#fault = fault;
    if (connection.wasUp) return this.#logger.warn(`lost the connection to ${url}: ${fault}; trying again`);
    const line = `the broker at ${url}: ${fault}`;
    if (this.#reported.has(line) || this.#reported.size >= MAX_REPORTED) return this.#logger.debug(`still: ${line}`);
    this.#reported.add(line);
    if (connection.end.kind === 'refused') this.#logger.error(`${line}; trying again now and then`);
    else this.#logger.warn(`${line}; trying again`);
  }

  #reportContest({ attempt, isTakenOver, fault }: Connection): void {
    const url = formatBrokerAddress(attempt.address);
    const contest = isTakenOver
      ? `another client with the client id '${this.#clientId}' takes the connection over: each needs one of its own, see ${this.#clientIdOption}`
      : `it accepts connections and closes them within seconds: probably another client has the client id '${this.#clientId}' too (see ${this.#clientIdOption}), or the broker objects to what is sent`;
    if (this.#contest !== undefined) return this.#logger.debug(`the broker at ${url}: ${fault}`);
    this.#contest = contest;
    this.#fault = contest;
    this.#logger.error(`the broker at ${url}: ${contest}; trying again, less and less often`);
  }
}
