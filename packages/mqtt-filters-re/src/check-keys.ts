import type { Problems } from './problems.js';

/** Finds keys that nobody knows, each with the one that was probably meant. */
export function checkKeys(
  options: Readonly<Record<string, unknown>>,
  known: readonly string[],
  problems: Problems,
): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) problems.at(key).add(`unknown key '${key}': did you mean '${nearest(key, known)}'?`);
  }
}

/** The known key that has most letters in common with a mistyped one: enough for a handful of keys. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const common = (candidate: string) => [...new Set(key.toLowerCase())].filter((c) => candidate.includes(c)).length;
  return known.toSorted((a, b) => common(b) - common(a))[0];
}
