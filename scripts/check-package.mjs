import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Checks the package in the current directory as npm would get it: packs it, and lets publint and attw look at the tarball.
const directory = mkdtempSync(join(tmpdir(), 'mqttgwd-pack-'));
const run = (program, ...args) =>
  execFileSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
try {
  run('pnpm', 'pack', '--pack-destination', directory);
  const tarball = join(directory, readdirSync(directory)[0]);
  const listing = run('tar', '-tzf', tarball).trim().split('\n');
  const strays = listing.filter(
    (path) => !/^package\/(dist\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path),
  );
  if (strays.length > 0) throw new Error(`these have no place in the package: ${strays.join(', ')}`);
  for (const needed of ['package/README.md', 'package/LICENSE', 'package/dist/index.js', 'package/dist/index.d.ts']) {
    if (!listing.includes(needed)) throw new Error(`${needed} is missing from the package`);
  }
  const manifest = JSON.parse(run('tar', '-xzOf', tarball, 'package/package.json'));
  if (JSON.stringify(manifest.exports).includes('@cstbox/source')) throw new Error('the package exports its sources');
  if (JSON.stringify(manifest).includes('workspace:')) throw new Error('the package refers to the workspace');
  run('publint', '--strict', tarball);
  run('attw', '--profile', 'esm-only', tarball);
  console.log(`${manifest.name}: ${listing.length} files, packed clean`);
} catch (error) {
  console.error(error.stdout ?? '', error.message);
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true });
}
