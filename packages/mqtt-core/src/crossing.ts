import type { BasicEvent, TimedEvent } from './event.js';
import type { MQTTMessage } from './mqtt-message.js';
import type { OutboundMessage } from './outbox.js';

/** Something that a filter let through, for who looks on: out when it goes to the outbox, in when the bus has accepted it. */
export type Crossing =
  | {
      readonly direction: 'out';
      readonly channel: string;
      readonly event: TimedEvent;
      readonly message: OutboundMessage;
    }
  | { readonly direction: 'in'; readonly message: MQTTMessage; readonly channel: string; readonly event: BasicEvent };
