import type { Scanner } from '../scanner.js';

const GLOBAL_FLAGS = /\(\?(?!P)([a-zA-Z]+)\)/uy;
const COMMENT = /\(\?#[^)]*\)/uy;

const FLAGS = 'ismu';
const REFUSED_FLAGS: Readonly<Record<string, string>> = {
  a: 'write [0-9], [A-Za-z0-9_] for \\d, \\w',
  L: 'patterns are Unicode',
  x: 'write the pattern without white space and comments',
};

/**
 * Reads the flags at the start of a pattern, and comments among them.
 *
 * @throws {SyntaxError} for flags that are not supported, with what to write instead
 */
export function takeGlobalFlags(scanner: Scanner): ReadonlySet<string> {
  const flags = new Set<string>();
  for (;;) {
    const letters = scanner.take(GLOBAL_FLAGS)?.[1];
    if (letters === undefined && !scanner.take(COMMENT)) return flags;
    for (const flag of letters ?? '') {
      const remedy = REFUSED_FLAGS[flag];
      if (remedy !== undefined) throw new SyntaxError(`the flag (?${flag}) is not supported: ${remedy}`);
      if (!FLAGS.includes(flag)) throw new SyntaxError(`unknown flag (?${flag})`);
      flags.add(flag);
    }
  }
}
