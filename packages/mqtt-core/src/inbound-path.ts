import type { Accounting } from './accounting.js';
import { CommandGate, type Pass } from './command-gate.js';
import type { DirectionCounts, Totals } from './counts.js';
import type { InboundCrossing } from './crossing.js';
import { formatCount, formatDuration } from './duration.js';
import { MQTTGatewayError } from './errors.js';
import type { BusState, EventBus } from './event-bus.js';
import type { Refusal } from './filter.js';
import { quote } from './filter-answer.js';
import type { Command, InboundChain } from './inbound-chain.js';
import type { InboundPolicy } from './inbound-policy.js';
import { describeError, type Logger } from './logger.js';
import type { LoopGuard } from './loop-guard.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import type { Onlookers } from './onlookers.js';
import { Replies, type ReplyCounts } from './replies.js';

/** How long to wait before an event is handed to a bus again that is there and did not answer. */
const RETRY_MS = 1_000;

/** How long the bus may take before it is worth a line. */
const SILENCE_MS = 5_000;

/** What the way in is made of. */
export interface InboundPathParts {
  readonly chain: InboundChain;
  readonly books: Accounting;
  readonly guard: LoopGuard;
  readonly policy: InboundPolicy | undefined;
  readonly bus: EventBus;
  readonly connector: MQTTConnector;
  readonly logger: Logger;
  readonly onlookers: Onlookers;
}

/** Who decided about a message, and where that is booked. */
interface Decider {
  readonly account: string | undefined;
  readonly rule: string | undefined;
  readonly filter: string | undefined;
}

const NOBODY: Decider = { account: undefined, rule: undefined, filter: undefined };

/**
 * The way in: connector → loop guard → filters → policy → bus, one message after the other. A message is done with, and acknowledged,
 * when the bus has accepted every event of it, or when it is refused; while the bus is away it waits.
 */
export class InboundPath {
  #chain: InboundChain;
  readonly #guard: LoopGuard;
  readonly #gate: CommandGate;
  readonly #bus: EventBus;
  readonly #logger: Logger;
  readonly #books: Accounting;
  readonly #replies: Replies;
  readonly #onlookers: Onlookers;
  /** Aborted when nothing more is taken, and nobody waits for a bus that is away. */
  readonly #stopping = new AbortController();
  /** Aborted when nothing more is handed over either. */
  #late: AbortSignal | undefined;
  /** Ends when everything that came so far is done with, or left. Never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #underWay = 0;
  /** For the connector to leave a message with the broker. One for all, to be told from whatever else is thrown. */
  readonly #left = new MQTTGatewayError('closed', 'the gateway stops: the broker keeps the message');
  #isSilent = false;

  constructor({ chain, books, guard, policy, bus, connector, logger, onlookers }: InboundPathParts) {
    this.#chain = chain;
    this.#books = books;
    this.#guard = guard;
    this.#gate = new CommandGate(policy);
    this.#bus = bus;
    this.#onlookers = onlookers;
    this.#logger = logger;
    this.#replies = new Replies(connector, logger);
  }

  /** Goes on with other filters: what waits for the bus stays as it is. */
  reconfigure({ chain, policy }: Pick<InboundPathParts, 'chain' | 'policy'>): void {
    this.#chain = chain;
    this.#gate.reconfigure(policy);
  }

  get counts(): DirectionCounts {
    return this.#books.counts;
  }

  get totals(): Totals {
    return this.#books.totals;
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
    const loop = this.#guard.judge(message);
    if (loop) {
      this.#books.reject(loop.reason, () => `${quote(message.topic)}: ${loop.detail}`);
      this.#replies.answer(message, { refusal: loop });
      this.#tellRefused(message, NOBODY, loop);
      return;
    }
    const chain = this.#chain;
    const answer = chain.ask(message, '');
    const { rule, filter, account } = chain;
    const by: Decider = { account, rule: rule?.name, filter };
    this.#books.receive(account);
    if (answer === undefined) {
      this.#books.filter(account);
      this.#replies.answer(message, { refusal: { reason: 'filtered', detail: 'no rule lets it in' } });
      if (this.#onlookers.size > 0) this.#tell({ ...arriving(message, by), outcome: 'filtered' });
      return;
    }
    if ('reason' in answer) return this.#refuse(message, by, answer, filter);
    const channels = answer.map(({ channel }) => channel);
    const pass = this.#gate.judge(message, channels, rule?.policy, account);
    if ('reason' in pass) return this.#refuse(message, by, pass);
    this.#underWay++;
    // One after the other keeps the order.
    const done = this.#stopping.signal.aborted
      ? this.#leave(message, by, pass)
      : this.#tail.then(() => this.#handOver(message, answer, pass, by));
    const end = () => void this.#underWay--;
    this.#tail = done.then(end, (error) => {
      if (error !== this.#left) end();
    });
    return done;
  }

