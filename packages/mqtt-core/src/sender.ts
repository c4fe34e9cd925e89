import { Backlog, type BacklogEnd } from './backlog.js';
import { MQTTGatewayError } from './errors.js';
import { describeError } from './logger.js';
import type { MQTTConnector } from './mqtt-connector.js';
import { isExpired, type OutboundMessage, type Outbox, type OutboxEntry } from './outbox.js';
import { publishOptionsFor } from './publish-options.js';
import { Suspects } from './suspects.js';

/**
 * How many messages may be on the wire unacknowledged, unless the broker grants less. 500 carry 25,000 messages a second
 * over a round trip of 20 ms; more bring nothing on a fast network, and wait in memory twice.
 */
const IN_FLIGHT_WINDOW = 500;
/** How often it is looked whether acknowledgements come, within the time that one may take. */
const LOOKS_PER_TIMEOUT = 4;
/** How long to leave alone a broker that can't take more for now. */
const PAUSE_MS = 1_000;
/** So many expired messages are dropped in one turn of the event loop: an outage may leave a million. */
const EXPIRED_PER_TURN = 1_000;

/** What becomes of a message that was sent. */
export interface SenderListener {
  /** It is about to be published. */
  sending(message: OutboundMessage): void;
  /** The broker has it. */
  delivered(message: OutboundMessage): void;
  /** The broker, or MQTT itself, will not have it; the connection is not the reason. */
  setAside(message: OutboundMessage, reason: string, detail: string): void;
  /** Its time passed before the broker had it: it is not sent, or not again. */
  expired(message: OutboundMessage): void;
  /** The last of the messages that waited when the connection was made has gone. */
  caughtUp(backlog: Backlog): void;
}

/** What a sender is made of. */
export interface SenderParts {
  readonly outbox: Outbox;
  readonly connector: MQTTConnector;
  readonly listener: SenderListener;
  /** How long an acknowledgement may take, in ms. */
  readonly ackTimeoutMs: number;
}

/** A message on the wire. */
interface Flight {
  readonly entry: OutboxEntry;
  /** When it was sent, by the count of the looks. */
  sentAt: number;
}

/**
 * Moves messages from the outbox to the broker, through a bounded window, whenever there is a connection.
 *
 * After each connection the window starts at one message and doubles with each acknowledgement: so a message over which
 * the broker cuts the connection is found out, and set aside.
 *
 * A message whose time has passed is looked at when its turn to be sent comes, and dropped; until then it waits, and takes its
 * place. Its time is told by the wall clock (see {@link isExpired}), and what is left of it goes to the broker, which
 * counts for itself from there: a clock that was set right meanwhile makes that too long or too short by as much as it jumped.
 */
export class Sender {
  readonly #outbox: Outbox;
  readonly #connector: MQTTConnector;
  readonly #listener: SenderListener;
  readonly #suspects = new Suspects();
  #ackTimeoutMs: number;
  readonly #unwatch: () => void;
  #watchdog: NodeJS.Timeout;
  /** In the order of sending. */
  readonly #flights = new Set<Flight>();
  /** Taken from the outbox, while the broker's own window for its QoS is full. */
  #held: OutboxEntry | undefined;
  #window = 1;
  /** When a message was last sent with nothing else on the wire, in ms of `performance.now()`. */
  #aloneSince = 0;
  #looks = 0;
  /** When the last acknowledgement came, by the count of the looks. */
  #acknowledgedAt = 0;
  /** Up to this sequence messages have waited for a connection, or were sent before. */
  #replayedUpTo = 0;
  /** What of those that waited for this connection has not gone. */
  #backlog: Backlog | undefined;
  #refill: NodeJS.Immediate | undefined;
  #pausing: NodeJS.Timeout | undefined;
  /** Not while the socket is full, a new connection has to prove itself, or the broker can't take more. */
  #mayWrite = true;
  /** Counts connections, for what was begun on an earlier one. */
  #connection = 0;
  #closed = false;
  #onIdle: (() => void)[] = [];

