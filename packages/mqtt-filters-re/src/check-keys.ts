import type { Problems } from './problems.js';

/** Finds keys that nobody knows, each with the one that was probably meant. */
export function checkKeys(
  options: Readonly<Record<string, unknown>>,
  known: readonly string[],
  problems: Problems,
): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) problems.at(key).add(`unknown key '${key}': ${remedy(key, known)}`);
  }
}

function remedy(key: string, known: readonly string[]): string {
  const [nearest = ''] = known.toSorted((a, b) => distance(key, a) - distance(key, b));
  const isClose = distance(key, nearest) <= Math.max(2, nearest.length / 3);
  return isClose || known.length <= FEW ? `did you mean '${nearest}'?` : `known here: ${known.join(', ')}`;
}

/** Of so few, the nearest is meant in any case. */
const FEW = 4;

/** How many letters are to be put in, left out or replaced to make one word of another (Levenshtein). */
export function distance(from: string, to: string): number {
  // Nobody means one of ours by a word this long.
  if (from.length > 64) return from.length;
  let row = [...Array(to.length + 1).keys()];
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let at = 0; at < to.length; at++) {
      const replaced = (row[at] as number) + (letter === to[at] ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] as number) + 1, (next[at] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
