import { Accounting } from './accounting.js';
import { CommandGate } from './command-gate.js';
import type { InboundCrossing, OutboundCrossing } from './crossing.js';
import type { TimedEvent } from './event.js';
import { deciderOf, type Explanation, explained, inTheirPlaces } from './explanation.js';
import type { InboundFilter, OutboundFilter } from './filter.js';
import { FilterNames } from './filter-names.js';
import type { GatewayOptions } from './gateway-options.js';
import { InboundChain } from './inbound-chain.js';
import { silentLogger } from './logger.js';
import { LoopGuard } from './loop-guard.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import { OutboundChain } from './outbound-chain.js';
import { messageBy, PublishPlans } from './publish-plan.js';
import { TopicFilterSet } from './topic-filter-set.js';

/** Options of a {@link Rehearsal}, where they say nothing else as those of `Gateway`. */
export interface RehearsalOptions extends Pick<GatewayOptions, 'inbound' | 'outbound' | 'policy' | 'qos' | 'maxHops'> {
  /** Says what is subscribed to, and under which name. It never connects. */
  connector: MQTTConnector;
  /** How long the answer of a filter may take, in ms. Default: as long as it likes. */
  filterTimeoutMs?: number | undefined;
  /** The time, in ms since the Epoch, for what goes by it: `maxAgeMs`, `rateLimit`, `expiryMs`. Default: `Date.now`. */
  now?: (() => number) | undefined;
}

/**
 * A gateway without bus, broker and outbox: says what would become of events and messages, by the same filters, plans and policy.
 *
 * What depends on the other sides does not happen here: the bus accepts everything, nothing waits for the broker, no throttle holds
 * anything back (`throttleMs` of a crossing says that one would), and no loop comes about over time.
 */
export class Rehearsal {
  readonly #out: OutboundChain;
  readonly #in: InboundChain;
  readonly #outbound: readonly Named<OutboundFilter>[];
  readonly #inbound: readonly Named<InboundFilter>[];
  readonly #channels: ReadonlySet<string>;
  readonly #topics: TopicFilterSet;
  readonly #plans: PublishPlans;
  readonly #gate: CommandGate;
  readonly #guard: LoopGuard;
  readonly #connector: MQTTConnector;
  readonly #now: () => number;

  /** @throws {ConfigurationError} when an outbound filter does not say which channels it listens to */
  constructor({ connector, qos = 1, maxHops = 8, now = Date.now, policy, ...options }: RehearsalOptions) {
    const inbound = [options.inbound ?? []].flat();
    const outbound = [options.outbound ?? []].flat();
    const timeoutMs = options.filterTimeoutMs ?? Number.POSITIVE_INFINITY;
    const inNames = new FilterNames(inbound);
    const outNames = new FilterNames(outbound);
    // The chains want them; who rehearses counts for himself.
    const books = (names: FilterNames) => new Accounting('a rehearsal', names, silentLogger);
    this.#in = new InboundChain({ filters: inbound, names: inNames, books: books(inNames), timeoutMs }, connector);
    this.#out = new OutboundChain({ filters: outbound, names: outNames, books: books(outNames), timeoutMs });
    this.#inbound = named(inbound, inNames);
    this.#outbound = named(outbound, outNames);
    this.#channels = new Set(this.#out.channels);
    this.#topics = new TopicFilterSet(connector.topics);
    this.#plans = new PublishPlans(qos);
    this.#gate = new CommandGate(policy, { date: now, steady: now });
    this.#guard = new LoopGuard({ connector, channels: this.#out.channels, maxHops });
    this.#connector = connector;
    this.#now = now;
  }

  /** The channels that any filter listens to. */
  get channels(): readonly string[] {
    return this.#out.channels;
  }

  /** The topic filters that are subscribed to. */
  get topics(): readonly string[] {
    return this.#connector.topics;
  }

  /** Whether any filter listens to a channel: of others the gateway never hears. */
  listensTo(channel: string): boolean {
    return this.#channels.has(channel);
  }

