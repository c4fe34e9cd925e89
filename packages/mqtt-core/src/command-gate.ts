import { CONTROL_EVENT_CHANNEL } from './event.js';
import type { Refusal } from './filter.js';
import type { InboundPolicy } from './inbound-policy.js';
import type { MQTTMessage } from './mqtt-message.js';
import { keyOf } from './text-key.js';
import { type RateLimit, TokenBucket } from './token-bucket.js';

/** So many identifiers are remembered, the latest. */
const REMEMBERED_IDS = 10_000;

/** The rates of so many rules go on under another policy. */
const REMEMBERED_RATES = 10_000;

/** A date so far back is most likely one in seconds: 40 years. */
const BEFORE_MS_MADE_SENSE = 40 * 365 * 86_400_000;

/** A message that was let in, for as long as it waits for the bus. */
export interface Pass {
  /** Why it may not be handed over any more, or `undefined`. */
  overdue(): Refusal | undefined;
  /** It was not handed over, and will come again: its identifier is as good as new. */
  revoke(): void;
}

/** Where the gate has its time from, in ms. */
export interface GateClock {
  /** Since the Epoch. */
  readonly date: () => number;
  /** Never jumps. */
  readonly steady: () => number;
}

const REAL_TIME: GateClock = { date: () => Date.now(), steady: () => performance.now() };

/** Judges accepted messages by the policy: is it stale, is it late, did it come before, do too many come? */
export class CommandGate {
  #policy: InboundPolicy;
  readonly #ids = new Set<string>();
  readonly #buckets = new WeakMap<RateLimit, TokenBucket>();
  /** By account of the rule. */
  readonly #rates = new Map<string, TokenBucket>();
  /** By account, those of rules that were in force before. */
  #formerRates = new Map<string, TokenBucket>();

  readonly #clock: GateClock;

  /** @param policy what holds where a rule says nothing */
  constructor(policy: InboundPolicy = {}, clock: GateClock = REAL_TIME) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /** Goes on under another policy, and with other rules: what came before is remembered. */
  reconfigure(policy: InboundPolicy = {}): void {
    this.#policy = policy;
    this.#formerRates = new Map([...this.#formerRates, ...this.#rates].slice(-REMEMBERED_RATES));
    this.#rates.clear();
  }

