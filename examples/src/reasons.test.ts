import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** How the sources name a reason, each with what is found at least. */
const NAMINGS: readonly [RegExp, string][] = [
  [/\breason: '([a-z0-9_]+)'/g, 'too_costly'],
  [/\b(?:refuse|refusal|drop|reject)\('([a-z0-9_]+)'/g, 'not_senml'],
  [/#setAside\(\w+, '([a-z0-9_]+)'/g, 'never_acknowledged'],
  [/\['([a-z]+_(?:signal|data))',/g, 'forged_signal'],
  [/(?<=type OutboxLoss =[^;]*)'([a-z_]+)'/g, 'outbox_damaged'],
];

const sources = ['mqtt-core', 'dbus-bus', 'mqtt-filters-re'].flatMap((name) => {
  const folder = join(ROOT, 'packages', name, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('testing'))
    .map((file) => readFileSync(join(folder, file), 'utf8'));
});

it.each(NAMINGS)("the daemon's README explains each reason that the sources name as %s", (pattern, known) => {
  const readme = readFileSync(join(ROOT, 'apps/mqttgwd/README.md'), 'utf8');
  const reasons = new Set(sources.flatMap((text) => [...text.matchAll(pattern)].map(([, reason]) => reason as string)));
  expect([...reasons]).toContain(known);
  expect([...reasons].filter((reason) => !readme.includes(`\`${reason}\``))).toEqual([]);
});
