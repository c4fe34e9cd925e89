import type { BasicEvent, TimedEvent } from './event.js';
import type { Refusal } from './filter.js';
import type { MQTTMessage } from './mqtt-message.js';
import type { OutboundMessage } from './outbox.js';

/** Who decided, by name; see `FilterRule` and `InboundFilter`. */
interface Decided {
  /** `undefined`: no rule did. */
  readonly rule: string | undefined;
  /** `undefined`: no filter did. */
  readonly filter: string | undefined;
}

/** An event that came from the bus, and who decided. */
interface Leaving extends Decided {
  readonly direction: 'out';
  readonly channel: string;
  readonly event: TimedEvent;
}

/** A message that came from the broker, and who decided. */
interface Arriving extends Decided {
  readonly direction: 'in';
  readonly message: MQTTMessage;
}

/** What becomes of an event from the bus. */
export type OutboundCrossing =
  /** It goes to the outbox, as this message. `throttleMs`: no other on its topic in so many ms. */
  | (Leaving & {
      readonly outcome: 'accepted';
      readonly message: OutboundMessage;
      readonly throttleMs?: number | undefined;
    })
  /** No rule lets it out. */
  | (Leaving & { readonly outcome: 'filtered' })
  /** A rule gives it up (`unchanged`, `throttled`, …), or it can't go out. */
  | (Leaving & { readonly outcome: 'refused'; readonly refusal: Refusal })
  /** What the bus brought is no event. */
  | { readonly direction: 'out'; readonly outcome: 'malformed'; readonly refusal: Refusal }
  /** Messages that had been accepted do not reach the broker. `message`: which one, where that is known; then it is one. */
  | {
      readonly direction: 'out';
      readonly outcome: 'lost';
      readonly refusal: Refusal;
      readonly count: number;
      readonly message: OutboundMessage | undefined;
    };

/** What becomes of a message from the broker. */
export type InboundCrossing =
  /** The bus has accepted all events of it. */
  | (Arriving & {
      readonly outcome: 'accepted';
      readonly events: readonly { readonly channel: string; readonly event: BasicEvent }[];
    })
  /** No rule lets it in, or one blocks it. */
  | (Arriving & { readonly outcome: 'filtered' })
  /** A rule, the policy or the bus said no. */
  | (Arriving & { readonly outcome: 'refused'; readonly refusal: Refusal });

/** What became of something that came to the gateway, for who looks on. */
export type Crossing = OutboundCrossing | InboundCrossing;