  constructor({ outbox, connector, listener, ackTimeoutMs }: SenderParts) {
    this.#outbox = outbox;
    this.#connector = connector;
    this.#listener = listener;
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#watchdog = this.#watch();
    this.#unwatch = connector.watch((state) => {
      if (state === 'connected') this.#resume();
      else if (state === 'connecting') this.#interrupt();
    });
    if (connector.connected) this.#resume();
  }

  /** Goes on with another time for an acknowledgement; what is on the wire gets all of it. */
  reconfigure(ackTimeoutMs: number): void {
    if (ackTimeoutMs === this.#ackTimeoutMs || this.#closed) return;
    this.#ackTimeoutMs = ackTimeoutMs;
    clearInterval(this.#watchdog);
    for (const flight of this.#flights) flight.sentAt = this.#looks;
    this.#watchdog = this.#watch();
  }

  /**
   * There is something to send. It is sent once per turn of the event loop: one write to the socket for all that came
   * together costs half of one write each.
   */
  wake(): void {
    if (this.#refill === undefined && this.#flights.size < this.#window && this.#connector.connected && !this.#closed) {
      this.#refill = setImmediate(this.#send);
    }
  }

  /** Something was given up, settled or sent: who waits for an empty outbox may look again. */
  checkIdle(): void {
    if (this.#outbox.waiting > 0) return;
    this.#checkBacklog();
    for (const done of this.#onIdle.splice(0)) done();
  }

  /** Resolves when nothing waits any more, or when the signal is aborted. */
  async drained(signal: AbortSignal): Promise<void> {
    if (this.#outbox.waiting === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
      this.#onIdle.push(done);
    });
  }

  /** Sends nothing more; what is on the wire may still be acknowledged. */
  close(): void {
    this.#closed = true;
    this.#unwatch();
    clearImmediate(this.#refill);
    clearInterval(this.#watchdog);
    clearTimeout(this.#pausing);
  }

  #resume(): void {
    this.#connection++;
    this.#replayedUpTo = this.#outbox.lastSequence;
    const { waiting } = this.#outbox;
    this.#backlog = waiting > 0 ? new Backlog(waiting, this.#replayedUpTo) : undefined;
    this.#window = this.#suspects.firstWindow;
    for (const flight of this.#flights) flight.sentAt = this.#looks;
    this.#pause(this.#suspects.startProbe());
  }

  /** Sends nothing for so long. */
  #pause(ms: number): void {
    clearTimeout(this.#pausing);
    this.#mayWrite = ms === 0;
    if (this.#closed) return;
    if (ms === 0) return this.wake();
    this.#pausing = setTimeout(() => {
      this.#suspects.endProbe();
      this.#mayWrite = true;
      this.wake();
    }, ms);
  }

  /** The connection is lost. What was on the wire comes back by itself. */
  #interrupt(): void {
    clearTimeout(this.#pausing);
    const [flight] = this.#flights;
    const alone = this.#flights.size === 1 ? flight?.entry : undefined;
    if (this.#suspects.connectionLost(alone, performance.now() - this.#aloneSince) && flight) {
      this.#setAside(flight, 'broker_cuts_connection', 'the broker closed the connection each time it was sent alone');
    }
    if (this.#held) this.#outbox.giveBack(this.#held);
    this.#held = undefined;
  }

  readonly #send = (): void => {
    this.#refill = undefined;
    let expired = 0;
    while (this.#flights.size < this.#window && this.#mayWrite && this.#connector.connected && !this.#closed) {
      if (!this.#connector.writable) return this.#awaitDrain();
      const entry = this.#held ?? this.#outbox.take();
      this.#held = undefined;
      if (!entry) return this.checkIdle();
      if (this.#backlog?.has(entry) === false) this.#overtake(this.#backlog);
      if (isExpired(entry.message)) {
        this.#expire(entry);
        if (++expired === EXPIRED_PER_TURN) return this.wake();
        continue;
      }
      if (this.#flights.size >= this.#connector.windowOf(entry.message.qos)) {
        this.#held = entry;
        return;
      }
      void this.#publish(entry);
    }
  };

  #awaitDrain(): void {
    const connection = this.#connection;
    this.#mayWrite = false;
    this.#connector.onceWritable(() => {
      if (connection !== this.#connection) return;
      this.#mayWrite = true;
      this.wake();
    });
  }

  async #publish(entry: OutboxEntry): Promise<void> {
    const flight: Flight = { entry, sentAt: this.#looks };
    if (this.#flights.size === 0) this.#aloneSince = performance.now();
    this.#flights.add(flight);
    const { topic, payload } = entry.message;
    try {
      this.#listener.sending(entry.message);
      const isReplayed = entry.sequence <= this.#replayedUpTo;
      await this.#connector.publish(topic, payload, publishOptionsFor(entry.message, isReplayed));
    } catch (error) {
      if (!this.#flights.has(flight)) return;
      if (!isWeather(error)) return this.#setAside(flight, 'refused_by_broker', describeError(error));
      // What a lost connection swallowed is sent again.
      this.#flights.delete(flight);
      this.#outbox.giveBack(entry);
      // The broker is there, and can't take it now.
      if (this.#connector.connected) this.#pause(PAUSE_MS);
      return;
    }
    if (!this.#settle(flight)) return;
    this.#acknowledgedAt = this.#looks;
    this.#suspects.acknowledged(entry);
    this.#window = Math.min(this.#window * 2, IN_FLIGHT_WINDOW);
    this.#listener.delivered(entry.message);
    this.#gone(entry, 'delivered');
  }

  #setAside(flight: Flight, reason: string, detail: string): void {
    if (!this.#settle(flight)) return;
    this.#listener.setAside(flight.entry.message, reason, detail);
    this.#gone(flight.entry, 'set aside');
  }

  #expire(entry: OutboxEntry): void {
    this.#outbox.settle(entry);
    this.#suspects.gone(entry);
    this.#listener.expired(entry.message);
    this.#gone(entry, 'expired');
    this.checkIdle();
  }

  /** In the order of sending nothing of the backlog is left to be taken. */
  #overtake(backlog: Backlog): void {
    backlog.overtaken([...this.#flights].filter(({ entry }) => backlog.has(entry)).length);
    this.#checkBacklog();
  }

  #gone(entry: OutboxEntry, how: BacklogEnd): void {
    if (!this.#backlog?.has(entry)) return;
    this.#backlog.end(how);
    this.#checkBacklog();
  }

  #checkBacklog(): void {
    const backlog = this.#backlog;
    if (!backlog || (!backlog.isGone && this.#outbox.waiting > 0)) return;
    this.#backlog = undefined;
    this.#listener.caughtUp(backlog);
  }

  #settle(flight: Flight): boolean {
    if (!this.#flights.delete(flight)) return false;
    this.#outbox.settle(flight.entry);
    this.wake();
    if (this.#onIdle.length > 0) setImmediate(() => this.checkIdle());
    return true;
  }

  #watch(): NodeJS.Timeout {
    return setInterval(() => this.#look(), this.#ackTimeoutMs / LOOKS_PER_TIMEOUT);
  }

  /** Some brokers neither acknowledge nor refuse; and a client may be wrong about its connection. */
  #look(): void {
    this.#looks++;
    const [oldest] = this.#flights;
    // Acknowledgements may stand behind what is not read.
    if (this.#connector.isPaused) for (const flight of this.#flights) flight.sentAt = this.#looks;
    if (!oldest || !this.#connector.connected || this.#looks - oldest.sentAt <= LOOKS_PER_TIMEOUT) return;
    if (this.#suspects.unanswered(oldest.entry, this.#acknowledgedAt > oldest.sentAt)) {
      this.#setAside(oldest, 'never_acknowledged', 'the broker acknowledged others, and never this one');
    }
    this.#connector.restart(`no acknowledgement within ${this.#ackTimeoutMs / 1_000} s`);
  }
}

function isWeather(error: unknown): boolean {
  return error instanceof MQTTGatewayError && ['broker_unreachable', 'not_connected', 'closed'].includes(error.code);
}
