import { Accounting, type DirectionCounts } from './accounting.js';
import { CommandGate, type Pass } from './command-gate.js';
import type { Crossing } from './crossing.js';
import { MQTTGatewayError } from './errors.js';
import { type BasicEvent, toBasicEvent } from './event.js';
import type { BusState, EventBus } from './event-bus.js';
import type { InboundFilter, Refusal } from './filter.js';
import { kindOf, quote, refusalOf } from './filter-answer.js';
import type { InboundPolicy } from './inbound-policy.js';
import { describeError, type Logger } from './logger.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import { Replies, type ReplyCounts } from './replies.js';
import { nameFault } from './topic.js';

/** How long to wait before an event is handed to a bus again that is there and did not answer. */
const RETRY_MS = 1_000;

/** How long the bus may take before it is worth a line. */
const SILENCE_MS = 5_000;

/** What the way in is made of. */
export interface InboundPathParts {
  readonly filter: InboundFilter;
  readonly policy: InboundPolicy | undefined;
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

/**
 * The way in: connector → filter → policy → bus, one message after the other. A message is done with, and acknowledged,
 * when the bus has accepted every event of it, or when it is refused; while the bus is away it waits.
 */
export class InboundPath {
  readonly #filter: InboundFilter;
  readonly #gate: CommandGate;
  readonly #bus: EventBus;
  readonly #connector: MQTTConnector;
  readonly #logger: Logger;
  readonly #books: Accounting;
  readonly #replies: Replies;
  readonly #observers: InboundPathParts['observers'];
  /** Aborted when nothing more is taken, and nobody waits for a bus that is away. */
  readonly #stopping = new AbortController();
  /** Aborted when nothing more is handed over either. */
  #late: AbortSignal | undefined;
  /** Ends when everything that came so far is done with, or left. Never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #underWay = 0;
  #isSilent = false;

  constructor({ filter, policy, bus, connector, logger, observers }: InboundPathParts) {
    this.#filter = filter;
    this.#gate = new CommandGate(policy);
    this.#bus = bus;
    this.#connector = connector;
    this.#observers = observers;
    this.#logger = logger;
    this.#books = new Accounting('a message from the broker', logger);
    this.#replies = new Replies(connector, logger);
  }

  get counts(): DirectionCounts {
    return this.#books.counts;
  }

  /** Messages that were let in, and wait for the bus or are left to the broker. */
  get waiting(): number {
    return this.#underWay;
  }

  get replies(): ReplyCounts {
    return this.#replies.counts;
  }

  /**
   * Takes a message. Resolves when it is done with; rejects with `closed` when it was stopped before: the message stays the
   * broker's.
   */
  receive(message: MQTTMessage): void | Promise<void> {
    const answer = this.#ask(message);
    const rule = this.#filter.lastRule;
    this.#books.receive(rule?.name);
    if (answer === undefined) {
      this.#books.filter(rule?.name);
      this.#replies.answer(message, { refusal: { reason: 'filtered', detail: 'no rule lets it in' } });
      return;
    }
    if ('reason' in answer) return this.#refuse(message, rule?.name, answer);
    const channels = answer.map(({ channel }) => channel);
    const pass = this.#gate.judge(message, channels, rule?.policy);
    if ('reason' in pass) return this.#refuse(message, rule?.name, pass);
    this.#underWay++;
    // One after the other keeps the order.
    const done = this.#stopping.signal.aborted
      ? this.#leave(message, rule?.name, pass)
      : this.#tail.then(() => this.#handOver(message, answer, pass, rule?.name));
    this.#tail = done.then(
      () => void this.#underWay--,
      () => {},
    );
    return done;
  }

