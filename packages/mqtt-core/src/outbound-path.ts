import type { Accounting } from './accounting.js';
import type { DirectionCounts, Totals } from './counts.js';
import type { OutboundCrossing } from './crossing.js';
import type { TimedEvent } from './event.js';
import type { BusListener } from './event-bus.js';
import type { Refusal } from './filter.js';
import { quote } from './filter-answer.js';
import type { Logger } from './logger.js';
import type { LoopGuard } from './loop-guard.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { QoS } from './mqtt-message.js';
import type { Onlookers } from './onlookers.js';
import type { OutboundChain } from './outbound-chain.js';
import type { KeptMessages, OutboundMessage, Outbox, OutboxListener, OutboxLoss } from './outbox.js';
import { type MessageParts, messageBy, type PublishPlan, PublishPlans } from './publish-plan.js';
import { Sender } from './sender.js';
import { Throttle } from './throttle.js';

/** What the way out is made of. */
export interface OutboundPathParts {
  readonly chain: OutboundChain;
  readonly books: Accounting;
  readonly guard: LoopGuard;
  readonly outbox: Outbox;
  readonly connector: MQTTConnector;
  readonly qos: QoS;
  readonly ackTimeoutMs: number;
  readonly logger: Logger;
  readonly onlookers: Onlookers;
}

const LOSSES: Readonly<Record<OutboxLoss, string>> = {
  outbox_full: 'more wait for the broker than the outbox may hold (its bounds can be set)',
  outbox_expired: 'it waited for the broker longer than the outbox may keep it',
  outbox_damaged: 'it can not be read back from where the outbox kept it',
  superseded: 'a newer one for its topic came',
};

const WAITED_TOO_LONG = 'it waited for the broker longer than its rule lets it';
const THROTTLED_TOO_LONG = 'its rule throttles it for longer than it lets it wait';

/** The way out: bus → filter → throttle, for rules that ask for it → outbox → connector. Hears the bus as its listener. */
export class OutboundPath implements BusListener {
  #chain: OutboundChain;
  readonly #guard: LoopGuard;
  readonly #outbox: Outbox;
  readonly #connector: MQTTConnector;
  #qos: QoS;
  #plans: PublishPlans;
  #ackTimeoutMs: number;
  readonly #logger: Logger;
  readonly #books: Accounting;
  readonly #onlookers: Onlookers;
  /** From the first message on whose rule asks for it. */
  #throttle: Throttle | undefined;
  #sender: Sender | undefined;
  /** What the outbox has given up since the last connection. */
  readonly #losses = new Map<OutboxLoss, number>();
  #unwatch: () => void = () => {};

  constructor({ chain, books, guard, outbox, connector, qos, ackTimeoutMs, logger, onlookers }: OutboundPathParts) {
    this.#chain = chain;
    this.#books = books;
    this.#guard = guard;
    this.#outbox = outbox;
    this.#connector = connector;
    this.#qos = qos;
    this.#plans = new PublishPlans(qos);
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#logger = logger;
    this.#onlookers = onlookers;
  }

  /** Goes on with other filters: what is held back, waits or is on the wire stays as it is. */
  reconfigure({ chain, qos, ackTimeoutMs }: Pick<OutboundPathParts, 'chain' | 'qos' | 'ackTimeoutMs'>): void {
    this.#chain = chain;
    this.#qos = qos;
    this.#plans = new PublishPlans(qos);
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#sender?.reconfigure(ackTimeoutMs);
  }

  get counts(): DirectionCounts {
    return this.#books.counts;
  }

  get totals(): Totals {
    return this.#books.totals;
  }

  /** Messages that a throttle holds back before the outbox. */
  get held(): number {
    return this.#throttle?.holding ?? 0;
  }

