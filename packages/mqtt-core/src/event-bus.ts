import type { BasicEvent, TimedEvent } from './event.js';

/** What a subscriber wants to hear. Called synchronously, in the order of the bus; must neither throw nor block. */
export interface BusListener {
  /** An event came. */
  event(channel: string, event: TimedEvent): void;
  /**
   * Something came that is no event, and was left out: data that is no JSON object, a sender that is not the event
   * manager. The reason is one of few words, fit for a counter; the detail says more for a log.
   */
  malformed(reason: string, detail: string): void;
}

/** A subscription to channels of a bus; ends with `unsubscribe()`. */
export interface BusSubscription extends AsyncDisposable {
  /** Ends the subscription: no call of the listener after it resolves. May be called again. */
  unsubscribe(): Promise<void>;
}

/**
 * Whether events come and are accepted: `attached` when the bus and whoever serves its events are there, `away` while one
 * of them is not, which is weather, and `closed` for good.
 */
export type BusState = 'attached' | 'away' | 'closed';

/**
 * What the gateway needs of an event bus. The seam for buses of any kind: implement it, run the contract suite of
 * `@cstbox/mqtt-core/testing` over it, and hand it to a {@link Gateway}.
 */
export interface EventBus {
  /** Whether events come and are accepted right now. */
  readonly state: BusState;

  /** Calls the watcher at each change of {@link state}, until the returned function is called. */
  watch(watcher: (state: BusState) => void): () => void;

  /**
   * Calls the listener for each event on the channels, until it is unsubscribed. While the bus is away nothing is heard;
   * when it is back, so is the subscription.
   *
   * @throws {MQTTGatewayError} `closed`, after it was closed
   */
  subscribe(channels: readonly string[], listener: BusListener): Promise<BusSubscription>;

  /**
   * Hands an event to the bus, which dates it. Resolves when the bus has accepted it. Calls that are under way at the
   * same time reach the bus in the order in which they were made.
   *
   * @throws {MQTTGatewayError} `bus_unreachable` (it is away, or was lost before it answered: the event may have been
   *   accepted or not), `bus_refused` (no such channel, or the bus said no) or `closed`
   */
  emit(channel: string, event: BasicEvent): Promise<void>;
}
