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
 * What the gateway needs of an event bus. The seam for buses of any kind: implement it, run the contract suite of
 * `@cstbox/mqtt-core/testing` over it, and hand it to a {@link Gateway}.
 */
export interface EventBus {
  /**
   * Calls the listener for each event on the channels, until it is unsubscribed.
   *
   * @throws {MQTTGatewayError} `bus_unreachable` when the bus can't be reached, `closed` after it was closed
   */
  subscribe(channels: readonly string[], listener: BusListener): Promise<BusSubscription>;

  /**
   * Hands an event to the bus, which dates it. Resolves when the bus has accepted it. Calls that are under way at the
   * same time reach the bus in the order in which they were made.
   *
   * @throws {MQTTGatewayError} `bus_unreachable`, `bus_refused` (no such channel, or the bus said no) or `closed`
   */
  emit(channel: string, event: BasicEvent): Promise<void>;
}