  /**
   * Opens the outbox, and sends from now on what is in it.
   *
   * @throws {MQTTGatewayError} `outbox_locked`
   */
  async open(): Promise<void> {
    const listener: OutboxListener = {
      ready: () => this.#sender?.wake(),
      kept: (kept) => this.#logKept(this.#book(kept)),
      givenUp: (reason, count, rule) => {
        this.#losses.set(reason, (this.#losses.get(reason) ?? 0) + count);
        this.#books.drop(reason, rule, () => LOSSES[reason], undefined, count);
        this.#tellLost({ reason, detail: LOSSES[reason] }, count, undefined);
        this.#sender?.checkIdle();
      },
    };
    this.#book(await this.#outbox.open(listener));
    if (this.#outbox.waiting > 0) this.#logKept(this.#outbox.waiting);
    this.#unwatch = this.#connector.watch((state) => {
      if (state === 'connected') this.#reportLosses();
    });
    this.#sender = new Sender({
      outbox: this.#outbox,
      connector: this.#connector,
      ackTimeoutMs: this.#ackTimeoutMs,
      listener: {
        sending: (message) => this.#guard.publishing(message),
        delivered: ({ rule }) => this.#books.forward(rule),
        setAside: (message, reason, detail) => this.#lose(message, { reason, detail }),
        expired: (message) => this.#lose(message, { reason: 'expired', detail: WAITED_TOO_LONG }),
        caughtUp: (backlog) => this.#logger.info(String(backlog)),
      },
    });
  }

  event(channel: string, event: TimedEvent): void {
    const chain = this.#chain;
    const marks = this.#guard.marksOf(channel, event);
    const answer = chain.ask(event, channel);
    const { account } = chain;
    this.#books.receive(account);
    if (answer === undefined) {
      this.#books.filter(account);
      if (this.#onlookers.size > 0) this.#tell({ ...this.#leaving(channel, event), outcome: 'filtered' });
      return;
    }
    if ('reason' in answer) return this.#refuse(channel, event, answer);
    const { topic, payload } = answer;
    const policy = chain.rule?.publish;
    const plan = policy && this.#plans.of(policy);
    if (typeof plan === 'string') return this.#refuse(channel, event, { reason: 'filter_fault', detail: plan });
    const userProperties = this.#guard.mark(plan?.userProperties, topic, marks);
    if (plan) return this.#publishBy(plan, channel, event, { topic, payload, rule: account, userProperties });
    this.#throttle?.overtake(topic);
    this.#pass(channel, event, { topic, payload, qos: this.#qos, retain: false, rule: account, userProperties });
  }

  malformed(reason: string, detail: string): void {
    this.#books.reject(reason, () => detail);
    if (this.#onlookers.size > 0) this.#tell({ direction: 'out', outcome: 'malformed', refusal: { reason, detail } });
  }

  /** Nothing more comes: what the throttle holds back goes to the outbox. */
  releaseHeld(): void {
    this.#throttle?.close();
  }

  /** Resolves when everything has left, or when the deadline has passed. */
  async drained(deadline: AbortSignal): Promise<void> {
    await this.#sender?.drained(deadline);
  }

  /** Sends nothing more. What is on the wire may still be acknowledged. */
  stopSending(): void {
    this.#unwatch();
    this.#sender?.close();
  }

  /** Keeps what waits. Resolves with how many messages are lost because the outbox can't. */
  close(): Promise<number> {
    return this.#sender ? this.#outbox.close() : Promise.resolve(0);
  }

  /** What an outbox has kept from an earlier life is on its way too. Returns how much that is. */
  #book(kept: readonly KeptMessages[]): number {
    for (const { rule, count } of kept) this.#books.receive(rule, count);
    return kept.reduce((sum, { count }) => sum + count, 0);
  }

  #logKept(count: number): void {
    this.#logger.info(`messages of an earlier run that wait for the broker: ${count}`);
  }

  /** An outage is over: what it has cost is said, and that of the next one will be. */
  #reportLosses(): void {
    this.#books.reportAgain('expired');
    for (const [reason, count] of this.#losses) {
      if (reason === 'superseded') {
        this.#logger.info(`given up for newer ones since the last connection (superseded): ${count}`);
        continue;
      }
      this.#logger.warn(`given up since the last connection (${reason}): ${count}; ${LOSSES[reason]}`);
      this.#books.reportAgain(reason);
    }
    this.#losses.clear();
  }

  /** Publishes as the rule wants it. */
  #publishBy(plan: PublishPlan, channel: string, event: TimedEvent, parts: MessageParts): void {
    const message = messageBy(plan, parts, Date.now());
    const { throttleMs } = plan;
    if (throttleMs === undefined) {
      this.#throttle?.overtake(message.topic);
      return this.#pass(channel, event, message);
    }
    this.#throttle ??= this.#makeThrottle();
    this.#throttle.offer({ ...this.#leaving(channel, event), outcome: 'accepted', message, throttleMs }, throttleMs);
  }

  #makeThrottle(): Throttle {
    return new Throttle(
      {
        release: (crossing) => {
          this.#put(crossing.message);
          if (this.#onlookers.size > 0) this.#tell(crossing);
        },
        drop: (crossing, reason) => {
          const { rule, topic } = crossing.message;
          const detail =
            reason === 'expired' ? THROTTLED_TOO_LONG : 'a newer one for its topic came within the interval';
          this.#books.drop(reason, rule, () => `${quote(topic)}: ${detail}`);
          if (this.#onlookers.size > 0) this.#tell({ ...crossing, outcome: 'refused', refusal: { reason, detail } });
        },
      },
      this.#logger,
    );
  }

  #pass(channel: string, event: TimedEvent, message: OutboundMessage): void {
    this.#put(message);
    if (this.#onlookers.size > 0) this.#tell({ ...this.#leaving(channel, event), outcome: 'accepted', message });
  }

  #put(message: OutboundMessage): void {
    this.#outbox.put(message);
    this.#sender?.wake();
  }

  #refuse(channel: string, event: TimedEvent, refusal: Refusal): void {
    const { account, filter } = this.#chain;
    const detail = () => `${quote(`${event.varType}:${event.varName}`)}: ${refusal.detail}`;
    this.#books.drop(refusal.reason, account, detail, filter);
    if (this.#onlookers.size > 0) this.#tell({ ...this.#leaving(channel, event), outcome: 'refused', refusal });
  }

  /** A message that was accepted will not reach the broker. */
  #lose(message: OutboundMessage, refusal: Refusal): void {
    this.#books.drop(refusal.reason, message.rule, () => `${quote(message.topic)}: ${refusal.detail}`);
    this.#tellLost(refusal, 1, message);
  }

  #tellLost(refusal: Refusal, count: number, message: OutboundMessage | undefined): void {
    if (this.#onlookers.size > 0) this.#tell({ direction: 'out', outcome: 'lost', refusal, count, message });
  }

  /** The event that was asked about last, and who decided. */
  #leaving(channel: string, event: TimedEvent) {
    const { rule, filter } = this.#chain;
    return { direction: 'out', channel, event, rule: rule?.name, filter } as const;
  }

  #tell(crossing: OutboundCrossing): void {
    this.#onlookers.tell(crossing);
    this.#chain.interrupt();
  }
}
