import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diskUse, fileSystemOf } from './disk-use.js';

it('counts what files take from the disk, in folders too', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-bench-test-'));
  try {
    const empty = await diskUse(directory);
    await mkdir(join(directory, 'a/b'), { recursive: true });
    await writeFile(join(directory, 'a/b/c'), randomBytes(1_000_000), { flush: true });
    await writeFile(join(directory, 'd'), randomBytes(100_000), { flush: true });
    const used = (await diskUse(directory)) - empty;
    expect(used).toBeGreaterThanOrEqual(1_100_000);
    expect(used).toBeLessThan(1_200_000);
  } finally {
    await rm(directory, { recursive: true });
  }
});

it('finds nothing where nothing is', async () => {
  expect(await diskUse('/nowhere/at/all')).toBe(0);
});

it('knows what lies under a directory', () => {
  expect(fileSystemOf('/proc')).toBe('proc');
});
