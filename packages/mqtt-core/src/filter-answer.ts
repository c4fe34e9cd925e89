import type { InboundFilter, OutboundFilter, Refusal } from './filter.js';

type AnyFilter = InboundFilter | OutboundFilter;

/** The reason that a filter left with its answer, if any. Asked each time: it must not be taken for that of a later one. */
export function refusalOf(filter: AnyFilter): Refusal | undefined {
  // A filter need not descend from our base classes.
  return filter.takeRefusal?.();
}

/** What somebody got who expected something else. */
export function kindOf(value: unknown): string {
  return value instanceof Promise ? 'a promise' : typeof value;
}

/** Names and topics come from strangers: a log line shows no more than fits it, and no control characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
