import { Accounting, type DirectionCounts } from './accounting.js';
import type { Crossing } from './crossing.js';
import { MQTTGatewayError } from './errors.js';
import { type BasicEvent, toBasicEvent } from './event.js';
import type { EventBus } from './event-bus.js';
import type { InboundFilter } from './filter.js';
import { bookRefusal, forgetRefusal, kindOf, quote } from './filter-answer.js';
import { describeError, type Logger } from './logger.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import { nameFault } from './topic.js';

/** How many messages may wait for the bus, and how many bytes of payload, before no more are read from the broker. */
const MAX_WAITING_MESSAGES = 1_000;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** What the way in is made of. */
export interface InboundPathParts {
  readonly filter: InboundFilter;
  readonly bus: EventBus;
  readonly connector: MQTTConnector;
  readonly logger: Logger;
  readonly observers: ReadonlySet<(crossing: Crossing) => void>;
}

/** An event on its way in. */
interface Command {
  readonly channel: string;
  readonly event: BasicEvent;
}

/** The way in: connector → filter → bus, one message after the other. */
export class InboundPath {
  readonly #filter: InboundFilter;
  readonly #bus: EventBus;
  readonly #connector: MQTTConnector;
  readonly #books: Accounting;
  readonly #observers: InboundPathParts['observers'];
  /** Ends when everything that came so far has been handed to the bus. Never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #waitingBytes = 0;

  constructor({ filter, bus, connector, logger, observers }: InboundPathParts) {
    this.#filter = filter;
    this.#bus = bus;
    this.#connector = connector;
    this.#observers = observers;
    this.#books = new Accounting('a message from the broker', logger);
  }

  get counts(): DirectionCounts {
    return this.#books.counts;
  }

  /** Takes a message. Resolves when the next one may come: at once, unless too much waits for the bus already. */
  receive(message: MQTTMessage): void | Promise<void> {
    this.#books.receive();
    const commands = this.#translate(message);
    if (!commands) return;
    const bytes = message.payload.length;
    this.#waitingBytes += bytes;
    // One after the other keeps the order. The connection is read meanwhile: whoever reads nothing for long misses the
    // answers to its own keepalive.
    this.#tail = this.#tail.then(async () => {
      await this.#handOver(message, commands);
      this.#waitingBytes -= bytes;
    });
    const isFull = this.#books.waiting >= MAX_WAITING_MESSAGES || this.#waitingBytes >= MAX_WAITING_BYTES;
    if (isFull) return this.#tail;
  }

  /** Resolves when everything was handed to the bus, or when the deadline has passed. */
  async drained(deadline: AbortSignal): Promise<void> {
    if (deadline.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        deadline.removeEventListener('abort', done);
        resolve();
      };
      deadline.addEventListener('abort', done);
      void this.#tail.then(done);
    });
  }

  async #handOver(message: MQTTMessage, commands: readonly Command[]): Promise<void> {
    const results = await Promise.allSettled(
      commands.map(async ({ channel, event }) => this.#bus.emit(channel, event)),
    );
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (errors.length > 0) {
      const reason = reasonOf(errors, commands.length);
      return this.#books.drop(reason, () => `${quote(message.topic)}: ${describeError(errors[0])}`);
    }
    this.#books.forward();
    for (const observer of this.#observers) {
      for (const { channel, event } of commands) observer({ direction: 'in', message, channel, event });
    }
  }

  /** The events for a message, or `undefined` when it was filtered or dropped, and is accounted for. */
  #translate(message: MQTTMessage): Command[] | undefined {
    const filter = this.#filter;
    try {
      const accepted = filter.acceptEvent(this.#connector, this.#connector.userData, message) ?? [];
      if (typeof accepted[Symbol.iterator] !== 'function') {
        throw new TypeError(`acceptEvent gave ${kindOf(accepted)}, expected a list of events or null`);
      }
      const commands = Array.from(accepted, ([event, channel]) => ({ channel, event: toBasicEvent(event) }));
      if (commands.length === 0) {
        bookRefusal(this.#books, filter, message.topic);
        return undefined;
      }
      forgetRefusal(filter);
      const fault = commands.flatMap(faultsOf)[0];
      if (fault === undefined) return commands;
      this.#books.drop('illegal_event', () => `${quote(message.topic)}: ${fault}`);
    } catch (error) {
      this.#books.drop('filter_fault', () => `${quote(message.topic)}: ${describeError(error)}`);
    }
    return undefined;
  }
}

/** What keeps an event from the bus. */
function faultsOf({ channel, event: { varType, varName } }: Command): string[] {
  const names = [varType, varName].flatMap((name) => nameFault(name) ?? []);
  return typeof channel === 'string' && channel !== '' ? names : [...names, 'an event has a channel'];
}

function reasonOf(errors: readonly unknown[], commands: number): string {
  if (errors.length < commands) return 'partly_refused_by_bus';
  const isAway = (error: unknown) => error instanceof MQTTGatewayError && error.code === 'bus_unreachable';
  return errors.every(isAway) ? 'bus_unreachable' : 'refused_by_bus';
}
