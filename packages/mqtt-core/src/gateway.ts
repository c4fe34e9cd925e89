import { Accounting, type DirectionCounts, formatCounts } from './accounting.js';
import { ConfigurationError, MQTTGatewayError } from './errors.js';
import { type BasicEvent, type TimedEvent, toBasicEvent } from './event.js';
import type { BusSubscription, EventBus } from './event-bus.js';
import type { InboundFilter, OutboundFilter } from './filter.js';
import { describeError, type Logger, silentLogger } from './logger.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage, QoS } from './mqtt-message.js';
import { MemoryOutbox, type OutboundMessage, type Outbox } from './outbox.js';
import { Sender } from './sender.js';
import { nameFault, topicFault } from './topic.js';

/** Options of a {@link Gateway}. */
export interface GatewayOptions {
  /** The bus to bridge. It stays the caller's: the gateway only subscribes and emits. */
  bus: EventBus;
  /** The connection to the broker. The gateway runs it, sets its `onMessage`, and shuts it down. */
  connector: MQTTConnector;
  /** What may come in. Default: nothing. */
  inbound?: InboundFilter | undefined;
  /** What may go out. Default: nothing. */
  outbound?: OutboundFilter | undefined;
  /** The QoS to publish with. Default: 1. */
  qos?: QoS;
  /** Where messages wait for the broker. Default: in memory, bounded. */
  outbox?: Outbox;
  /** How long `stop()` waits for what is on its way, in ms. Default: 5,000. */
  stopTimeoutMs?: number;
  /** Default: silent. */
  logger?: Logger;
}

/** The counts of both directions. */
export interface GatewayCounts {
  /** Bus to MQTT, in events. */
  readonly out: DirectionCounts;
  /** MQTT to bus, in messages. */
  readonly in: DirectionCounts;
}

/** Something that a filter let through, for who looks on: out when it goes to the outbox, in when the bus has accepted it. */
export type Crossing =
  | {
      readonly direction: 'out';
      readonly channel: string;
      readonly event: TimedEvent;
      readonly message: OutboundMessage;
    }
  | { readonly direction: 'in'; readonly message: MQTTMessage; readonly channel: string; readonly event: BasicEvent };

/** How many messages may wait for the bus, and how many bytes of payload, before no more are read from the broker. */
const MAX_INBOUND_MESSAGES = 1_000;
const MAX_INBOUND_BYTES = 16 * 1024 * 1024;

/** An event on its way in. */
interface Command {
  readonly channel: string;
  readonly event: BasicEvent;
}

/**
 * The gateway between one bus and one broker: what a filter accepts crosses, in order; everything else does not, and
 * everything is counted.
 */
