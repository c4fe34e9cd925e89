import { defineConfig } from 'vitest/config';

// Tests and type checks read the sources of sibling packages: nothing is stale, and nothing needs a build. What runs as
// a process of its own (the daemon, the examples) is built first: `pnpm test` does.
const resolve = { conditions: ['@cstbox/source', 'module', 'node', 'development|production'] };

const project = (name: string, root: string) => ({
  resolve,
  ssr: { resolve },
  test: { name, root, include: ['src/**/*.test.ts'], testTimeout: 20_000 },
});

export default defineConfig({
  test: {
    globalSetup: 'scripts/announce-missing-peers.mjs',
    reporters: ['default', './scripts/summary-reporter.mjs'],
    projects: [
      project('mqtt-core', 'packages/mqtt-core'),
      project('dbus-bus', 'packages/dbus-bus'),
      project('mqtt-filters-re', 'packages/mqtt-filters-re'),
      project('mqttgwd', 'apps/mqttgwd'),
      project('examples', 'examples'),
      project('bench', 'bench'),
      { resolve, ssr: { resolve }, test: { name: 'repository', include: ['scripts/*.test.ts'] } },
    ],
  },
});
