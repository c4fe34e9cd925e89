import { setTimeout as sleep } from 'node:timers/promises';
import { type BusCall, BusSession } from './bus-session.js';
import { EVENT_MANAGER, FIRST_TIMESTAMP, ROOMS } from './names.js';

const REJOIN_PAUSE_MS = 5;

/** Emits numbered events through the bus's event manager. While the bus is away it emits none. */
export class EventSource implements AsyncDisposable {
  readonly #path: string;
  readonly #running: Promise<void>;
  #isClosed = false;
  #session: BusSession | undefined;
  #lastNumber = 0;

  /** @param path of the bus's socket */
  constructor(path: string) {
    this.#path = path;
    this.#running = this.#run();
  }

  /** Asks the event manager for so many events. What becomes of them, the {@link Witness} sees. */
  emit(count: number): void {
    const session = this.#session;
    if (!session || count === 0) return;
    session.send(Array.from({ length: count }, () => emission(++this.#lastNumber)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#session?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#session = await BusSession.join(this.#path);
        if (this.#isClosed) this.#session.close();
        await this.#session.closed;
      } catch {
        // The bus is away: it will be back.
      }
      this.#session = undefined;
      if (!this.#isClosed) await sleep(REJOIN_PAUSE_MS);
    }
  }
}

function emission(number: number): BusCall {
  return {
    destination: EVENT_MANAGER,
    path: '/sensor',
    interface: EVENT_MANAGER,
    member: 'emitFullEvent',
    signature: 'tsss',
    body: (writer) =>
      writer
        .uint64(BigInt(FIRST_TIMESTAMP + number))
        .string('temperature')
        .string(`room${number % ROOMS}`)
        .string(`{"value":${number}}`),
  };
}
