import { type RecordedLine, toJsonObject } from './recording-format.js';

/** A line of a recording, with its end, and with `***` in the place of each secret. */
export function redactedLine(line: RecordedLine, redact: (text: string) => string): string {
  const text = JSON.stringify(toJsonObject(withoutSecretBytes(line, redact)));
  // Our own words and numbers.
  if (line.kind === 'link' || line.kind === 'missed') return `${text}\n`;
  // Most lines hold none. A secret may look like a number, and what stands in its place does not.
  if (redact(text) === text) return `${text}\n`;
  // Times are nobody's secret, and some digits are in all of them.
  const { at, bus, ...rest } = JSON.parse(text) as { at: number; bus?: { timestamp: unknown } };
  const event = bus && { ...(redactedValue(bus, redact) as object), timestamp: bus.timestamp };
  return `${JSON.stringify({ at, ...(event && { bus: event }), ...(redactedValue(rest, redact) as object) })}\n`;
}

/** A payload that is no text is written in Base64, where no secret would be found. */
function withoutSecretBytes(line: RecordedLine, redact: (text: string) => string): RecordedLine {
  if (line.kind !== 'mqtt') return line;
  const bytes = Buffer.from(line.message.payload).toString('latin1');
  const redacted = redact(bytes);
  if (redacted === bytes) return line;
  const payload = Buffer.from(redacted, 'latin1');
  return { ...line, message: { ...line.message, payload } };
}

function redactedValue(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'number') return redact(String(value)) === String(value) ? value : redact(String(value));
  if (Array.isArray(value)) return value.map((each) => redactedValue(each, redact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [redact(key), redactedValue(each, redact)]));
}
