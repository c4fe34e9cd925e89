import type { TimedEvent } from './event.js';
import type { BusListener, BusSubscription, EventBus } from './event-bus.js';

/**
 * A subscription that is listened to, or not: while an old and a new one stand side by side, what comes on a channel of both
 * is heard by one of them.
 */
export class Ear implements BusListener {
  readonly channels: ReadonlySet<string>;
  isOpen = false;
  readonly #listener: BusListener;
  #subscription: BusSubscription | undefined;

  constructor(channels: readonly string[], listener: BusListener) {
    this.channels = new Set(channels);
    this.#listener = listener;
  }

  /** @throws {MQTTGatewayError} as {@link EventBus.subscribe} */
  async subscribe(bus: EventBus): Promise<void> {
    if (this.channels.size > 0) this.#subscription = await bus.subscribe([...this.channels], this);
  }

  async unsubscribe(): Promise<void> {
    await this.#subscription?.unsubscribe();
  }

  /** Whether it hears these channels and no other. */
  hears(channels: readonly string[]): boolean {
    return channels.length === this.channels.size && channels.every((channel) => this.channels.has(channel));
  }

  event(channel: string, event: TimedEvent): void {
    if (this.isOpen) this.#listener.event(channel, event);
  }

  malformed(reason: string, detail: string): void {
    if (this.isOpen) this.#listener.malformed(reason, detail);
  }
}
