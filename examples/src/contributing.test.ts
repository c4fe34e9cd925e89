import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { codeBlocks } from './testing/code-blocks.js';

const ROOT = resolve(import.meta.dirname, '../..');

/** What the commands copy. */
const SOURCES = [
  ...['package.json', 'tsconfig.json', 'LICENSE'].map((file) => `packages/mqtt-filters-re/${file}`),
  'packages/mqtt-outbox-level/tsup.config.ts',
  'examples/src/custom-filter.ts',
  'examples/src/custom-filter.test.ts',
];

it('the first step of CONTRIBUTING makes a filter package that needs the core and nothing else', async () => {
  const markdown = await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const commands = codeBlocks(markdown).find(({ lines }) => lines.some((line) => line.includes('mkdir -p packages/')));
  const checkout = await mkdtemp(join(tmpdir(), 'contributing-'));
  try {
    for (const file of SOURCES) {
      await mkdir(dirname(join(checkout, file)), { recursive: true });
      await cp(join(ROOT, file), join(checkout, file));
    }
    const script = (commands?.lines ?? []).filter((line) => line.trim() !== 'pnpm install').join('\n');
    execFileSync('bash', ['-e'], { cwd: checkout, input: script, stdio: ['pipe', 'ignore', 'inherit'] });
    const folder = join(checkout, 'packages/mqtt-filters-alarm');
    const { name, scripts, dependencies, peerDependencies, devDependencies } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    );
    expect({ name, test: scripts.test, dependencies, peerDependencies, devDependencies }).toEqual({
      name: '@cstbox/mqtt-filters-alarm',
      test: 'vitest run --root ../.. --project mqtt-filters-alarm',
      dependencies: undefined,
      peerDependencies: { '@cstbox/mqtt-core': 'workspace:^' },
      devDependencies: { '@cstbox/mqtt-core': 'workspace:*' },
    });
    expect((await readdir(join(folder, 'src'))).sort()).toEqual([
      'custom-filter.test.ts',
      'custom-filter.ts',
      'index.ts',
    ]);
    // It bundles nothing of others, so it has no licences of theirs to ship.
    expect(await readFile(join(folder, 'tsup.config.ts'), 'utf8')).not.toContain('licences');
  } finally {
    await rm(checkout, { recursive: true });
  }
});
