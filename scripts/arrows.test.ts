import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Whether the linter forbids an import in a file of the package. */
function isForbidden(directory: string, specifier: string): boolean {
  const root = mkdtempSync(join(tmpdir(), 'mqttgwd-test-'));
  try {
    const { overrides } = JSON.parse(readFileSync('biome.json', 'utf8')) as { overrides: unknown };
    writeFileSync(join(root, 'biome.json'), JSON.stringify({ overrides }));
    mkdirSync(join(root, directory, 'src'), { recursive: true });
    writeFileSync(join(root, directory, 'src/probe.ts'), `import '${specifier}';\n`);
    const { stdout, stderr } = spawnSync(resolve('node_modules/.bin/biome'), ['lint', '.'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stdout + stderr).toContain('Checked 2 files');
    return (stdout + stderr).includes('noRestrictedImports');
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe('the arrows between the packages are enforced', () => {
  it.each([
    ['packages/mqtt-core', '@cstbox/dbus-bus'],
    ['packages/mqtt-core', '@cstbox/mqtt-filters-re'],
    ['packages/mqtt-core', 'dbus-next'],
    ['packages/mqtt-core', 'node:fs'],
    ['packages/mqtt-core', 'node:child_process'],
    ['packages/mqtt-filters-re', '@cstbox/dbus-bus'],
    ['packages/mqtt-filters-re', 'mqtt'],
    ['packages/mqtt-filters-re', 'node:fs'],
    ['packages/mqtt-filters-some-other', '@cstbox/mqttgwd'],
    ['packages/mqtt-core', 'classic-level'],
    ['packages/mqtt-outbox-level', '@cstbox/dbus-bus'],
    ['packages/mqtt-outbox-level', 'mqtt'],
    ['packages/mqtt-outbox-level', 'node:child_process'],
    ['packages/dbus-bus', '@cstbox/mqtt-filters-re'],
    ['packages/dbus-bus', 'mqtt'],
    ['apps/mqttgwd', 'dbus-next'],
    ['apps/mqttgwd', '@cstbox/mqtt-filters-re'],
  ])('%s can not import %s', (directory, specifier) => {
    expect(isForbidden(directory, specifier)).toBe(true);
  });

  it.each([
    ['packages/mqtt-core', 'mqtt'],
    ['packages/mqtt-core', './errors.js'],
    ['packages/mqtt-filters-re', '@cstbox/mqtt-core'],
    ['packages/mqtt-outbox-level', '@cstbox/mqtt-core'],
    ['packages/mqtt-outbox-level', 'classic-level'],
    ['packages/dbus-bus', '@cstbox/mqtt-core'],
    ['packages/dbus-bus', 'dbus-next/lib/message.js'],
    ['apps/mqttgwd', '@cstbox/dbus-bus'],
  ])('%s can import %s', (directory, specifier) => {
    expect(isForbidden(directory, specifier)).toBe(false);
  });
});
