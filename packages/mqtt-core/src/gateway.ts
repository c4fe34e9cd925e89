import { Accounting } from './accounting.js';
import type { MQTTConnectorOptions } from './connector-options.js';
import type { Totals } from './counts.js';
import { logCounts, logRules } from './counts-log.js';
import type { Crossing } from './crossing.js';
import { Ear } from './ear.js';
import { MQTTGatewayError } from './errors.js';
import type { EventBus } from './event-bus.js';
import { FilterNames } from './filter-names.js';
import { type Books, type Chains, makeChains } from './gateway-chains.js';
import { type GatewayChange, type GatewayOptions, type ResolvedSettings, resolveSettings } from './gateway-options.js';
import { formatStatus, type GatewayCounts, type GatewayStatus } from './gateway-status.js';
import { InboundPath } from './inbound-path.js';
import { describeError, type Logger, silentLogger } from './logger.js';
import { LoopGuard } from './loop-guard.js';
import { MemoryOutbox } from './memory-outbox.js';
import type { MQTTConnector } from './mqtt-connector.js';
import { Onlookers } from './onlookers.js';
import { OutboundPath } from './outbound-path.js';
import type { Outbox } from './outbox.js';

/**
 * The gateway between one bus and one broker: what the filters accept crosses, in order; everything else does not, and
 * everything is counted. What it promises, and what not, is written in docs/delivery.md.
 */
