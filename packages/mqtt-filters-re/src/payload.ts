/** A byte order mark says how the text is encoded; it is none of the text, and JSON.parse would not take it. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** The value that a payload stands for and what else it says; `undefined` when it is no UTF-8. */
export function readPayload(bytes: Uint8Array): [value: unknown, extra?: Record<string, unknown>] | undefined {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    return undefined;
  }
  const content = parseJson(text);
  if (!isObject(content) || !Object.hasOwn(content, 'value')) return [content];
  // Rest properties are defined, not assigned: a key `__proto__` becomes a key like any other.
  const { value, timestamp: _, ...extra } = content;
  return Object.keys(extra).length > 0 ? [value, extra] : [value];
}

/** What the JSON says, or the text itself when it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