export class Gateway implements AsyncDisposable {
  readonly #bus: EventBus;
  readonly #connector: MQTTConnector;
  readonly #inbound: InboundFilter | undefined;
  readonly #outbound: OutboundFilter | undefined;
  readonly #qos: QoS;
  readonly #outbox: Outbox;
  readonly #stopTimeoutMs: number;
  readonly #logger: Logger;
  readonly #sender: Sender;
  readonly #out: Accounting;
  readonly #in: Accounting;
  readonly #observers = new Set<(crossing: Crossing) => void>();
  #subscription: BusSubscription | undefined;
  /** Ends when everything that came in so far has been handed to the bus. */
  #inboundTail: Promise<void> = Promise.resolve();
  #inboundBytes = 0;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** @throws {ConfigurationError} when both filters are missing: nothing could ever cross */
  constructor(options: GatewayOptions) {
    const { bus, connector, inbound, outbound, qos = 1, outbox = new MemoryOutbox(), logger = silentLogger } = options;
    if (!inbound && !outbound)
      throw new ConfigurationError('a gateway without any filter lets nothing cross: give it one');
    this.#bus = bus;
    this.#connector = connector;
    this.#inbound = inbound;
    this.#outbound = outbound;
    this.#qos = qos;
    this.#outbox = outbox;
    this.#stopTimeoutMs = options.stopTimeoutMs ?? 5_000;
    this.#logger = logger;
    this.#out = new Accounting('an event from the bus', logger);
    this.#in = new Accounting('a message from the broker', logger);
    // What an outbox has kept from an earlier life is on its way too.
    this.#out.receive(outbox.waiting);
    this.#sender = new Sender(outbox, connector, qos, {
      delivered: () => this.#out.forward(),
      refused: ({ topic }, error) =>
        this.#out.drop('refused_by_broker', () => `${shorten(topic)}: ${describeError(error)}`),
    });
  }

  /** What came and what became of it. */
  get counts(): GatewayCounts {
    return { out: this.#out.counts, in: this.#in.counts };
  }

  /** Calls the observer for everything that the filters let through, until the returned function is called. It must not throw. */
  observe(observer: (crossing: Crossing) => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /**
   * Attaches to the bus and starts to connect to the broker. Resolves when events are heard; it does not wait for the
   * broker: what comes before the connection waits in the outbox.
   *
   * @throws {MQTTGatewayError} `bus_unreachable`, when the bus can't be subscribed to; `closed`, after `stop()`
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Stops hearing the bus, gives what is on its way the time to arrive, and disconnects from the broker. Idempotent; a
   * gateway can't be started again.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw new MQTTGatewayError('closed', 'the gateway was stopped: make a new one');
    if (this.#outbound) {
      this.#subscription = await this.#bus.subscribe(this.#outbound.channels, {
        event: (channel, event) => this.#onEvent(channel, event),
        malformed: (reason, detail) => {
          this.#out.receive();
          this.#out.drop(reason, () => detail);
        },
      });
    }
    if (this.#inbound) this.#connector.onMessage = (_client, _userData, message) => this.#onMessage(message);
    // Rejects only when it is shut down before it ever connected.
    this.#connector.run().catch(() => {});
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    const deadline = AbortSignal.timeout(this.#stopTimeoutMs);
    try {
      await this.#subscription?.unsubscribe();
      if (this.#connector.connected) await this.#sender.drained(deadline);
    } catch (error) {
      this.#logger.error(`did not leave the bus in order: ${describeError(error)}`);
    }
    this.#sender.close();
    await this.#connector.shutdown();
    await settledWithin(this.#inboundTail, deadline);
    const lost = await this.#outbox.close();
    if (this.#outbound) this.#logger.info(`bus to MQTT: ${formatCounts(this.#out.counts)}`);
    if (this.#inbound) this.#logger.info(`MQTT to bus: ${formatCounts(this.#in.counts)}`);
    if (lost > 0) this.#logger.warn(`${lost} messages did not reach the broker and are lost with this process`);
  }

  #onEvent(channel: string, event: TimedEvent): void {
    const outbound = this.#outbound as OutboundFilter;
    const { timestamp, varType, varName, data } = event;
    this.#out.receive();
    let message: OutboundMessage;
    try {
      const topic = outbound.getMqttTopic(timestamp, varType, varName, data, channel);
      if (topic === null || topic === undefined) return this.#decline(this.#out, outbound, `${varType}:${varName}`);
      forgetRefusal(outbound);
      if (typeof topic !== 'string')
        throw new TypeError(`getMqttTopic gave ${kindOf(topic)}, expected a string or null`);
      const fault = topicFault(topic);
      if (fault) return this.#out.drop('illegal_topic', () => `${shorten(topic)}: ${fault}`);
      const payload = outbound.makePayload(timestamp, varType, varName, data);
      if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
        throw new TypeError(`makePayload gave ${typeof payload}, expected a string or bytes`);
      }
      message = { topic, payload, qos: this.#qos, retain: false };
    } catch (error) {
      return this.#out.drop('filter_fault', () => `${shorten(`${varType}:${varName}`)}: ${describeError(error)}`);
    }
    const givenUp = this.#outbox.put(message);
    if (givenUp > 0)
      this.#out.drop('outbox_full', () => `${this.#outbox.waiting} messages wait for the broker`, givenUp);
    this.#sender.wake();
    if (this.#observers.size > 0) this.#show({ direction: 'out', channel, event, message });
  }

  /** Resolves when the next message may come: at once, unless too much waits for the bus already. */
  #onMessage(message: MQTTMessage): void | Promise<void> {
    this.#in.receive();
    const commands = this.#translate(message);
    if (!commands) return;
    const bytes = message.payload.length;
    this.#inboundBytes += bytes;
    // One after the other keeps the order. The connection is read meanwhile: whoever reads nothing for long misses the
    // answers to its own keepalive.
    this.#inboundTail = this.#inboundTail.then(async () => {
      await this.#handOver(message, commands);
      this.#inboundBytes -= bytes;
    });
    if (this.#in.waiting >= MAX_INBOUND_MESSAGES || this.#inboundBytes >= MAX_INBOUND_BYTES) return this.#inboundTail;
  }

  async #handOver(message: MQTTMessage, commands: readonly Command[]): Promise<void> {
    const results = await Promise.allSettled(commands.map(({ channel, event }) => this.#bus.emit(channel, event)));
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (errors.length > 0) {
      return this.#in.drop(
        reasonOf(errors, commands.length),
        () => `${shorten(message.topic)}: ${describeError(errors[0])}`,
      );
    }
    this.#in.forward();
    if (this.#observers.size > 0) {
      for (const { channel, event } of commands) this.#show({ direction: 'in', message, channel, event });
    }
  }

  /** The events for a message, or `undefined` when it was filtered or dropped, and is accounted for. */
  #translate(message: MQTTMessage): Command[] | undefined {
    const inbound = this.#inbound as InboundFilter;
    try {
      const accepted = inbound.acceptEvent(this.#connector, this.#connector.userData, message) ?? [];
      if (typeof accepted[Symbol.iterator] !== 'function') {
        throw new TypeError(`acceptEvent gave ${kindOf(accepted)}, expected a list of events or null`);
      }
      const commands = Array.from(accepted, ([event, channel]) => ({ channel, event: toBasicEvent(event) }));
      if (commands.length === 0) {
        this.#decline(this.#in, inbound, message.topic);
        return undefined;
      }
      forgetRefusal(inbound);
      const fault = commands.flatMap(faultsOf)[0];
      if (fault === undefined) return commands;
      this.#in.drop('illegal_event', () => `${shorten(message.topic)}: ${fault}`);
    } catch (error) {
      this.#in.drop('filter_fault', () => `${shorten(message.topic)}: ${describeError(error)}`);
    }
    return undefined;
  }

  #decline(books: Accounting, filter: InboundFilter | OutboundFilter, what: string): void {
    // A filter need not descend from our base classes.
    const refusal = filter.takeRefusal?.();
    if (refusal) books.drop(refusal.reason, () => `${shorten(what)}: ${refusal.detail}`);
    else books.filter();
  }

  #show(crossing: Crossing): void {
    for (const observer of this.#observers) observer(crossing);
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

function kindOf(value: unknown): string {
  return value instanceof Promise ? 'a promise' : typeof value;
}

async function settledWithin(promise: Promise<void>, deadline: AbortSignal): Promise<void> {
  if (deadline.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      deadline.removeEventListener('abort', done);
      resolve();
    };
    deadline.addEventListener('abort', done);
    void promise.then(done);
  });
}

/** A sub-class may have overruled the refusal of its base class: it must not be taken for the reason of a later one. */
function forgetRefusal(filter: InboundFilter | OutboundFilter): void {
  filter.takeRefusal?.();
}

/** Names and topics come from strangers: a log line shows no more than fits it, and no control characters. */
function shorten(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
