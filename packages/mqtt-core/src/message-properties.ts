import type { IClientPublishOptions, IPublishPacket } from 'mqtt';
import type { MessageProperties } from './mqtt-message.js';
import { topicFault } from './topic.js';

type PacketProperties = NonNullable<IPublishPacket['properties']>;

/** The longest text or binary that MQTT can carry beside a payload (MQTT 5, sections 1.5.4 and 1.5.6). */
const MAX_FIELD_BYTES = 65_535;
/** The largest message expiry interval, in seconds (MQTT 5, section 3.3.2.3.3). */
export const MAX_EXPIRY_SECONDS = 0xffff_ffff;

/** What came beside a message, without what only concerns the connection; `undefined` when nothing did. */
export function fromPacketProperties(properties: PacketProperties | undefined): MessageProperties | undefined {
  if (!properties) return undefined;
  const { userProperties, responseTopic, correlationData, messageExpiryInterval } = properties;
  const result: MessageProperties = {
    // MQTT.js makes an object without a prototype of them: a name like __proto__ is a name like others.
    ...(userProperties && { userProperties }),
    ...(typeof responseTopic === 'string' && { responseTopic }),
    ...(Buffer.isBuffer(correlationData) && { correlationData }),
    ...(typeof messageExpiryInterval === 'number' && { messageExpiryInterval }),
  };
  return Object.keys(result).length > 0 ? result : undefined;
}

/** What is published beside a message, for MQTT.js. */
export function toPacketProperties(properties: MessageProperties): NonNullable<IClientPublishOptions['properties']> {
  const { userProperties, responseTopic, correlationData, messageExpiryInterval } = properties;
  return {
    ...(userProperties && { userProperties: userProperties as Record<string, string | string[]> }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData) }),
    ...(messageExpiryInterval !== undefined && { messageExpiryInterval }),
  };
}

/** Why properties can't be published, or `undefined` when they can: MQTT.js, or the broker, would cut the connection. */
export function propertiesFault(properties: MessageProperties): string | undefined {
  const { userProperties, responseTopic, correlationData, messageExpiryInterval } = properties;
  for (const [name, value] of Object.entries(userProperties ?? {})) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (![name, ...values].every(isLegalText)) {
      return `the user property ${JSON.stringify(name.slice(0, 40))} is no text of at most ${MAX_FIELD_BYTES} bytes without control characters`;
    }
  }
  if (responseTopic !== undefined) {
    const fault = topicFault(responseTopic);
    if (fault) return `the response topic: ${fault}`;
  }
  if (correlationData !== undefined) {
    if (!(correlationData instanceof Uint8Array && correlationData.length <= MAX_FIELD_BYTES)) {
      return `correlation data are at most ${MAX_FIELD_BYTES} bytes`;
    }
  }
  if (messageExpiryInterval !== undefined) {
    const isLegal = Number.isInteger(messageExpiryInterval) && messageExpiryInterval >= 0;
    if (!isLegal || messageExpiryInterval > MAX_EXPIRY_SECONDS) {
      return `the message expiry interval is an integer from 0 to ${MAX_EXPIRY_SECONDS}, not ${messageExpiryInterval}`;
    }
  }
  return undefined;
}

function isLegalText(text: unknown): boolean {
  return (
    typeof text === 'string' &&
    // Mosquitto cuts the connection over control characters, as MQTT lets it.
    !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text) &&
    text.isWellFormed() &&
    Buffer.byteLength(text) <= MAX_FIELD_BYTES
  );
}

/** How many bytes an MQTT 5 PUBLISH takes on the wire (MQTT 5, section 3.3). */
export function publishSize(
  topic: string,
  payload: string | Uint8Array,
  qos: number,
  properties: MessageProperties = {},
): number {
  const { userProperties, responseTopic, correlationData, messageExpiryInterval } = properties;
  let extra = 0;
  for (const [name, value] of Object.entries(userProperties ?? {})) {
    const values: readonly string[] = typeof value === 'string' ? [value] : value;
    for (const each of values) extra += 5 + Buffer.byteLength(name) + Buffer.byteLength(each);
  }
  if (responseTopic !== undefined) extra += 3 + Buffer.byteLength(responseTopic);
  if (correlationData !== undefined) extra += 3 + correlationData.length;
  if (messageExpiryInterval !== undefined) extra += 5;
  const rest =
    2 +
    Buffer.byteLength(topic) +
    (qos > 0 ? 2 : 0) +
    lengthOfInteger(extra) +
    extra +
    (typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length);
  return 1 + lengthOfInteger(rest) + rest;
}

/** Bytes of a variable byte integer (MQTT 5, section 1.5.5). */
function lengthOfInteger(value: number): number {
  return value < 2 ** 7 ? 1 : value < 2 ** 14 ? 2 : value < 2 ** 21 ? 3 : 4;
}
