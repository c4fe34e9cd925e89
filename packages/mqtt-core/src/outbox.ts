/** A message on its way to the broker. */
export interface OutboundMessage {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** The rule that let it out; the gateway books under this name. */
  readonly rule?: string | undefined;
  /** MQTT 5 user properties. Shared between messages: not to be changed. */
  readonly userProperties?: Readonly<Record<string, string>> | undefined;
  /** When it is worth nothing any more, in whole ms since the Epoch. Default: never. See {@link isExpired}. */
  readonly expiresAt?: number | undefined;
  /**
   * Only the newest state of its topic is wanted: putting it gives up, as `superseded`, those before it on the same topic that
   * say so too and are not taken. Default: false.
   */
  readonly latest?: boolean | undefined;
}

/** Bytes of a message as the bounds of outboxes count them: of topic, payload and user properties, counting a string's UTF-16 units. */
export function sizeOfMessage({ topic, payload, userProperties }: OutboundMessage): number {
  const size = topic.length + payload.length;
  if (userProperties === undefined) return size;
  return Object.entries(userProperties).reduce((sum, [name, value]) => sum + name.length + value.length, size);
}

/**
 * Whether a message is worth nothing any more. By the wall clock, which counts on while no process runs: one that jumps
 * forward lets messages expire early, one that jumps back lets them wait for longer.
 */
export function isExpired({ expiresAt }: OutboundMessage): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now();
}

/** A message in an outbox. */
export interface OutboxEntry {
  readonly message: OutboundMessage;
  /** Its place in the order: greater than that of every message that was put before, over restarts too. */
  readonly sequence: number;
}

/**
 * Why an outbox gave up a message: beyond its bounds by number or bytes, older than its bound by age, not to be read back
 * from where it was kept, or because a newer one for its topic came (see {@link OutboundMessage.latest}).
 */
export type OutboxLoss = 'outbox_full' | 'outbox_expired' | 'outbox_damaged' | 'superseded';

/** Who has to know what happens in an outbox. Called synchronously; must not throw. */
export interface OutboxListener {
  /** `take()` may have something again, after it had nothing although something waits. */
  ready(): void;
  /** Messages that wait no longer and will never be sent. */
  givenUp(reason: OutboxLoss, count: number, rule: string | undefined): void;
  /** Messages of an earlier life that were found only now: where they are kept was out of reach when it was opened. */
  kept(messages: readonly KeptMessages[]): void;
}

/** How many messages of a rule an outbox has kept from an earlier life. */
export interface KeptMessages {
  readonly rule: string | undefined;
  readonly count: number;
}

/** What an outbox gives up at a bound by number or bytes: what came first, or what comes now. */
export type GiveUp = 'oldest' | 'newest';

/**
 * Where outbound messages wait until the broker has them: store-and-forward between filter and connector. A message is
 * put, then taken to be sent, then either settled or given back, to be taken again in its place in the order.
 *
 * The seam for outboxes of any kind: implement it, run the contract suite of `@cstbox/mqtt-core/testing` over it, and
 * hand it to a {@link Gateway}.
 */
export interface Outbox {
  /** Messages that were put or kept and are neither settled nor given up. */
  readonly waiting: number;
  /**
   * When the oldest message that waits was put, in ms since the Epoch, to within a second by the wall clock; `undefined` when
   * nothing waits. Cheap to read.
   */
  readonly oldest: number | undefined;
  /** The sequence of the youngest message that was ever put; 0 before the first. */
  readonly lastSequence: number;
  /** What keeps it from keeping messages as it should, in words for an operator; `undefined` when all is well. */
  readonly fault: string | undefined;
  /**
   * Makes it ready for use; nothing else may be called before. Resolves with what it has kept from an earlier life. What of
   * it is found to be damaged is counted there too, and given up before the promise is settled.
   *
   * @throws {MQTTGatewayError} `outbox_locked`, when another process uses the place
   */
  open(listener: OutboxListener): Promise<readonly KeptMessages[]>;
  /**
   * Appends a message. To stay within the bounds it may give up others, or this one; what was taken is never given up for
   * that, and a message that is beyond the bounds by itself pushes out no other.
   *
   * A message that says `latest` supersedes the one before it on its topic that says so too and is not taken; the place of
   * that one is free for it. Which one that is need not be known of messages that an earlier life has put.
   */
  put(message: OutboundMessage): void;
  /** The oldest message that is not taken, or `undefined` when there is none, or none at the moment (see `ready()`). */
  take(): OutboxEntry | undefined;
  /** Forgets a message that was taken: the broker has it, or will never have it. */
  settle(entry: OutboxEntry): void;
  /**
   * A message that was taken and not sent for good: it is ready to be taken again, before all that were put after it. One that
   * says `latest` is given up instead while the newest of those on its topic waits, be it taken or not; otherwise it supersedes
   * an older one that was given back before it.
   */
  giveBack(entry: OutboxEntry): void;
  /** Ends the outbox. Resolves with how many messages are lost with it: those that wait, where it can't keep them. */
  close(): Promise<number>;
}
