import { spawnSync } from 'node:child_process';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What a directory and all in it takes from the disk, in bytes: whole blocks, as `du` counts; 0 when it is not there. */
export async function diskUse(path: string): Promise<number> {
  try {
    const { blocks } = await lstat(path);
    const names = await readdir(path).catch(ignore('ENOTDIR', []));
    const parts = await Promise.all(names.map((name) => diskUse(join(path, name))));
    return parts.reduce((sum, part) => sum + part, blocks * 512);
  } catch (error) {
    // A file that the gateway has just deleted.
    return ignore('ENOENT', 0)(error as NodeJS.ErrnoException);
  }
}

/** The kind of file system that a directory lies on, as `df` calls it. */
export function fileSystemOf(path: string): string {
  const { stdout } = spawnSync('df', ['--output=fstype', path], { encoding: 'utf8' });
  return stdout?.split('\n')[1]?.trim() || 'unknown';
}

function ignore<T>(code: string, result: T) {
  return (error: NodeJS.ErrnoException): T => {
    if (error.code === code) return result;
    throw error;
  };
}
