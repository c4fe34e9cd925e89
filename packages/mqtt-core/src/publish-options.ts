import { MAX_EXPIRY_SECONDS } from './message-properties.js';
import type { MessageProperties, PublishOptions } from './mqtt-message.js';
import type { OutboundMessage } from './outbox.js';

const REPLAYED_MARK = Object.freeze({ replayed: 'true' });
const REPLAYED: MessageProperties = Object.freeze({ userProperties: REPLAYED_MARK });

/**
 * How a message is published now. With MQTT 3.1.1 the connector leaves the properties out.
 *
 * @param isReplayed it did not go out when it came, and says so
 */
export function publishOptionsFor(message: OutboundMessage, isReplayed: boolean): PublishOptions {
  const { qos, retain, userProperties, expiresAt } = message;
  if (userProperties === undefined && expiresAt === undefined) {
    return isReplayed ? { qos, retain, properties: REPLAYED } : { qos, retain };
  }
  const own = isReplayed ? { ...userProperties, ...REPLAYED_MARK } : userProperties;
  const expiry = expiresAt === undefined ? undefined : { messageExpiryInterval: secondsUntil(expiresAt) };
  return { qos, retain, properties: { ...(own && { userProperties: own }), ...expiry } };
}

/** Whole seconds, rounded up, and at least one: 0 would be taken for already expired. A clock that jumped back gives no illegal number. */
function secondsUntil(expiresAt: number): number {
  return Math.min(Math.max(Math.ceil((expiresAt - Date.now()) / 1_000), 1), MAX_EXPIRY_SECONDS);
}
