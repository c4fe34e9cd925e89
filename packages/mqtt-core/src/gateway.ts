import { Accounting } from './accounting.js';
import type { ConnectorStatus } from './connector-status.js';
import { type Counts, type DirectionCounts, formatCounts, type Totals } from './counts.js';
import type { Crossing } from './crossing.js';
import { ConfigurationError, MQTTGatewayError } from './errors.js';
import type { BusState, BusSubscription, EventBus } from './event-bus.js';
import type { InboundFilter, OutboundFilter } from './filter.js';
import { FilterNames } from './filter-names.js';
import { InboundChain } from './inbound-chain.js';
import { InboundPath } from './inbound-path.js';
import type { InboundPolicy } from './inbound-policy.js';
import { describeError, type Logger, silentLogger } from './logger.js';
import { LoopGuard } from './loop-guard.js';
import { MemoryOutbox } from './memory-outbox.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { QoS } from './mqtt-message.js';
import { Onlookers } from './onlookers.js';
import { OutboundChain } from './outbound-chain.js';
import { OutboundPath } from './outbound-path.js';
import type { Outbox } from './outbox.js';
import type { ReplyCounts } from './replies.js';

/** Options of a {@link Gateway}. */
export interface GatewayOptions {
  /** The bus to bridge. It stays the caller's: the gateway only subscribes and emits. */
  bus: EventBus;
  /** The connection to the broker. The gateway runs it, sets its `onMessage` and `noLocal`, and shuts it down. */
  connector: MQTTConnector;
  /** What may come in; of several filters the first that answers decides. Default: nothing. */
  inbound?: InboundFilter | readonly InboundFilter[] | undefined;
  /** What may go out; of several filters the first that answers decides. Default: nothing. */
  outbound?: OutboundFilter | readonly OutboundFilter[] | undefined;
  /** How long the answer of a filter may take, in ms, before its message is refused as `filter_slow`. Default: 1,000. */
  filterTimeoutMs?: number;
  /** Through how many gateways a message may have come, beyond which it is refused as `loop`. Default: 8. */
  maxHops?: number;
  /** Which of the accepted messages are let in all the same, where their rule does not say. Default: see {@link InboundPolicy}. */
  policy?: InboundPolicy;
  /** The QoS to publish with. Default: 1. */
  qos?: QoS;
  /** Where messages wait for the broker. The gateway opens and closes it. Default: in memory, bounded. */
  outbox?: Outbox;
  /** How long the broker may take to acknowledge, in ms, before the connection is replaced. Default: 20,000. */
  ackTimeoutMs?: number;
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
  /** Answers to messages that asked for one. */
  readonly replies: ReplyCounts;
}

/** How both sides and what lies between them are. */
export interface GatewayStatus {
  readonly bus: BusState;
  /** When {@link bus} was entered, in ms since the Epoch; at the earliest, when the gateway was started. */
  readonly busSince: number;
  readonly broker: ConnectorStatus;
  readonly outbox: {
    /** Messages that wait for the broker. */
    readonly waiting: number;
    /** When the oldest of them was put there, in ms since the Epoch; `undefined` when none waits. */
    readonly oldest: number | undefined;
    /** Messages that are held back before it, since their rules throttle them. */
    readonly held: number;
    /** What keeps it from keeping messages as it should; `undefined` when all is well. */
    readonly fault: string | undefined;
  };
  readonly commands: {
    /** Messages that wait for the bus. */
    readonly waiting: number;
  };
}

/**
 * The gateway between one bus and one broker: what the filters accept crosses, in order; everything else does not, and
 * everything is counted. What it promises, and what not, is written in docs/delivery.md.
 */