export class Gateway implements AsyncDisposable {
  readonly #bus: EventBus;
  readonly #connector: MQTTConnector;
  readonly #outbox: Outbox;
  readonly #logger: Logger;
  readonly #onlookers: Onlookers;
  readonly #books: Books;
  readonly #guard: LoopGuard;
  readonly #in: InboundPath;
  readonly #out: OutboundPath;
  #settings: ResolvedSettings;
  /** Hears what the outbound filters listen to. */
  #ear: Ear;
  #busSince = Date.now();
  #unwatchBus: () => void = () => {};
  #isOpen = false;
  #starting: Promise<void> | undefined;
  /** Ends when the changes that were asked for so far are made, or failed. */
  #changing: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  /**
   * @throws {ConfigurationError} when there is no filter at all: nothing could ever cross; or when an outbound filter does not
   *   say which channels it listens to
   */
  constructor(options: GatewayOptions) {
    const { bus, connector, outbox = new MemoryOutbox(), logger = silentLogger } = options;
    const settings = resolveSettings(options);
    this.#bus = bus;
    this.#connector = connector;
    this.#outbox = outbox;
    this.#logger = logger;
    this.#onlookers = new Onlookers(logger);
    this.#settings = settings;
    this.#books = {
      in: new Accounting('a message from the broker', new FilterNames(settings.inbound), logger),
      out: new Accounting('an event from the bus', new FilterNames(settings.outbound), logger),
    };
    const { policy, qos, ackTimeoutMs, maxHops } = settings;
    const { inChain, outChain } = makeChains(settings, this.#books, connector);
    const guard = new LoopGuard({ connector, channels: outChain.channels, maxHops });
    this.#guard = guard;
    const parts = { connector, guard, logger, onlookers: this.#onlookers };
    this.#in = new InboundPath({ ...parts, chain: inChain, books: this.#books.in, bus, policy });
    this.#out = new OutboundPath({ ...parts, chain: outChain, books: this.#books.out, outbox, qos, ackTimeoutMs });
    this.#ear = new Ear(outChain.channels, this.#out);
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
    logCounts(logger, this.counts);
    logRules(logger, this.counts);
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
   * Goes on with other settings: what is heard from the bus or comes from the broker meets either the old ones or the new, and
   * nothing is lost, doubled or takes another's place for it. What waits, is held back or on the wire stays as it is; counts,
   * identifiers of commands and rates go on. The connection to the broker stays, unless its options ask for another.
   *
   * Resolves when it is done. Changes are made one after the other; when one fails, all stays as it was.
   *
   * @throws {ConfigurationError} for settings that can't be right
   * @throws {MQTTGatewayError} `bus_refused`, when the bus does not let us listen to a channel; `closed`, after `stop()`
   */
  reconfigure(change: GatewayChange): Promise<void> {
    const changed = this.#changing.then(() => this.#reconfigure(change));
    this.#changing = changed.catch(() => {});
    return changed;
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
    this.#ear.isOpen = true;
    await this.#ear.subscribe(this.#bus);
    this.#receive();
    // Rejects only when it is shut down before it ever connected.
    this.#connector.run().catch(() => {});
  }

  async #reconfigure({ connector: options, ...change }: GatewayChange): Promise<void> {
    const settings = resolveSettings(change);
    const chains = makeChains(settings, this.#books, this.#connector);
    if (this.#starting) await this.#starting;
    const former = this.#ear;
    const isHeard = former.hears(chains.outChain.channels);
    const ear = isHeard ? former : new Ear(chains.outChain.channels, this.#out);
    // Before the old one is left: no channel of both goes unheard.
    if (this.#isOpen && !isHeard) await ear.subscribe(this.#bus);
    try {
      if (this.#stopping) throw new MQTTGatewayError('closed', 'the gateway was stopped: it takes no other settings');
      // In one turn: every event and every message meets the old settings or the new.
      if (options) this.#reconnect(settings, options);
      this.#goOn(settings, chains);
      former.isOpen = false;
      ear.isOpen = this.#isOpen;
      this.#ear = ear;
    } catch (error) {
      if (!isHeard) await this.#leave(ear);
      throw error;
    }
    if (!isHeard) await this.#leave(former);
  }

  #reconnect({ inbound }: ResolvedSettings, options: MQTTConnectorOptions): void {
    this.#connector.noLocal ||= inbound.length > 0;
    this.#connector.reconfigure(options);
  }

  #goOn(settings: ResolvedSettings, { inNames, outNames, inChain, outChain }: Chains): void {
    const { policy, qos, ackTimeoutMs, maxHops } = settings;
    this.#settings = settings;
    this.#books.in.adopt(inNames);
    this.#books.out.adopt(outNames);
    this.#in.reconfigure({ chain: inChain, policy });
    this.#out.reconfigure({ chain: outChain, qos, ackTimeoutMs });
    this.#guard.reconfigure({ channels: outChain.channels, maxHops });
    if (this.#isOpen) this.#receive();
  }

  /** Takes what the broker delivers, once a filter has asked for it. */
  #receive(): void {
    if (this.#settings.inbound.length === 0) return;
    this.#connector.noLocal = true;
    this.#connector.onMessage = (_client, _userData, message) => this.#in.receive(message);
  }

  async #leave(ear: Ear): Promise<void> {
    try {
      await ear.unsubscribe();
    } catch (error) {
      this.#logger.error(`did not leave the bus in order: ${describeError(error)}`);
    }
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    this.#unwatchBus();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#settings.stopTimeoutMs);
    await this.#leave(this.#ear);
    this.#out.releaseHeld();
    const idle = this.#in.stop(late.signal);
    if (this.#connector.connected) await this.#out.drained(late.signal);
    await idle;
    if (late.signal.aborted)
      this.#logger.warn(`not all was acknowledged within ${this.#settings.stopTimeoutMs / 1_000} s`);
    this.#out.stopSending();
    await this.#connector.shutdown();
    clearTimeout(timer);
    const { waiting } = this.#outbox;
    const lost = await this.#out.close();
    if (this.#isOpen) logCounts(this.#logger, this.counts);
    if (lost > 0) this.#logger.warn(`messages that did not reach the broker and are lost with this process: ${lost}`);
    if (this.#in.waiting > 0) this.#logger.info(`commands that stay with the broker: ${this.#in.waiting}`);
    if (waiting > lost) this.#logger.info(`messages that are kept for the next start: ${waiting - lost}`);
  }
}
