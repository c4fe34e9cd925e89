import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SmallDisk } from './small-disk.js';

it('fills a small disk to the last byte, and frees it', async ({ skip }) => {
  const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-disk-'));
  try {
    await using disk = await SmallDisk.mount(directory);
    if (!disk) return skip('this user may not mount');
    await disk.fill();
    expect((await statfs(directory)).bavail).toBe(0);
    await expect(writeFile(join(directory, 'one'), 'x')).rejects.toThrow('ENOSPC');
    await disk.free();
    await writeFile(join(directory, 'one'), 'x');
  } finally {
    await rm(directory, { recursive: true });
  }
});