  /** Whether messages on a topic are subscribed to: the broker delivers no others. */
  subscribesTo(topic: string): boolean {
    return this.#topics.matches(topic);
  }

  /** What becomes of an event. One on a channel that nobody listens to is `filtered`, by no filter. */
  event(channel: string, event: TimedEvent): OutboundCrossing {
    const direction = 'out';
    if (!this.listensTo(channel)) {
      return { direction, outcome: 'filtered', channel, event, rule: undefined, filter: undefined };
    }
    const chain = this.#out;
    const answer = chain.ask(event, channel);
    const { account, filter } = chain;
    const rule = chain.rule?.name;
    // Written out, and without a spread: a recording has millions of them.
    if (answer === undefined) return { direction, outcome: 'filtered', channel, event, rule, filter };
    if ('reason' in answer) return { direction, outcome: 'refused', channel, event, rule, filter, refusal: answer };
    const plan = this.#plans.of(chain.rule?.publish ?? NO_POLICY);
    if (typeof plan === 'string') {
      const refusal = { reason: 'filter_fault', detail: plan };
      return { direction, outcome: 'refused', channel, event, rule, filter, refusal };
    }
    const { topic, payload } = answer;
    const userProperties = this.#guard.mark(plan.userProperties, topic, undefined);
    const message = messageBy(plan, { topic, payload, rule: account, userProperties }, this.#now());
    return { direction, outcome: 'accepted', channel, event, rule, filter, message, throttleMs: plan.throttleMs };
  }

  /** What becomes of a message. One on a topic that is not subscribed to is `filtered`, by no filter. */
  message(message: MQTTMessage): InboundCrossing {
    const direction = 'in';
    const nobody = { direction, message, rule: undefined, filter: undefined } as const;
    if (!this.subscribesTo(message.topic)) return { ...nobody, outcome: 'filtered' };
    const loop = this.#guard.judge(message);
    if (loop) return { ...nobody, outcome: 'refused', refusal: loop };
    const chain = this.#in;
    const answer = chain.ask(message, '');
    const { filter } = chain;
    const rule = chain.rule?.name;
    if (answer === undefined) return { direction, outcome: 'filtered', message, rule, filter };
    if ('reason' in answer) return { direction, outcome: 'refused', message, rule, filter, refusal: answer };
    const channels = answer.map(({ channel }) => channel);
    const pass = this.#gate.judge(message, channels, chain.rule?.policy);
    if ('reason' in pass) return { direction, outcome: 'refused', message, rule, filter, refusal: pass };
    return { direction, outcome: 'accepted', message, rule, filter, events: answer };
  }

  /** What becomes of an event, and what each filter and rule had to say. */
  explainEvent(channel: string, event: TimedEvent): Explanation<OutboundCrossing> {
    const trials = this.#outbound.map(({ name, filter }) => ({
      filter: name,
      hears: this.#out.isFor(filter, channel),
      ...explained(filter.explain && (() => filter.explain?.(event, channel))),
    }));
    const crossing = this.event(channel, event);
    return { crossing, filters: inTheirPlaces(trials, this.listensTo(channel), deciderOf(crossing)) };
  }

  /** What becomes of a message, and what each filter and rule had to say. */
  explainMessage(message: MQTTMessage): Explanation<InboundCrossing> {
    const trials = this.#inbound.map(({ name, filter }) => ({
      filter: name,
      hears: true,
      ...explained(filter.explain && (() => filter.explain?.(message))),
    }));
    const crossing = this.message(message);
    const isAsked = this.subscribesTo(message.topic) && !(crossing.outcome === 'refused' && !crossing.filter);
    return { crossing, filters: inTheirPlaces(trials, isAsked, deciderOf(crossing)) };
  }
}

const NO_POLICY = {};

/** A filter, and what it is called. */
interface Named<F> {
  readonly filter: F;
  readonly name: string;
}

function named<F>(filters: readonly F[], names: FilterNames): Named<F>[] {
  return filters.map((filter, index) => ({ filter, name: names.filters[index] as string }));
}
