import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeState, encodeState } from './codec.js';
import type { StoreState } from './store.js';

/** What was true of a store, told from outside it: LevelDB may open with fewer records than it had and say nothing. */
export interface Witness {
  readonly state: StoreState;
  /** LevelDB's list of its files, by name and size: it only grows. */
  readonly manifest: string;
  readonly manifestSize: number;
}

const FILE = 'witness';

/** Writes down what is true of the store. */
export async function writeWitness(directory: string, store: string, state: StoreState): Promise<void> {
  const manifest = await currentManifest(store);
  const { size } = await stat(join(store, manifest));
  const witness: Witness = { state, manifest, manifestSize: size };
  const file = join(directory, FILE);
  // Not synced: after a power cut it may be missing or old, which costs no more than the second opinion.
  await writeFile(`${file}.new`, encodeState(witness));
  await rename(`${file}.new`, file);
}

/** `undefined` when there is none, or it is damaged. */
export async function readWitness(directory: string): Promise<Witness | undefined> {
  const value = await readFile(join(directory, FILE)).catch(() => undefined);
  return value && (decodeState(value) as Witness | undefined);
}

/**
 * Whether LevelDB would lose records by opening a store: it deletes files that its list does not name, and where the list is
 * gone or its end is cut off, it takes the store for a new or an older one.
 */
export async function isTreacherous(store: string, files: readonly string[], witness?: Witness): Promise<boolean> {
  const manifest = await currentManifest(store).catch(() => undefined);
  const size = await stat(join(store, manifest ?? 'CURRENT')).then(
    ({ size }) => size,
    () => undefined,
  );
  if (manifest === undefined || size === undefined) return files.some((file) => /\.(ldb|sst|log)$/.test(file));
  return witness?.manifest === manifest && size < witness.manifestSize;
}

async function currentManifest(store: string): Promise<string> {
  const name = (await readFile(join(store, 'CURRENT'), 'utf8')).trim();
  if (!/^MANIFEST-\d+$/.test(name)) throw new Error(`CURRENT names no manifest`);
  return name;
}
