import { MQTTGatewayError } from './errors.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { QoS } from './mqtt-message.js';
import type { OutboundMessage, Outbox } from './outbox.js';

/**
 * How many messages may be on the wire unacknowledged. 500 carry 25,000 messages a second over a round trip of 20 ms; more
 * bring nothing on a fast network, and wait in memory twice. QoS 2 stays at the 20 that brokers commonly grant: beyond it
 * Mosquitto with MQTT 3.1.1 loses messages and reports success.
 */
const IN_FLIGHT_WINDOW: Readonly<Record<QoS, number>> = { 0: 500, 1: 500, 2: 20 };

/** What becomes of a message that was sent. */
export interface SenderListener {
  /** The broker has it. */
  delivered(message: OutboundMessage): void;
  /** The broker, or MQTT itself, will not have it; the connection is not the reason. */
  refused(message: OutboundMessage, error: Error): void;
}

/** Moves messages from the outbox to the broker, through a bounded window, whenever there is a connection. */
export class Sender {
  readonly #outbox: Outbox;
  readonly #connector: MQTTConnector;
  readonly #listener: SenderListener;
  readonly #window: number;
  readonly #unwatch: () => void;
  #inFlight = 0;
  /** Counts connections: an answer for a message of an earlier one says nothing about this one. */
  #epoch = 0;
  #refill: NodeJS.Immediate | undefined;
  #awaitingDrain = false;
  #onIdle: (() => void)[] = [];

  constructor(outbox: Outbox, connector: MQTTConnector, qos: QoS, listener: SenderListener) {
    this.#outbox = outbox;
    this.#connector = connector;
    this.#listener = listener;
    this.#window = IN_FLIGHT_WINDOW[qos];
    this.#unwatch = connector.watch((state) => {
      if (state === 'connected') this.#resume();
    });
  }

  /**
   * There is something to send. It is sent once per turn of the event loop: one write to the socket for all that came
   * together costs half of one write each.
   */
  wake(): void {
    if (this.#refill === undefined && this.#inFlight < this.#window && this.#connector.connected) {
      this.#refill = setImmediate(this.#send);
    }
  }

  /** Resolves when nothing waits any more, or when the signal is aborted. */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#outbox.waiting > 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          resolve();
        };
        signal.addEventListener('abort', done);
        this.#onIdle.push(done);
      });
    }
  }

  /** Sends nothing more. */
  close(): void {
    this.#unwatch();
    clearImmediate(this.#refill);
    this.#epoch++;
  }

  #resume(): void {
    this.#epoch++;
    this.#inFlight = 0;
    this.#awaitingDrain = false;
    this.#outbox.rewind();
    this.wake();
  }

  readonly #send = (): void => {
    this.#refill = undefined;
    while (this.#inFlight < this.#window) {
      if (!this.#connector.connected || this.#awaitingDrain) return;
      if (!this.#connector.writable) return this.#awaitDrain();
      const message = this.#outbox.take();
      if (!message) return;
      this.#inFlight++;
      void this.#publish(message, this.#epoch);
    }
  };

  #awaitDrain(): void {
    const epoch = this.#epoch;
    this.#awaitingDrain = true;
    this.#connector.onceWritable(() => {
      if (epoch !== this.#epoch) return;
      this.#awaitingDrain = false;
      this.wake();
    });
  }

  async #publish(message: OutboundMessage, epoch: number): Promise<void> {
    try {
      await this.#connector.publish(message.topic, message.payload, message);
    } catch (error) {
      // What a lost connection swallowed stays in the outbox, to be sent again.
      if (epoch !== this.#epoch || isWeather(error)) return;
      this.#settle(message);
      this.#listener.refused(message, error as Error);
      return;
    }
    if (epoch !== this.#epoch) return;
    this.#settle(message);
    this.#listener.delivered(message);
  }

  #settle(message: OutboundMessage): void {
    this.#outbox.settle(message);
    this.#inFlight--;
    this.wake();
    if (this.#outbox.waiting === 0 && this.#onIdle.length > 0) {
      for (const done of this.#onIdle.splice(0)) done();
    }
  }
}

function isWeather(error: unknown): boolean {
  return error instanceof MQTTGatewayError && ['broker_unreachable', 'not_connected', 'closed'].includes(error.code);
}
