/** A level of topic filters: which end here, and which go on. */
interface Level {
  readonly next: Map<string, Level>;
  /** A filter ends here. */
  ends: boolean;
  /** A filter goes on with `#`: it takes what ends here, and all below. */
  takesAll: boolean;
}

/** A set of topic filters, as a tree of their levels: asking it costs the same for one filter as for thousands. */
export class TopicFilterSet {
  readonly #root: Level = newLevel();
  #isEmpty = true;

  /** @param filters legal ones */
  constructor(filters: Iterable<string> = []) {
    for (const filter of filters) this.add(filter);
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether any of them brings messages on a topic (MQTT 3.1.1, section 4.7). */
  matches(topic: string): boolean {
    return takes(this.#root, topic.split('/'), 0);
  }

  /** Whether any of them brings every message that a topic filter brings. */
  covers(filter: string): boolean {
    return takes(this.#root, filter.split('/'), 0);
  }

  /** Takes one more; a shared subscription stands for the filter in it (MQTT 5, section 4.8.2). */
  add(shared: string): void {
    const filter = withoutShare(shared);
    this.#isEmpty = false;
    let level = this.#root;
    for (const name of filter.split('/')) {
      if (name === '#') {
        level.takesAll = true;
        return;
      }
      let next = level.next.get(name);
      if (!next) {
        next = newLevel();
        level.next.set(name, next);
      }
      level = next;
    }
    level.ends = true;
  }
}

/**
 * The fewest of some topic filters that bring the same messages: what another one brings as well is left out. Shared subscriptions
 * stay as they are: their messages go round in a group.
 */
export function uniteTopicFilters(filters: Iterable<string>): string[] {
  const all = [...new Set(filters)];
  const plain = all.filter((filter) => withoutShare(filter) === filter);
  const superfluous = new Set<string>();
  const set = new TopicFilterSet();
  // What brings more comes before what it brings: then one walk is enough.
  for (const filter of plain.map((each) => ({ each, key: sortKey(each) })).sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (set.covers(filter.each)) superfluous.add(filter.each);
    else set.add(filter.each);
  }
  return all.filter((filter) => !superfluous.has(filter));
}

/** Sorts `#` before `+` before any name, at each level, and the end of a filter behind all. */
function sortKey(filter: string): string {
  const rank: Readonly<Record<string, string>> = { '#': '\0\0', '+': '\0\x01' };
  const levels = filter.split('/').map((level) => rank[level] ?? level);
  return `${levels.join('\0\x02')}\uffff`;
}

function withoutShare(filter: string): string {
  return filter.replace(/^\$share\/[^/]*\//, '');
}

function newLevel(): Level {
  return { next: new Map(), ends: false, takesAll: false };
}

/** Whether what is below a level takes what the names from an index on stand for. */
function takes(level: Level, names: readonly string[], index: number): boolean {
  const name = names[index];
  // A wildcard at the head does not stand for the broker's own topics.
  const mayBeAny = index > 0 || !name?.startsWith('$');
  if (level.takesAll && mayBeAny) return true;
  if (name === undefined) return level.ends;
  if (name === '#') return false;
  const next = level.next.get(name);
  if (next && takes(next, names, index + 1)) return true;
  const any = mayBeAny && name !== '+' ? level.next.get('+') : undefined;
  return any !== undefined && takes(any, names, index + 1);
}
