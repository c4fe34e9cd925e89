import { createHash } from 'node:crypto';
import type { BasicEvent } from './event.js';
import type { Refusal } from './filter.js';
import { nextMarks, readMarks } from './loop-marks.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import type { OutboundMessage } from './outbox.js';
import { Recent } from './recent.js';
import { keyOf } from './text-key.js';
import { TopicFilterSet } from './topic-filter-set.js';

/** What a {@link LoopGuard} is made of. */
export interface LoopGuardParts {
  readonly connector: MQTTConnector;
  /** The channels of which events go out. */
  readonly channels: readonly string[];
  /** A message that came through so many gateways does not come in. */
  readonly maxHops: number;
}

/** An echo comes back at once, unless the line is bad: after so many ms it is somebody else's. */
const ECHO_MS = 10_000;
/** So many messages, and so many events, may be waited for. */
const MAX_ECHOES = 1_000;
/** For so many topics it is known whether we subscribe to them. */
const MAX_TOPICS = 10_000;
const LOOK = 'the rules of both directions make a loop; see docs/delivery.md, "Loops"';

/** The MQTT 5 user properties by which a loop is known. */
export type Marks = Readonly<Record<string, string>>;

/** An event that was handed to the bus because of a message. */
interface Emitted {
  readonly data: string;
  /** For the message that comes of it. */
  readonly marks: Marks;
}

/**
 * Ends loops through both buses: a message becomes an event, and the event a message, and so on.
 *
 * What comes back from the broker without having been anywhere else is kept away by MQTT 5's no-local, and known by its bytes with 3.1.1.
 * What went through other gateways is known by its marks, which need MQTT 5.
 */
export class LoopGuard {
  readonly #connector: MQTTConnector;
  #channels!: ReadonlySet<string>;
  #maxHops!: number;
  #subscribed!: TopicFilterSet;
  /** By key of a topic, whether we subscribe to it. */
  readonly #topics = new Map<string, boolean>();
  /** For what is ours from the start, on a topic on which it may come back. */
  #ownMarks!: Marks;
  readonly #published = new Recent<string>(ECHO_MS, MAX_ECHOES);
  readonly #emitted = new Recent<Emitted>(ECHO_MS, MAX_ECHOES);

  constructor({ connector, ...settings }: LoopGuardParts) {
    this.#connector = connector;
    this.reconfigure(settings);
  }

  /** Goes on with other channels, and whatever the connector subscribes to now; what was sent before is remembered. */
  reconfigure({ channels, maxHops }: Omit<LoopGuardParts, 'connector'>): void {
    const connector = this.#connector;
    this.#topics.clear();
    this.#channels = new Set(channels);
    this.#maxHops = maxHops;
    this.#subscribed = new TopicFilterSet(connector.topics);
    this.#ownMarks = Object.freeze(nextMarks({ hops: 0, origins: [] }, connector.clientId));
  }

  /** Why a message may not come in, or `undefined`. */
  judge(message: MQTTMessage): Refusal | undefined {
    const { hops, origins } = readMarks(message);
    if (origins.includes(this.#connector.clientId)) {
      return { reason: 'loop', detail: `this gateway sent it, and it came back (mqttgw-origin): ${LOOK}` };
    }
    if (hops >= this.#maxHops) {
      const count = Number.isFinite(hops) ? `${hops} gateways` : 'an unreadable number of gateways';
      return { reason: 'loop', detail: `it came through ${count} (mqttgw-hops), ${this.#maxHops} end it: ${LOOK}` };
    }
    if (!this.#published.isEmpty) {
      const hash = hashOf(message.payload);
      if (this.#published.take(message.topic, (each) => each === hash) !== undefined) {
        return { reason: 'loop', detail: `this gateway published it on a topic that it subscribes to: ${LOOK}` };
      }
    }
    return undefined;
  }

  /** An event is handed to the bus because of a message. */
  emitting(message: MQTTMessage, channel: string, event: BasicEvent): void {
    if (!this.#channels.has(channel)) return;
    const data = fingerprintOf(event.data);
    if (data === undefined) return;
    const marks = nextMarks(readMarks(message), this.#connector.clientId);
    this.#emitted.keep(variableOf(channel, event), { data, marks });
  }

  /** The marks for what comes of an event that was handed to the bus because of a message; `undefined` for an event of somebody else. */
  marksOf(channel: string, event: BasicEvent): Marks | undefined {
    if (this.#emitted.isEmpty) return undefined;
    let fingerprint: string | undefined;
    const isSame = ({ data }: Emitted) => {
      fingerprint ??= fingerprintOf(event.data);
      return data === fingerprint;
    };
    return this.#emitted.take(variableOf(channel, event), isSame)?.marks;
  }

  /** The MQTT 5 user properties of a message, with those by which whoever gets it, or this gateway, can end a loop. */
  mark(
    properties: OutboundMessage['userProperties'],
    topic: string,
    caused: Marks | undefined,
  ): OutboundMessage['userProperties'] {
    if (!caused && !this.#isSubscribed(topic)) return properties;
    const marks = caused ?? this.#ownMarks;
    return properties ? { ...properties, ...marks } : marks;
  }

  /** A message is about to be published. */
  publishing({ topic, payload }: OutboundMessage): void {
    if (this.#connector.protocolVersion !== '3.1.1' || !this.#isSubscribed(topic)) return;
    this.#published.keep(topic, hashOf(payload));
  }

  #isSubscribed(topic: string): boolean {
    if (this.#subscribed.isEmpty) return false;
    const key = keyOf(topic);
    const known = this.#topics.get(key);
    if (known !== undefined) return known;
    if (this.#topics.size >= MAX_TOPICS) this.#topics.clear();
    const isSubscribed = this.#subscribed.matches(topic);
    this.#topics.set(key, isSubscribed);
    return isSubscribed;
  }
}

function variableOf(channel: string, { varType, varName }: BasicEvent): string {
  return `${channel}\0${varType}\0${varName}`;
}

/** The same for data that say the same, in whatever order the event manager writes them; `undefined` for what can't go over a bus. */
function fingerprintOf(data: unknown): string | undefined {
  try {
    return hashOf(JSON.stringify(data, sorted));
  } catch {
    return undefined;
  }
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('base64');
}
