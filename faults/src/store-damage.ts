import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from './random.js';

/**
 * Cuts one file of the store short.
 *
 * @param percent how much of it is kept
 * @returns what was done, or `undefined` when there is nothing to damage
 */
export async function truncateStore(directory: string, percent: number, random: Random): Promise<string | undefined> {
  const file = await pickFile(directory, random);
  if (!file) return undefined;
  const kept = Math.floor((file.size * percent) / 100);
  await truncate(file.path, kept);
  return `${file.name}: ${kept} of ${file.size} bytes kept`;
}

/** Flips so many bits of one file of the store; like {@link truncateStore}. */
export async function flipStore(directory: string, bits: number, random: Random): Promise<string | undefined> {
  const file = await pickFile(directory, random);
  if (!file) return undefined;
  const bytes = await readFile(file.path);
  const places = Array.from({ length: bits }, () => random.integer([0, bytes.length - 1]));
  for (const at of places) bytes[at] = (bytes[at] as number) ^ (1 << random.integer([0, 7]));
  await writeFile(file.path, bytes);
  return `${file.name}: bits flipped in bytes ${places.join(', ')} of ${bytes.length}`;
}

async function pickFile(directory: string, random: Random) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(entry.parentPath, entry.name);
    const { size } = await stat(path);
    if (entry.isFile() && size > 0) files.push({ name: entry.name, path, size });
  }
  return files.length > 0 ? random.pick(files) : undefined;
}
