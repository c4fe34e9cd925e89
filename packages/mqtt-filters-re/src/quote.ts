const MAX_CHARS = 120;

/** A text from a stranger, fit for a line of a log: one line, quoted, not too long. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

/** Any value from a configuration, fit for an error message: as JSON where it has one. */
export function show(value: unknown): string {
  try {
    return shorten(JSON.stringify(value) ?? String(value));
  } catch {
    // A bigint, or an object that contains itself.
    return Object.prototype.toString.call(value);
  }
}

function shorten(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
}
