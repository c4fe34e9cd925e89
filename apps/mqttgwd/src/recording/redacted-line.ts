import type { MessageProperties } from '@cstbox/mqtt-core';
import { payloadText } from '../explain/payload-text.js';
import { type RecordedLine, toJsonObject } from './recording-format.js';

type Redact = (text: string) => string;

/** A line of a recording, with its end, and with `***` in the place of each secret. */
export function redactedLine(line: RecordedLine, redact: Redact): string {
  const object = toJsonObject(withoutSecretBytes(line, redact));
  const text = JSON.stringify(object);
  // Our own words and numbers.
  if (line.kind === 'link' || line.kind === 'missed') return `${text}\n`;
  // Most lines hold none. A secret may look like a number, and what stands in its place does not.
  if (redact(text) === text) return `${text}\n`;
  const { at, bus, mqtt } = object as { at: number; bus?: object; mqtt?: { properties?: object } };
  const properties = mqtt?.properties && { properties: redactedFields(mqtt.properties, redact) };
  return `${JSON.stringify({
    at,
    ...(bus && { bus: redactedFields(bus, redact) }),
    ...(mqtt && { mqtt: { ...redactedFields(mqtt, redact), ...properties } }),
  })}\n`;
}

/** Bytes that are no text are written in Base64, where no secret would be found. */
function withoutSecretBytes(line: RecordedLine, redact: Redact): RecordedLine {
  if (line.kind !== 'mqtt') return line;
  const { payload, properties } = line.message;
  const isText = payloadText(payload) !== undefined;
  const message = {
    ...line.message,
    ...(!isText && { payload: redactedBytes(payload, redact) }),
    ...(properties && { properties: withoutSecretCorrelation(properties, redact) }),
  };
  return { ...line, message };
}

function withoutSecretCorrelation(properties: MessageProperties, redact: Redact): MessageProperties {
  const { correlationData } = properties;
  return correlationData ? { ...properties, correlationData: redactedBytes(correlationData, redact) } : properties;
}

function redactedBytes(bytes: Uint8Array, redact: Redact): Uint8Array {
  // In Latin-1 each byte is a character: beside an ASCII secret, all stay as they are.
  const latin1 = Buffer.from(redact(Buffer.from(bytes).toString('latin1')), 'latin1');
  // A secret in UTF-8 is found between whatever bytes; those that are no text become U+FFFD where there is one.
  const utf8 = latin1.toString();
  const redacted = redact(utf8);
  return redacted === utf8 ? latin1 : Buffer.from(redacted);
}

/** What replay goes by, and what would be no Base64 any more: times and channels are nobody's secret, and bytes are redacted. */
const KEPT: ReadonlySet<string> = new Set(['channel', 'timestamp', 'payload_base64', 'correlation_data_base64']);

/** The fields of our format: their names are ours, what stands in them is not. */
function redactedFields(object: object, redact: Redact): object {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, KEPT.has(key) ? value : redactedValue(value, redact)]),
  );
}

function redactedValue(value: unknown, redact: Redact): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'number') return redact(String(value)) === String(value) ? value : redact(String(value));
  if (Array.isArray(value)) return value.map((each) => redactedValue(each, redact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [redact(key), redactedValue(each, redact)]));
}
