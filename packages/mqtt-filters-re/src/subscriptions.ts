import { uniteTopicFilters } from '@cstbox/mqtt-core';

/** More subscriptions than that are a burden for brokers: some allow no more than 50 to 1,000 for a client. */
const MAX_FILTERS = 200;

/**
 * Topic filters that bring all that these bring, at most 200 of them. Where there are too many, the levels that differ most
 * become `+`.
 */
export function fewEnough(filters: readonly string[]): string[] {
  let kept = uniteTopicFilters(filters);
  while (kept.length > MAX_FILTERS) {
    const wider = uniteTopicFilters(widen(kept.map((filter) => filter.split('/'))).map(join));
    // Hundreds of roots of the broker's own: nothing brings them together.
    if (wider.every((filter, index) => filter === kept[index])) break;
    kept = wider;
  }
  return kept;
}

/** The same filters with the level that has most different names as `+`; without any such level, with one level less. */
function widen(filters: readonly (readonly string[])[]): string[][] {
  const depth = Math.max(...filters.map(({ length }) => length));
  const names = Array.from({ length: depth }, (_, index) => {
    return new Set(filters.map((levels) => levels[index] ?? '+').filter(isName)).size;
  });
  const most = Math.max(...names);
  if (most <= 1)
    return filters.map((levels) =>
      levels.length < depth ? [...levels] : [...levels.slice(0, Math.max(1, levels.length - 2)), '#'],
    );
  const widest = names.indexOf(most);
  return filters.map((levels) => levels.map((level, index) => (index === widest && isName(level) ? '+' : level)));
}

/** A name that a wildcard may stand for: the broker's own topics begin with one that it may not. */
function isName(level: string): boolean {
  return level !== '+' && level !== '#' && !level.startsWith('$');
}

function join(levels: readonly string[]): string {
  return levels.join('/');
}
