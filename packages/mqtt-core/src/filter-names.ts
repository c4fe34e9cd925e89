import type { InboundFilter, OutboundFilter } from './filter.js';

/** Between the names of a filter and of its rule. */
const SEPARATOR = ' > ';
const MAX_NAME_LENGTH = 200;

/**
 * What the filters of a direction, and their rules, are called in the books, in the log, and in an outbox that outlives the
 * process. A filter that is alone leaves its rules their names; several may have rules of the same name.
 */
export class FilterNames {
  /** In the order of the filters, each once. */
  readonly filters: readonly string[];

  constructor(filters: readonly (InboundFilter | OutboundFilter)[]) {
    const names = new Set<string>();
    for (const filter of filters) {
      const name = nameOf(filter);
      let unique = name;
      for (let n = 2; names.has(unique); n++) unique = `${name}#${n}`;
      names.add(unique);
    }
    this.filters = [...names];
  }

  /** The name of the account in which an answer of a filter is booked, by the rule that decided. */
  accountOf(filter: number, rule: string | undefined): string | undefined {
    if (this.filters.length === 1) return rule;
    const name = this.filters[filter];
    return rule === undefined ? name : `${name}${SEPARATOR}${rule}`;
  }

  /** Whose doing something is, for a log: that of a rule, and its filter. */
  inWords(account: string, filter: string): string {
    const prefix = `${filter}${SEPARATOR}`;
    return `by ${filter}, rule ${account.startsWith(prefix) ? account.slice(prefix.length) : account}`;
  }

  /** The filter that an account belongs to; `undefined` for what another configuration has left, and for no filter at all. */
  ownerOf(account: string | undefined): number | undefined {
    if (this.filters.length === 1) return 0;
    if (account === undefined) return undefined;
    let owner: number | undefined;
    let longest = 0;
    for (const [index, name] of this.filters.entries()) {
      const isOwner = account === name || account.startsWith(name + SEPARATOR);
      // One name may be the beginning of another.
      if (!isOwner || name.length < longest) continue;
      longest = name.length;
      owner = index;
    }
    return owner;
  }
}

/** A filter's own name, else that of its class. */
function nameOf(filter: InboundFilter | OutboundFilter): string {
  const candidates: unknown[] = [filter.name, filter.constructor?.name];
  const name = candidates.find((each) => typeof each === 'string' && each !== '' && each !== 'Object');
  return ((name as string | undefined) ?? 'filter').slice(0, MAX_NAME_LENGTH);
}
