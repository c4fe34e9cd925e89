import { MQTTGatewayError } from './errors.js';
import { ALL_CHANNELS, type BasicEvent, TimedEvent, type Timestamp } from './event.js';
import type { BusListener, BusState, BusSubscription, EventBus } from './event-bus.js';

/** Options of a {@link MemoryEventBus}. */
export interface MemoryEventBusOptions {
  /** The channels there are. Default: {@link ALL_CHANNELS}. */
  channels?: readonly string[];
  /** Where dates come from, in ms since the Epoch. Default: `Date.now`. */
  now?: () => Timestamp;
}

/** An event bus within the process: for programs without D-Bus, for tests and for trying things out. */
export class MemoryEventBus implements EventBus, AsyncDisposable {
  readonly #channels: ReadonlySet<string>;
  readonly #now: () => Timestamp;
  readonly #subscriptions = new Set<{ channels: ReadonlySet<string>; listener: BusListener }>();
  readonly #watchers = new Set<(state: BusState) => void>();
  #closed = false;

  constructor({ channels = ALL_CHANNELS, now = Date.now }: MemoryEventBusOptions = {}) {
    this.#channels = new Set(channels);
    this.#now = now;
  }

  get state(): BusState {
    return this.#closed ? 'closed' : 'attached';
  }

  watch(watcher: (state: BusState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async subscribe(channels: readonly string[], listener: BusListener): Promise<BusSubscription> {
    this.#assertOpen();
    const subscription = { channels: new Set(channels), listener };
    this.#subscriptions.add(subscription);
    const unsubscribe = async () => {
      this.#subscriptions.delete(subscription);
    };
    return { unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }

  async emit(channel: string, { varType, varName, data }: BasicEvent): Promise<void> {
    this.#assertOpen();
    this.#deliver(channel, new TimedEvent(this.#now(), varType, varName, data));
  }

  /** Like {@link emit}, with the caller's date, as the `emitFullEvent` of CSTBox's event manager. */
  async emitFull(channel: string, event: TimedEvent): Promise<void> {
    this.#assertOpen();
    this.#deliver(channel, event);
  }

  /** Ends every subscription; `emit` and `subscribe` fail from now on. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#subscriptions.clear();
    for (const watcher of this.#watchers) watcher('closed');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #deliver(channel: string, event: TimedEvent): void {
    if (!this.#channels.has(channel)) throw new MQTTGatewayError('bus_refused', `the bus has no channel '${channel}'`);
    for (const { channels, listener } of this.#subscriptions) {
      if (channels.has(channel)) listener.event(channel, event);
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new MQTTGatewayError('closed', 'the bus was closed');
  }
}
