import type { OutboxEntry } from './outbox.js';

/** So often a message must be caught before it is set aside. */
const STRIKES = 3;
/**
 * How long a connection has to stand, by the strikes so far, before a suspect is sent again alone: a line that breaks every few
 * seconds is bad without it.
 */
const QUIET_MS = [0, 1_000, 5_000] as const;
/** A broker that cuts the connection over a message does so within this time. */
const VERDICT_MS = 3_000;

/**
 * Finds out the message that a broker can't stand: it cuts the connection over it, or never answers. Without that, such a
 * message would be sent again after each reconnection, and stop all behind it for ever.
 */
export class Suspects {
  readonly #cutting = new Suspect();
  readonly #unanswered = new Suspect();
  #isStalled = false;
  #isProbing = false;

  /** How many messages may be on the wire at first: after silence two, so that one that is never answered stops nobody. */
  get firstWindow(): number {
    return this.#isStalled ? 2 : 1;
  }

  /** How long to send nothing on a new connection. Calling it starts the probe. */
  startProbe(): number {
    this.#isProbing = this.#cutting.strikes > 0;
    return QUIET_MS[this.#cutting.strikes] ?? 0;
  }

  /** The connection stood without the suspect. */
  endProbe(): void {
    this.#isProbing = false;
  }

  acknowledged(entry: OutboxEntry): void {
    this.#isStalled = false;
    this.gone(entry);
  }

  /** It will not be sent again. */
  gone({ sequence }: OutboxEntry): void {
    this.#cutting.acquit(sequence);
    this.#unanswered.acquit(sequence);
  }

  /**
   * The connection was lost.
   *
   * @param alone what was on the wire alone, and not acknowledged
   * @param afterMs how long ago it was sent
   * @returns whether that one is to be set aside
   */
  connectionLost(alone: OutboxEntry | undefined, afterMs: number): boolean {
    if (this.#isProbing) {
      // It was not there, and yet the connection broke.
      this.#cutting.forget();
      this.#isProbing = false;
      return false;
    }
    return alone !== undefined && afterMs <= VERDICT_MS && this.#cutting.accuse(alone.sequence);
  }

  /**
   * No acknowledgement came for a message in time.
   *
   * @param othersWere whether one came for another that was sent after it
   * @returns whether it is to be set aside
   */
  unanswered({ sequence }: OutboxEntry, othersWere: boolean): boolean {
    this.#isStalled = true;
    return othersWere && this.#unanswered.accuse(sequence);
  }
}

class Suspect {
  strikes = 0;
  #sequence = 0;

  accuse(sequence: number): boolean {
    this.strikes = sequence === this.#sequence ? this.strikes + 1 : 1;
    this.#sequence = sequence;
    if (this.strikes < STRIKES) return false;
    this.forget();
    return true;
  }

  acquit(sequence: number): void {
    if (sequence === this.#sequence) this.forget();
  }

  forget(): void {
    this.strikes = 0;
    this.#sequence = 0;
  }
}