  /**
   * @param channels where the message's events would go
   * @param account that of the rule
   */
  judge(
    message: MQTTMessage,
    channels: readonly string[],
    ofRule: InboundPolicy = {},
    account?: string | undefined,
  ): Pass | Refusal {
    const policy = { ...this.#policy, ...ofRule };
    const retained = policy.retained ?? (channels.includes(CONTROL_EVENT_CHANNEL) ? 'ignore' : 'accept');
    if (message.retain && retained === 'ignore') {
      return { reason: 'retained', detail: 'the broker kept it from earlier, it may be stale' };
    }
    const fields = new PayloadFields(message);
    const overdue = this.#deadlineOf(message, policy, fields);
    if (overdue === undefined) {
      const field = policy.timestampField ?? 'timestamp';
      return { reason: 'unreadable_date', detail: `its '${field}' is neither ms since the Epoch nor a date in text` };
    }
    const late = overdue();
    if (late) return late;
    const id = idOf(message, policy, fields);
    if (id !== undefined && this.#ids.has(id)) {
      return { reason: 'duplicate', detail: 'a command with this identifier came before' };
    }
    // Last: what is refused for another reason leaves the others their turn.
    const bucket = policy.rateLimit && this.#bucketOf(policy.rateLimit, account);
    if (bucket && !bucket.take(this.#clock.steady())) {
      const { messages, perMs } = policy.rateLimit as RateLimit;
      return { reason: 'rate_limited', detail: `more came than ${messages} in ${perMs / 1_000} s` };
    }
    if (id !== undefined) this.#remember(id);
    const revoke = () => {
      if (id !== undefined) this.#ids.delete(id);
      bucket?.giveBack();
    };
    return { overdue, revoke };
  }

  /** Tells, now and later, whether a message is past its time; `undefined` when it has a date that can't be read. */
  #deadlineOf(
    message: MQTTMessage,
    policy: InboundPolicy,
    fields: PayloadFields,
  ): (() => Refusal | undefined) | undefined {
    const arrived = this.#clock.steady();
    const expiry = message.properties?.messageExpiryInterval;
    const limit = policy.maxAgeMs;
    // Its age on arrival is a matter of two clocks, the time since then is not.
    const ageOnArrival = limit === undefined ? 0 : fields.age(policy.timestampField ?? 'timestamp', this.#clock.date());
    if (ageOnArrival === undefined) return undefined;
    const hint = ageOnArrival > BEFORE_MS_MADE_SENSE ? ' (is its date in seconds? ms are expected)' : '';
    return () => {
      const waited = this.#clock.steady() - arrived;
      if (expiry !== undefined && waited >= expiry * 1_000) {
        return { reason: 'expired', detail: 'its own time of expiry has passed' };
      }
      if (limit !== undefined && ageOnArrival + waited > limit) {
        const seconds = Math.round((ageOnArrival + waited) / 100) / 10;
        return { reason: 'too_old', detail: `it is ${seconds} s old, ${limit / 1_000} s are allowed${hint}` };
      }
      return undefined;
    };
  }

  #bucketOf(limit: RateLimit, account: string | undefined): TokenBucket {
    let bucket = this.#buckets.get(limit);
    if (!bucket) {
      bucket = this.#inherit(limit, account) ?? new TokenBucket(limit);
      this.#buckets.set(limit, bucket);
    }
    if (account !== undefined && this.#rates.size < REMEMBERED_RATES) this.#rates.set(account, bucket);
    return bucket;
  }

  /** The bucket of a rule of the same name and rate that was in force before: new rules are no new burst. */
  #inherit({ messages, perMs }: RateLimit, account: string | undefined): TokenBucket | undefined {
    const bucket = account === undefined ? undefined : this.#formerRates.get(account);
    if (bucket?.limit.messages !== messages || bucket.limit.perMs !== perMs) return undefined;
    // Rules that shared it and do no longer each have their own, from now on.
    for (const [each, other] of this.#formerRates) if (other === bucket) this.#formerRates.delete(each);
    return bucket;
  }

  #remember(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= REMEMBERED_IDS) return;
    const [oldest] = this.#ids;
    this.#ids.delete(oldest as string);
  }
}

function idOf(message: MQTTMessage, policy: InboundPolicy, fields: PayloadFields): string | undefined {
  const field = policy.idField ?? 'command_id';
  const properties = message.properties?.userProperties;
  const property = properties && Object.hasOwn(properties, field) ? properties[field] : undefined;
  const id = property ?? fields.get(field);
  const isId = (typeof id === 'string' && id !== '') || typeof id === 'number';
  return isId ? keyOf(`${message.topic}\0${String(id)}`) : undefined;
}

/** The fields of a payload that is a JSON object, read when one is asked for that may be there. */
class PayloadFields {
  readonly #bytes: Buffer;
  #fields: Readonly<Record<string, unknown>> | undefined;

  constructor({ payload }: MQTTMessage) {
    this.#bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  get(field: string): unknown {
    // Most payloads have none of our fields: looking for the name is cheaper than reading all of it.
    if (this.#fields === undefined && !this.#bytes.includes(field)) return undefined;
    this.#fields ??= parseObject(this.#bytes);
    return Object.hasOwn(this.#fields, field) ? this.#fields[field] : undefined;
  }

  /** Ms from the date in a field to now: 0 without one, or when it lies ahead; `undefined` when it is no date. */
  age(field: string, now: number): number | undefined {
    const date = this.get(field);
    if (date === undefined || date === null) return 0;
    const time = typeof date === 'string' ? Date.parse(date) : date;
    return typeof time === 'number' && Number.isFinite(time) ? Math.max(0, now - time) : undefined;
  }
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(bytes.toString()));
  } catch {
    return {};
  }
}
