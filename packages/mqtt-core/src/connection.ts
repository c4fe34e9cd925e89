import { TLSSocket } from 'node:tls';
import type { MqttClient } from 'mqtt';
import type { BrokerCertificate } from './broker-certificate.js';
import { explainFault, kindOfRefusal, type OptionNames } from './explain-fault.js';
import { describeError } from './logger.js';
import type { OrphanRelease } from './orphan-release.js';
import type { Attempt, AttemptEnd } from './reconnect-schedule.js';

/** The broker says that another client connected with the same identifier (MQTT 5, section 3.14.2.1). */
const SESSION_TAKEN_OVER = 142;

/** Errors by which the other side ends a connection without a word. */
const CUTS: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

/** One attempt to connect, and the connection that comes of it: what is known of it until it ended, and why it did. */
export class Connection {
  readonly attempt: Attempt;
  /** Resolves when the socket is closed, or given up for good. */
  readonly closed: Promise<void>;
  readonly close: () => void;
  /** Runs out when the next step takes too long. */
  deadline: NodeJS.Timeout | undefined;
  /** When the broker accepted it, in ms of `performance.now()`. */
  acceptedAt: number | undefined;
  sessionPresent = false;
  /** The session is the one of the connection before. */
  isResumed = false;
  /** While the broker is asked to release what was left in the session. */
  orphans: OrphanRelease | undefined;
  /** The broker was asked for the subscriptions. */
  hasSubscribed = false;
  /** It was in use: the broker has answered the subscriptions too, or had other things to say first. */
  wasUp = false;
  /** Another one is to take its place, with other settings: that it ends is no fault. */
  isReplaced = false;
  /** Nothing more is to be done with it: it ended, or is about to. */
  isOver = false;
  /** Why we ended it ourselves. */
  givenUpFor: string | undefined;
  /** The broker's reason code, of a refusing CONNACK or of a DISCONNECT. */
  reasonCode: number | undefined;
  /** The broker's own words for it. */
  reason: string | undefined;
  #error: Error | undefined;
  readonly #names: Partial<OptionNames> | undefined;
  /** What the broker showed, trusted or not. */
  #certificate: BrokerCertificate | undefined;

  /** @param names what options are called where they come from */
  constructor(attempt: Attempt, names?: Partial<OptionNames>) {
    this.attempt = attempt;
    this.#names = names;
    let close = () => {};
    this.closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    this.close = close;
  }

  /** The next step has to be done within so many ms. */
  expect(withinMs: number, otherwise: () => void): void {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(otherwise, withinMs);
  }

  /** What was expected is done. */
  relax(): void {
    clearTimeout(this.deadline);
    this.deadline = undefined;
  }

  /** Takes note of what the socket says. */
  watch(stream: MqttClient['stream']): void {
    // MQTT.js swallows errors that have no code, as those of WebSocket.
    stream.on('error', (error: Error) => this.fail(error));
    if (!(stream instanceof TLSSocket)) return;
    // Node.js judges the certificate at this event, and with one that it refuses all is gone that could tell of it.
    stream.prependOnceListener('secure', () => {
      this.#certificate = stream.getPeerCertificate();
    });
  }

  /** Takes note of an error; the first one counts, it is the cause of the others. */
  fail(error: Error): void {
    this.#error ??= error;
  }

  /** Whether it is known that another client took it over. */
  get isTakenOver(): boolean {
    return this.acceptedAt !== undefined && this.reasonCode === SESSION_TAKEN_OVER;
  }

  /** What went wrong, and what to look at, in one line. */
  get fault(): string {
    if (this.givenUpFor !== undefined) return this.givenUpFor;
    if (this.reason !== undefined) return this.reason;
    // What may be wrong with the address is not, once the broker has accepted the connection.
    if (this.acceptedAt !== undefined) return this.#error ? describeError(this.#error) : 'the broker closed it';
    if (this.#error) {
      return explainFault(this.#error, this.attempt.address, { names: this.#names, certificate: this.#certificate });
    }
    return 'closed the connection at once: is this a port for MQTT?';
  }

  /** How it ended, for the schedule. */
  get end(): AttemptEnd {
    if (this.acceptedAt !== undefined) {
      const lastedMs = performance.now() - this.acceptedAt;
      return { kind: 'lost', lastedMs, by: this.isTakenOver ? 'namesake' : this.#isCut ? 'broker' : undefined };
    }
    if (this.reasonCode !== undefined) return { kind: kindOfRefusal(this.reasonCode) };
    return { kind: this.#isCut || this.#isUnreadable ? 'odd_answer' : 'unreachable' };
  }

  get #isCut(): boolean {
    if (this.givenUpFor !== undefined || this.reason !== undefined) return false;
    return !this.#error || CUTS.includes((this.#error as NodeJS.ErrnoException).code);
  }

  /** Errors of the parser have no code; nor has the end of MQTT.js' own patience. */
  get #isUnreadable(): boolean {
    if (this.givenUpFor !== undefined || !this.#error) return false;
    return (this.#error as NodeJS.ErrnoException).code === undefined && !/timeout/i.test(this.#error.message);
  }
}
