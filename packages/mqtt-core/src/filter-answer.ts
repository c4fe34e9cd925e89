import type { InboundFilter, OutboundFilter, Refusal } from './filter.js';

type AnyFilter = InboundFilter | OutboundFilter;

/** Reasons are words for a counter, details fit a line: what a filter says beyond is left out. */
const MAX_REASON_LENGTH = 100;
const MAX_DETAIL_LENGTH = 1_000;

/**
 * The reason that a filter left with its answer, if any. Asked each time: it must not be taken for that of a later one.
 *
 * @throws {TypeError} when it is no reason
 */
export function refusalOf(filter: AnyFilter): Refusal | undefined {
  // A filter need not descend from our base classes.
  const refusal: unknown = filter.takeRefusal?.();
  if (refusal === undefined || refusal === null) return undefined;
  const { reason, detail } = refusal as Record<keyof Refusal, unknown>;
  if (typeof reason !== 'string' || reason === '' || typeof detail !== 'string') {
    throw nonsense('takeRefusal', refusal, 'a reason and a detail');
  }
  return { reason: reason.slice(0, MAX_REASON_LENGTH), detail: detail.slice(0, MAX_DETAIL_LENGTH) };
}

/** The error for an answer that is none. */
export function nonsense(source: string, value: unknown, expected: string): TypeError {
  silence(value);
  return new TypeError(`${source} gave ${kindOf(value)}, expected ${expected}`);
}

/** Nobody waits for a promise that nobody asked for: its rejection must not end the process. */
export function silence(value: unknown): void {
  if (value instanceof Promise) Promise.prototype.then.call(value, undefined, () => {});
}

/** What somebody got who expected something else. */
export function kindOf(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

/** Names and topics come from strangers: a log line shows no more than fits it, and no control characters. */
export function quote(text: string, maxLength = 80): string {
  return JSON.stringify(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text);
}
