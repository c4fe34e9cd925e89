import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfiguration } from './configuration.js';

type Key = keyof GatewayConfiguration;

/** What only the start of the process takes: the outbox and the bus are there by then, and a simulation has an outbox of its own. */
export const FIXED_KEYS = ['outbox', 'dbus', 'simulate'] as const satisfies readonly Key[];

/**
 * The keys that differ, those of a section with its name before them, as `broker.port`; without their values, some of which are
 * secrets.
 *
 * @param keys the keys to look at. Default: all, but for `$schema`
 */
export function differences(
  before: GatewayConfiguration,
  after: GatewayConfiguration,
  keys: readonly Key[] = keysOf(before, after).filter((key) => key !== '$schema'),
): readonly string[] {
  return keys.flatMap((key) => {
    const [a, b] = [before[key], after[key]];
    if (isDeepStrictEqual(a, b)) return [];
    // A section that is left out is one without keys, unless it says something by being there.
    const [own, others] = [isSection(a) ? a : {}, isSection(b) ? b : {}];
    const inner = keysOf(own, others).filter((each) => !isDeepStrictEqual(own[each], others[each]));
    return inner.length > 0 ? inner.map((each) => `${key}.${String(each)}`) : [key];
  });
}

function keysOf<T extends object>(a: T, b: T): (keyof T)[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])] as (keyof T)[];
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