  /** The bus is there again: what waited for it is worth a line when the last of it is done with. */
  busReturned(): void {
    const waited = this.#underWay;
    if (waited === 0) return;
    const since = performance.now();
    const { forwarded } = this.totals;
    void this.#tail.then(() => {
      if (this.#stopping.signal.aborted) return;
      const accepted = this.totals.forwarded - forwarded;
      const what = `the backlog of ${formatCount(waited)} ${waited === 1 ? 'command' : 'commands'}`;
      const givenUp =
        waited > accepted ? `: accepted ${formatCount(accepted)}, given up ${formatCount(waited - accepted)}` : '';
      this.#logger.info(`${what} is handed over, in ${formatDuration(performance.now() - since)}${givenUp}`);
    });
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

  /** @param doer the filter, where it is its doing */
  #refuse(message: MQTTMessage, by: Decider, refusal: Refusal, doer?: string): void {
    this.#books.drop(refusal.reason, by.account, () => `${quote(message.topic)}: ${refusal.detail}`, doer);
    this.#replies.answer(message, { refusal });
    this.#tellRefused(message, by, refusal);
  }

  #tellRefused(message: MQTTMessage, by: Decider, refusal: Refusal): void {
    if (this.#onlookers.size > 0) this.#tell({ ...arriving(message, by), outcome: 'refused', refusal });
  }

  #tell(crossing: InboundCrossing): void {
    this.#onlookers.tell(crossing);
    this.#chain.interrupt();
  }

  /** Refuses a message of which the bus may have accepted a part: then it must not pass a second time. */
  #giveUp(message: MQTTMessage, by: Decider, pass: Pass, { reason, detail }: Refusal, accepted: number) {
    if (accepted === 0) pass.revoke();
    this.#refuse(message, by, { reason: accepted > 0 ? `partly_${reason}` : reason, detail });
  }

  /** @throws {MQTTGatewayError} `closed`, for the connector to leave the message with the broker */
  async #leave(message: MQTTMessage, by: Decider, pass: Pass): Promise<void> {
    pass.revoke();
    // Of a message that wants no acknowledgement the broker keeps nothing.
    if (message.qos === 0) return this.#refuse(message, by, { reason: 'stopped', detail: 'the gateway stops' });
    throw this.#left;
  }

  async #handOver(message: MQTTMessage, commands: readonly Command[], pass: Pass, by: Decider) {
    let accepted = 0;
    let left = commands;
    for (;;) {
      if (this.#late?.aborted) return this.#leave(message, by, pass);
      const overdue = pass.overdue();
      if (overdue) return this.#giveUp(message, by, pass, overdue, accepted);
      const silence = setTimeout(() => this.#reportSilence(message), SILENCE_MS);
      const results = await Promise.allSettled(left.map((command) => this.#emit(message, command)));
      clearTimeout(silence);
      const errors = results.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : undefined));
      accepted += errors.filter((error) => error === undefined).length;
      const refused = errors.find((error) => error !== undefined && !isAway(error));
      if (refused !== undefined) {
        const refusal = { reason: 'refused_by_bus', detail: describeError(refused) };
        return this.#giveUp(message, by, pass, refusal, accepted);
      }
      left = left.filter((_command, index) => errors[index] !== undefined);
      if (left.length === 0) break;
      if (this.#stopping.signal.aborted) return this.#leave(message, by, pass);
      if (this.#bus.state === 'attached') this.#reportSilence(message);
      await this.#busToTryAgain();
    }
    this.#isSilent = false;
    this.#books.forward(by.account);
    this.#replies.answer(message, { events: commands });
    if (this.#onlookers.size > 0) this.#tell({ ...arriving(message, by), outcome: 'accepted', events: commands });
  }

  async #emit(message: MQTTMessage, { channel, event }: Command): Promise<void> {
    this.#guard.emitting(message, channel, event);
    await this.#bus.emit(channel, event);
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
}

function arriving(message: MQTTMessage, { rule, filter }: Decider) {
  return { direction: 'in', message, rule, filter } as const;
}

/** The bus is not there, or did not answer: that is weather. A bus that was closed is so for good, but the message is not. */
function isAway(error: unknown): boolean {
  return error instanceof MQTTGatewayError && (error.code === 'bus_unreachable' || error.code === 'closed');
}
