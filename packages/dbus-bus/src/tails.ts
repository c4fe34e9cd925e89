import { randomUUID } from 'node:crypto';
import type { Crossing } from '@cstbox/mqtt-core';
import type { DBusCaller } from './dbus-interface.js';
import { CallRefused, DBUS_ERROR } from './dbus-interface.js';
import { decidedBy, sizeOfEntry, type TailEntry, tailEntryOf } from './tail-entry.js';

/** What a viewer wants to see. Default: everything. */
export interface TailOptions {
  readonly direction?: 'out' | 'in' | undefined;
  /** The outcomes; see {@link TailEntry}. */
  readonly outcomes?: readonly string[] | undefined;
  /** The name of a rule, as the counts have it, or without the filter that stands before it there. */
  readonly rule?: string | undefined;
}

/** What happened since a viewer last asked. */
export interface TailAnswer {
  /** In their order. */
  readonly entries: readonly TailEntry[];
  /** How many entries after these the viewer was too slow for. */
  readonly missed: number;
}

const MAX_VIEWERS = 4;
/** What a viewer may leave unread: entries, and about how many bytes of them. */
const MAX_ENTRIES = 2_000;
const MAX_BYTES = 1024 * 1024;
/** How long a viewer waits for something to happen, in ms. */
const POLL_MS = 5_000;
/** How long the first entry waits for more to come, in ms: a viewer asks some 20 times in a second at most. */
const GATHER_MS = 50;
/** A viewer that has not asked for so long, in ms, is gone. */
const ABANDONED_MS = 15_000;

/** What a viewer has not read yet. When that is too much, what comes is counted only: a slow viewer costs less than a fast one. */
class Viewer {
  readonly id: string = randomUUID();
  #entries: TailEntry[] = [];
  #bytes = 0;
  #missed = 0;
  /** Answers the call that waits. */
  #answer: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    readonly caller: string,
    private readonly options: TailOptions,
    private readonly redact: (text: string) => string,
    private readonly abandoned: () => void,
  ) {
    this.#expectNextCall();
  }

  see(crossing: Crossing): void {
    if (!this.#wants(crossing)) return;
    if (this.#entries.length >= MAX_ENTRIES || this.#bytes >= MAX_BYTES) {
      this.#missed++;
      return;
    }
    const entry = tailEntryOf(crossing, Date.now(), this.redact);
    this.#entries.push(entry);
    this.#bytes += sizeOfEntry(entry);
    if (!this.#answer) return;
    if (this.#entries.length === 1) this.#answerAfter(GATHER_MS);
    else if (this.#entries.length > MAX_ENTRIES / 2 || this.#bytes > MAX_BYTES / 2) this.#answer();
  }

  /** Resolves with what there is, as soon as there is something; after {@link POLL_MS} also without. */
  async read(): Promise<TailAnswer> {
    // Who asks twice gets the first answer now.
    this.#answer?.();
    if (this.#entries.length === 0) {
      await new Promise<void>((resolve) => {
        this.#answer = () => {
          this.#answer = undefined;
          clearTimeout(this.#timer);
          resolve();
        };
        this.#answerAfter(POLL_MS);
      });
    }
    const answer = { entries: this.#entries, missed: this.#missed };
    this.#entries = [];
    this.#bytes = 0;
    this.#missed = 0;
    if (!this.#answer && !this.#isClosed) this.#expectNextCall();
    return answer;
  }

  /** A call that waits is answered. */
  close(): void {
    this.#isClosed = true;
    this.#answer?.();
    clearTimeout(this.#timer);
  }

  #wants(crossing: Crossing): boolean {
    const { direction, outcomes, rule } = this.options;
    if (direction !== undefined && crossing.direction !== direction) return false;
    if (outcomes !== undefined && !outcomes.includes(crossing.outcome)) return false;
    if (rule === undefined) return true;
    const name = decidedBy(crossing).rule;
    return name === rule || (name?.endsWith(` > ${rule}`) ?? false);
  }

  #answerAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#answer?.(), ms);
  }

  #expectNextCall(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.abandoned, ABANDONED_MS);
  }
}

/** Those who look at what crosses, over D-Bus. While there is none, the gateway tells nobody anything. */
export class Tails {
  readonly #observe: (observer: (crossing: Crossing) => void) => () => void;
  readonly #redact: (text: string) => string;
  /** Each with what ends it. */
  readonly #viewers = new Map<string, { readonly viewer: Viewer; readonly end: () => void }>();
  #isClosed = false;

  /**
   * @param observe calls the observer for each crossing until the returned function is called
   * @param redact takes out of a text what nobody may read
   */
  constructor(
    observe: (observer: (crossing: Crossing) => void) => () => void,
    redact: (text: string) => string = (text) => text,
  ) {
    this.#observe = observe;
    this.#redact = redact;
  }

  /**
   * Opens a view for a caller, for as long as the caller is there and reads. Returns its id.
   *
   * @throws {CallRefused} when there are too many
   */
  open(options: TailOptions, caller: DBusCaller): string {
    this.#assertOpen();
    if (this.#viewers.size >= MAX_VIEWERS) {
      throw new CallRefused(`${DBUS_ERROR}.LimitsExceeded`, `${MAX_VIEWERS} look on already: end one of them first`);
    }
    const viewer = new Viewer(caller.name, options, this.#redact, () => end());
    const unobserve = this.#observe((crossing) => viewer.see(crossing));
    const forget = caller.onGone(() => end());
    const end = () => {
      if (!this.#viewers.delete(viewer.id)) return;
      unobserve();
      forget();
      viewer.close();
    };
    this.#viewers.set(viewer.id, { viewer, end });
    return viewer.id;
  }

  /** @throws {CallRefused} when the caller has no such view, or no longer */
  read(id: string, caller: DBusCaller): Promise<TailAnswer> {
    return this.#of(id, caller).viewer.read();
  }

  /** @throws {CallRefused} when the caller has no such view, or no longer */
  close(id: string, caller: DBusCaller): void {
    this.#of(id, caller).end();
  }

  /** Ends all views, for good. */
  closeAll(): void {
    this.#isClosed = true;
    for (const { end } of [...this.#viewers.values()]) end();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new CallRefused(`${DBUS_ERROR}.Failed`, 'the gateway stops');
  }

  #of(id: string, caller: DBusCaller): { readonly viewer: Viewer; readonly end: () => void } {
    const found = this.#viewers.get(id);
    if (found?.viewer.caller === caller.name) return found;
    this.#assertOpen();
    const why = `who does not read for ${ABANDONED_MS / 1_000} s loses it`;
    throw new CallRefused(`${DBUS_ERROR}.InvalidArgs`, `you have no such view, or no longer: ${why}`);
  }
}