export class Gateway implements AsyncDisposable {
  readonly #bus: EventBus;
  readonly #connector: MQTTConnector;
  readonly #hasInbound: boolean;
  /** The channels that the outbound filters listen to. */
  readonly #channels: readonly string[];
  readonly #outbox: Outbox;
  readonly #stopTimeoutMs: number;
  readonly #logger: Logger;
  readonly #in: InboundPath;
  readonly #out: OutboundPath;
  readonly #onlookers: Onlookers;
  #busSince = Date.now();
  #unwatchBus: () => void = () => {};
  #subscription: BusSubscription | undefined;
  #isOpen = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /**
   * @throws {ConfigurationError} when there is no filter at all: nothing could ever cross; or when an outbound filter does not
   *   say which channels it listens to
   */
  constructor(options: GatewayOptions) {
    const { bus, connector, qos = 1, outbox = new MemoryOutbox(), logger = silentLogger } = options;
    const inbound = [options.inbound ?? []].flat();
    const outbound = [options.outbound ?? []].flat();
    if (inbound.length + outbound.length === 0) {
      throw new ConfigurationError('a gateway without any filter lets nothing cross: give it one');
    }
    this.#bus = bus;
    this.#connector = connector;
    this.#hasInbound = inbound.length > 0;
    this.#outbox = outbox;
    this.#stopTimeoutMs = options.stopTimeoutMs ?? 5_000;
    this.#logger = logger;
    this.#onlookers = new Onlookers(logger);
    const { policy, ackTimeoutMs = 20_000, filterTimeoutMs: timeoutMs = 1_000, maxHops = 8 } = options;

    const inNames = new FilterNames(inbound);
    const outNames = new FilterNames(outbound);
    const inBooks = new Accounting('a message from the broker', inNames, logger);
    const outBooks = new Accounting('an event from the bus', outNames, logger);
    const inChain = new InboundChain({ filters: inbound, names: inNames, books: inBooks, timeoutMs }, connector);
    const outChain = new OutboundChain({ filters: outbound, names: outNames, books: outBooks, timeoutMs });
    this.#channels = outChain.channels;
    const guard = new LoopGuard({ connector, channels: outChain.channels, maxHops });
    const parts = { connector, guard, logger, onlookers: this.#onlookers };
    this.#in = new InboundPath({ ...parts, chain: inChain, books: inBooks, bus, policy });
    this.#out = new OutboundPath({ ...parts, chain: outChain, books: outBooks, outbox, qos, ackTimeoutMs });
  }

  /** What came and what became of it. */
  get counts(): GatewayCounts {
    return { out: this.#out.counts, in: this.#in.counts, replies: this.#in.replies };
  }

  /** The sums of {@link counts} since the gateway was made, for both directions. Cheap: for whoever makes rates of them. */
  get totals(): { readonly out: Totals; readonly in: Totals } {
    return { out: this.#out.totals, in: this.#in.totals };
  }

  /** Writes counts and status to the log, from the start on, or to another one. */
  logStatus(logger: Logger = this.#logger): void {
    if (!this.#isOpen) return logger.info('not started yet: nothing is counted');
    this.#logCounts(logger);
    logRules(logger, 'bus to MQTT', this.#out.counts);
    logRules(logger, 'MQTT to bus', this.#in.counts);
    logger.info(formatStatus(this.status));
  }

  /** How things are right now. */
  get status(): GatewayStatus {
    const { waiting, oldest, fault } = this.#outbox;
    return {
      bus: this.#bus.state,
      busSince: this.#busSince,
      broker: this.#connector.status,
      outbox: { waiting, oldest, held: this.#out.held, fault },
      commands: { waiting: this.#in.waiting },
    };
  }

  /**
   * Calls the observer with what becomes of everything that comes, until the returned function is called. It is called at once,
   * and all else stands still meanwhile: one that has much to do keeps the crossing, and does it later.
   */
  observe(observer: (crossing: Crossing) => void): () => void {
    return this.#onlookers.add(observer);
  }

  /**
   * Opens the outbox, subscribes to the bus and starts to connect to the broker. Waits for neither of the two: what is
   * away is attached to when it comes.
   *
   * @throws {MQTTGatewayError} `outbox_locked`, when another gateway uses the outbox; `closed`, after `stop()`
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Stops hearing both sides, gives what is on its way the time to arrive, keeps the rest in the outbox, and disconnects
   * from the broker. Idempotent; a gateway can't be started again.
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
    this.#busSince = Date.now();
    this.#unwatchBus = this.#bus.watch((state) => {
      this.#busSince = Date.now();
      if (state === 'attached') this.#in.busReturned();
    });
    await this.#out.open();
    this.#isOpen = true;
    if (this.#channels.length > 0) this.#subscription = await this.#bus.subscribe(this.#channels, this.#out);
    if (this.#hasInbound) {
      this.#connector.noLocal = true;
      this.#connector.onMessage = (_client, _userData, message) => this.#in.receive(message);
    }
    // Rejects only when it is shut down before it ever connected.
    this.#connector.run().catch(() => {});
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    this.#unwatchBus();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#stopTimeoutMs);
    try {
      await this.#subscription?.unsubscribe();
    } catch (error) {
      this.#logger.error(`did not leave the bus in order: ${describeError(error)}`);
    }
    this.#out.releaseHeld();
    const idle = this.#in.stop(late.signal);
    if (this.#connector.connected) await this.#out.drained(late.signal);
    await idle;
    if (late.signal.aborted) this.#logger.warn(`not all was acknowledged within ${this.#stopTimeoutMs / 1_000} s`);
    this.#out.stopSending();
    await this.#connector.shutdown();
    clearTimeout(timer);
    const { waiting } = this.#outbox;
    const lost = await this.#out.close();
    if (this.#isOpen) this.#logCounts(this.#logger);
    if (lost > 0) this.#logger.warn(`messages that did not reach the broker and are lost with this process: ${lost}`);
    if (this.#in.waiting > 0) this.#logger.info(`commands that stay with the broker: ${this.#in.waiting}`);
    if (waiting > lost) this.#logger.info(`messages that are kept for the next start: ${waiting - lost}`);
  }

  #logCounts(logger: Logger): void {
    logDirection(logger, 'bus to MQTT', this.#out.counts);
    logDirection(logger, 'MQTT to bus', this.#in.counts);
    const { sent, lost } = this.#in.replies;
    if (sent + lost > 0) logger.info(`answers to commands: sent ${sent}, lost ${lost}`);
  }
}

/** The sum, and where there are several filters, each. */
function logDirection(logger: Logger, direction: string, counts: DirectionCounts): void {
  const filters: [string, Counts][] = Object.entries(counts.filters);
  if (filters.length > 0) logger.info(`${direction}: ${formatCounts(counts)}`);
  if (filters.length < 2) return;
  for (const [name, each] of filters) logger.info(`${direction}, ${name}: ${formatCounts(each)}`);
}

function logRules(logger: Logger, direction: string, { rules }: DirectionCounts): void {
  const all: [string, Counts][] = Object.entries(rules);
  const busiest = all.sort(([, a], [, b]) => b.received - a.received).slice(0, TOLD_RULES);
  for (const [name, each] of busiest) logger.info(`${direction}, rule ${name}: ${formatCounts(each)}`);
  if (all.length > TOLD_RULES)
    logger.info(`${direction}: ${all.length - TOLD_RULES} more rules have decided something`);
}

/** So many rules are told of, those that decided most. */
const TOLD_RULES = 20;

/** `bus attached; broker mqtt://h:1883 connected; outbox 3 waiting; commands 0 waiting`, and what is wrong. */
function formatStatus({ bus, broker, outbox, commands }: GatewayStatus): string {
  const fault = (text: string | undefined) => (text === undefined ? '' : ` (${text})`);
  return [
    `bus ${bus}`,
    `broker ${broker.broker} ${broker.state}${fault(broker.fault)}`,
    `outbox ${outbox.waiting} waiting${outbox.held > 0 ? `, ${outbox.held} held back` : ''}${fault(outbox.fault)}`,
    `commands ${commands.waiting} waiting`,
  ].join('; ');
}