  /**
   * Takes nothing more. Resolves when the bus, while it is there, has got what came so far, or when the deadline has passed;
   * what is left then is left to the broker.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#late = deadline;
    this.#stopping.abort();
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

  #refuse(message: MQTTMessage, rule: string | undefined, refusal: Refusal): void {
    this.#books.drop(refusal.reason, rule, () => `${quote(message.topic)}: ${refusal.detail}`);
    this.#replies.answer(message, { refusal });
  }

  /** Refuses a message of which the bus may have accepted a part: then it must not pass a second time. */
  #giveUp(message: MQTTMessage, rule: string | undefined, pass: Pass, { reason, detail }: Refusal, accepted: number) {
    if (accepted === 0) pass.revoke();
    this.#refuse(message, rule, { reason: accepted > 0 ? `partly_${reason}` : reason, detail });
  }

  /** @throws {MQTTGatewayError} `closed`, for the connector to leave the message with the broker */
  async #leave(message: MQTTMessage, rule: string | undefined, pass: Pass): Promise<void> {
    pass.revoke();
    // Of a message that wants no acknowledgement the broker keeps nothing.
    if (message.qos === 0) return this.#refuse(message, rule, { reason: 'stopped', detail: 'the gateway stops' });
    throw new MQTTGatewayError('closed', 'the gateway stops: the broker keeps the message');
  }

  async #handOver(message: MQTTMessage, commands: readonly Command[], pass: Pass, rule: string | undefined) {
    let accepted = 0;
    let left = commands;
    for (;;) {
      if (this.#late?.aborted) return this.#leave(message, rule, pass);
      const overdue = pass.overdue();
      if (overdue) return this.#giveUp(message, rule, pass, overdue, accepted);
      const silence = setTimeout(() => this.#reportSilence(message), SILENCE_MS);
      const results = await Promise.allSettled(left.map(async ({ channel, event }) => this.#bus.emit(channel, event)));
      clearTimeout(silence);
      const errors = results.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : undefined));
      accepted += errors.filter((error) => error === undefined).length;
      const refused = errors.find((error) => error !== undefined && !isAway(error));
      if (refused !== undefined) {
        const refusal = { reason: 'refused_by_bus', detail: describeError(refused) };
        return this.#giveUp(message, rule, pass, refusal, accepted);
      }
      left = left.filter((_command, index) => errors[index] !== undefined);
      if (left.length === 0) break;
      if (this.#stopping.signal.aborted) return this.#leave(message, rule, pass);
      if (this.#bus.state === 'attached') this.#reportSilence(message);
      await this.#busToTryAgain();
    }
    this.#isSilent = false;
    this.#books.forward(rule);
    this.#replies.answer(message, { events: commands });
    for (const observer of this.#observers) {
      for (const { channel, event } of commands) observer({ direction: 'in', message, channel, event });
    }
  }

  /** A bus that is there and does not take what it is given is worth a line. */
  #reportSilence({ topic }: MQTTMessage): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    this.#logger.warn(`the bus is there and does not take ${quote(topic)}: it waits, and so does what comes behind it`);
  }

  /** Resolves when the bus is back, or at a time to ask one again that is there and did not answer; or at the stop. */
  async #busToTryAgain(): Promise<void> {
    const { signal } = this.#stopping;
    await new Promise<void>((resolve) => {
      const timer = this.#bus.state === 'attached' ? setTimeout(() => done(), RETRY_MS) : undefined;
      const unwatch = this.#bus.watch((state: BusState) => {
        if (state === 'attached') done();
      });
      const done = () => {
        clearTimeout(timer);
        unwatch();
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
    });
  }

  /** What the filter makes of a message: events, a reason why not, or `undefined`: no rule wants it. */
  #ask(message: MQTTMessage): Command[] | Refusal | undefined {
    const filter = this.#filter;
    filter.lastRule = undefined;
    try {
      const accepted = filter.acceptEvent(this.#connector, this.#connector.userData, message) ?? [];
      const refusal = refusalOf(filter);
      if (typeof accepted[Symbol.iterator] !== 'function') {
        throw new TypeError(`acceptEvent gave ${kindOf(accepted)}, expected a list of events or null`);
      }
      const commands = Array.from(accepted, ([event, channel]) => ({ channel, event: toBasicEvent(event) }));
      if (commands.length === 0) return refusal;
      const fault = commands.flatMap(faultsOf)[0];
      return fault === undefined ? commands : { reason: 'illegal_event', detail: fault };
    } catch (error) {
      return { reason: 'filter_fault', detail: describeError(error) };
    }
  }
}

/** What keeps an event from the bus. */
function faultsOf({ channel, event: { varType, varName } }: Command): string[] {
  const names = [varType, varName].flatMap((name) => nameFault(name) ?? []);
  return typeof channel === 'string' && channel !== '' ? names : [...names, 'an event has a channel'];
}

/** The bus is not there, or did not answer: that is weather. A bus that was closed is so for good, but the message is not. */
function isAway(error: unknown): boolean {
  return error instanceof MQTTGatewayError && (error.code === 'bus_unreachable' || error.code === 'closed');
}
