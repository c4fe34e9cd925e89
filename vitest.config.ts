import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Tests and type checks read the sources of sibling packages: nothing is stale, and nothing needs a build. What runs as
// a process of its own (the daemon, the examples) is built first: `pnpm test` does.
const resolve = { conditions: ['@cstbox/source', 'module', 'node', 'development|production'] };

const childrenOf = (folder: string) => readdirSync(join(import.meta.dirname, folder)).map((name) => join(folder, name));
const filesIn = (folder: string) =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];

/** Every package that has tests, by the name of its folder: a new one needs no word here. */
const packages = [...childrenOf('packages'), ...childrenOf('apps'), 'examples', 'bench', 'faults'].filter((folder) =>
  filesIn(join(import.meta.dirname, folder, 'src')).some((file) => file.endsWith('.test.ts')),
);

const project = (folder: string) => ({
  resolve,
  ssr: { resolve },
  test: {
    name: basename(folder),
    root: folder,
    include: ['src/**/*.test.ts'],
    testTimeout: 60_000,
    // The fault suite breaks things by the clock, and its bounds are those of a machine that has time for them: it runs when
    // the others are done, alone.
    ...(folder === 'faults' && { maxWorkers: 1, sequence: { groupOrder: 1 } }),
  },
});

export default defineConfig({
  test: {
    // Most of the tests' time is waiting for peers: as many files as cores at a time, and not one fewer, as would be the default.
    maxWorkers: Math.max(2, availableParallelism()),
    globalSetup: 'scripts/announce-missing-peers.mjs',
    reporters: ['default', './scripts/summary-reporter.mjs'],
    projects: [
      ...packages.map(project),
      { resolve, ssr: { resolve }, test: { name: 'repository', include: ['scripts/*.test.ts'] } },
    ],
  },
});
