import type { EventData } from '@cstbox/mqtt-core';

/** What a message says about a variable: its value, and whatever else goes into the event's data. */
export type EventPayload = readonly [value: unknown, extra?: EventData];

/** A byte order mark says how the text is encoded; it is none of the text, and JSON.parse would not take it. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** The bytes of a message, decoded and parsed when somebody asks, and once. */
export class Payload {
  readonly #bytes: Uint8Array;
  #text: string | null | undefined;
  #json: { readonly value: unknown } | null | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The text that it is in UTF-8; `null`: it is none. */
  get text(): string | null {
    if (this.#text === undefined) this.#text = decode(this.#bytes);
    return this.#text;
  }

  /** What it says as JSON; `null`: it is none. */
  get json(): { readonly value: unknown } | null {
    if (this.#json === undefined) this.#json = this.text === null ? null : parse(this.text);
    return this.#json;
  }

  /**
   * The usual reading: a JSON object with a key `value` gives that value and the other keys, without `timestamp`; other JSON
   * its value; anything else is a text. `null`: it is no UTF-8.
   */
  get content(): EventPayload | null {
    return this.json ? readJson(this.json.value) : this.text === null ? null : [this.text];
  }
}

/** The value that a JSON value stands for, and what else it says. */
export function readJson(content: unknown): EventPayload {
  if (!isObject(content) || !Object.hasOwn(content, 'value')) return [content];
  // Rest properties are defined, not assigned: a key `__proto__` becomes a key like any other.
  const { value, timestamp: _, ...extra } = content;
  return Object.keys(extra).length > 0 ? [value, extra] : [value];
}

function decode(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

function parse(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** Whether a value is what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
