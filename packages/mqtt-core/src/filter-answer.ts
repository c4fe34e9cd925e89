import type { Accounting } from './accounting.js';
import type { InboundFilter, OutboundFilter } from './filter.js';

type AnyFilter = InboundFilter | OutboundFilter;

/** Books a no of a filter: with the reason that it leaves, or as filtered. */
export function bookRefusal(books: Accounting, filter: AnyFilter, what: string): void {
  // A filter need not descend from our base classes.
  const refusal = filter.takeRefusal?.();
  if (refusal) books.drop(refusal.reason, () => `${quote(what)}: ${refusal.detail}`);
  else books.filter();
}

/** A sub-class may have overruled the refusal of its base class: it must not be taken for the reason of a later one. */
export function forgetRefusal(filter: AnyFilter): void {
  filter.takeRefusal?.();
}

/** What somebody got who expected something else. */
export function kindOf(value: unknown): string {
  return value instanceof Promise ? 'a promise' : typeof value;
}

/** Names and topics come from strangers: a log line shows no more than fits it, and no control characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
