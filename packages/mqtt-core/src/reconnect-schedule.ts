import type { BrokerAddress } from './broker-address.js';

/** MQTT 3.1.1 is version 4 on the wire (MQTT 3.1.1, section 3.1.2.2). */
export type WireVersion = 4 | 5;

/** Where to connect to, and how to speak there. */
export interface Attempt {
  readonly address: BrokerAddress;
  readonly version: WireVersion;
}

/**
 * How an attempt, or the connection that came of it, ended.
 *
 * - `unreachable`: the broker was not reached, or did not answer in time, or is not well.
 * - `version_refused`: the broker said that it does not speak this version.
 * - `odd_answer`: it closed the connection before it accepted it, or answered what can't be read.
 * - `refused`: it knows this client and does not let it in; to ask again soon is of no use.
 * - `lost`: the connection was accepted, and ended.
 */
export type AttemptEnd =
  | { readonly kind: 'unreachable' | 'version_refused' | 'odd_answer' | 'refused' }
  | {
      readonly kind: 'lost';
      readonly lastedMs: number;
      /** Who ended it: the other side without a reason that it would have given, or a client of the same name. */
      readonly by?: 'broker' | 'namesake' | undefined;
    };

/** A connection that lasted as long says that all is well again. */
const STABLE_MS = 10_000;
/** So many connections in a row, each accepted and soon closed by the broker, are no coincidence. */
const SUSPICIOUS_IN_A_ROW = 3;
/** How long to leave a broker alone that refused the login: each time twice as long, up to the second. */
const REFUSED_MIN_MS = 30_000;
const REFUSED_MAX_MS = 300_000;

/** Decides where and when to try next. Knows no sockets and no clock. */
export class ReconnectSchedule {
  readonly #addresses: readonly BrokerAddress[];
  #minMs: number;
  #maxMs: number;
  readonly #random: () => number;
  readonly #fixedVersion: WireVersion | undefined;
  /** What is known to work at each address. */
  readonly #versions: (WireVersion | undefined)[];
  /** For the next attempt only: whoever closed the connection may do so again when spoken to in 3.1.1. */
  #guess: WireVersion | undefined;
  #index = 0;
  /** Addresses that failed one after the other. */
  #tried = 0;
  #refusedInRound = false;
  #rounds = 0;
  #refusals = 0;
  #closedInARow = 0;
  #contested = false;

  /**
   * @param version the only version to speak, or `auto`: 5, and 3.1.1 where that is refused
   * @param random as `Math.random`
   */
  constructor(
    addresses: readonly BrokerAddress[],
    version: 'auto' | WireVersion,
    { minMs, maxMs }: { readonly minMs: number; readonly maxMs: number },
    random: () => number = Math.random,
  ) {
    this.#addresses = addresses;
    this.#versions = addresses.map(() => undefined);
    this.#fixedVersion = version === 'auto' ? undefined : version;
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Goes on with other waits. */
  reconfigure({ minMs, maxMs }: { readonly minMs: number; readonly maxMs: number }): void {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** The attempt to make now. */
  get next(): Attempt {
    const version = this.#fixedVersion ?? this.#guess ?? this.#versions[this.#index] ?? 5;
    return { address: this.#addresses[this.#index] as BrokerAddress, version };
  }

  /** Whether it looks as if another client with the same name throws this one out, again and again. */
  get contested(): boolean {
    return this.#contested;
  }

  /** How many ms a connection has to last before the troubles ahead of it are forgotten. */
  get stableAfterMs(): number {
    // Two clients that throw each other out last as long as the other waits.
    return this.#contested ? 2 * this.#maxMs + STABLE_MS : STABLE_MS;
  }

  /** The broker accepted the attempt. */
  accepted(): void {
    if (this.next.version === 5) this.#versions[this.#index] = 5;
    this.#refusals = 0;
  }

  /** The attempt ended. Returns how many ms to wait before the {@link next} one. */
  ended(end: AttemptEnd): number {
    const { version } = this.next;
    const known = this.#versions[this.#index];
    const guessed = this.#guess !== undefined;
    this.#guess = undefined;
    if (end.kind === 'lost') return this.#lost(end);

    if (this.#fixedVersion === undefined) {
      if (end.kind === 'version_refused') this.#versions[this.#index] = version === 5 ? 4 : undefined;
      if (end.kind === 'version_refused' && version === 5) return 0;
      if (end.kind === 'odd_answer' && known === undefined && !guessed) {
        this.#guess = 4;
        return 0;
      }
    }
    return this.#failed(end.kind === 'refused');
  }

  #lost({ lastedMs, by }: AttemptEnd & { kind: 'lost' }): number {
    if (lastedMs >= this.stableAfterMs) {
      this.#rounds = 0;
      this.#closedInARow = 0;
      this.#contested = false;
    } else {
      this.#closedInARow = by === 'broker' ? this.#closedInARow + 1 : 0;
      // It lets us in and does not keep us: the next one may.
      this.#index = (this.#index + 1) % this.#addresses.length;
    }
    if (by === 'namesake' || this.#closedInARow >= SUSPICIOUS_IN_A_ROW) this.#contested = true;
    this.#tried = 0;
    this.#refusedInRound = false;
    return this.#backOff();
  }

  #failed(refused: boolean): number {
    this.#tried++;
    this.#refusedInRound ||= refused;
    this.#index = (this.#index + 1) % this.#addresses.length;
    if (this.#tried < this.#addresses.length) return 0;
    const slow = this.#refusedInRound;
    this.#tried = 0;
    this.#refusedInRound = false;
    return slow ? this.#leaveAlone() : this.#backOff();
  }

  /** From three quarters of the step to all of it: many clients do not come back at the same moment. */
  #backOff(): number {
    const step = Math.min(this.#maxMs, this.#minMs * 2 ** this.#rounds);
    if (step < this.#maxMs) this.#rounds++;
    return step * (0.75 + 0.25 * this.#random());
  }

  #leaveAlone(): number {
    const step = Math.min(REFUSED_MAX_MS, REFUSED_MIN_MS * 2 ** this.#refusals);
    if (step < REFUSED_MAX_MS) this.#refusals++;
    return step * (1 + 0.25 * this.#random());
  }
}
