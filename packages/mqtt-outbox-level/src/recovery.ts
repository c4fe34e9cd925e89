import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@cstbox/mqtt-core';
import { isDamage, NewerFormatError, wholeStory } from './place-fault.js';
import { FORMAT, LevelStore, type StoreContent, type StoreState } from './store.js';
import { isTreacherous, readWitness, type Witness } from './witness.js';

/** A store that is ready for use, with what it holds. */
export interface OpenedStore extends StoreContent {
  readonly store: LevelStore;
  readonly path: string;
  readonly state: StoreState;
  /** How many messages it should hold. */
  readonly expected: number;
  /** How many of them are not there. */
  readonly missing: number;
}

/**
 * Opens the store in a directory, and makes it if there is none. One that is damaged is repaired, and set aside for a new one
 * where that does not help. Rejects when the place is at fault, when somebody else has it, or with a {@link NewerFormatError}.
 *
 * @param damaged it is known to be damaged though it can be opened
 */
export async function openStore(directory: string, logger: Logger, damaged: boolean): Promise<OpenedStore> {
  const path = join(directory, 'store');
  await mkdir(path, { recursive: true, mode: 0o700 });
  const witness = await readWitness(directory);
  if (await isTreacherous(path, await readdir(path), witness)) {
    logger.warn(`the list of files of the messages in ${path} is damaged: repairing`);
    await LevelStore.repair(path).catch((error) => rethrowUnlessDamage(error));
  }
  try {
    if (!damaged) return told(await inspect(path, witness), logger);
  } catch (error) {
    rethrowUnlessDamage(error);
    logger.warn(`the messages in ${path} are damaged: repairing (${wholeStory(error)})`);
  }
  try {
    await LevelStore.repair(path);
    return told(await inspect(path, witness), logger);
  } catch (error) {
    rethrowUnlessDamage(error);
    const place = await setAside(directory, path);
    logger.error(
      `the messages in ${path} can't be read or repaired (${wholeStory(error)}): ` +
        `${witness?.state.waiting ?? 'an unknown number of'} messages are lost; ` +
        `what is left of them was moved to ${place}, remove it when it is of no more use`,
    );
    await mkdir(path, { recursive: true, mode: 0o700 });
    const opened = await inspect(path, witness);
    // The last number that was given may be unknown; the clock is ahead of what any traffic can count up to.
    return { ...opened, state: { ...opened.state, ceiling: Math.max(opened.state.ceiling, Date.now() * 1_000) } };
  }
}

/** Says what is missing. */
function told(opened: OpenedStore, logger: Logger): OpenedStore {
  const { missing, expected, path } = opened;
  if (missing > 0) {
    logger.error(`${missing} of ${expected} messages that were kept in ${path} are damaged or missing, and lost`);
  }
  return opened;
}

async function inspect(path: string, witness: Witness | undefined): Promise<OpenedStore> {
  const store = await LevelStore.open(path);
  try {
    const content = await store.content();
    const { format = FORMAT.empty } = content.state ?? {};
    if (format > FORMAT.known) {
      throw new NewerFormatError(
        `the messages in ${path} were kept by a later version (format ${format}, this one knows ${FORMAT.known}): ` +
          `install that version again, or choose another directory`,
      );
    }
    return { store, path, ...(await account(store, content, witness)) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Compares what is there with what should be. */
async function account(
  store: LevelStore,
  content: StoreContent,
  witness: Witness | undefined,
): Promise<Omit<OpenedStore, 'store' | 'path'>> {
  const states = [content.state, witness?.state].filter((state) => state !== undefined);
  // The witness is written after the store: when it knows of a later write, the store has gone back in time.
  const latest = states.reduce<StoreState | undefined>(
    (a, b) => (a && a.generation >= b.generation ? a : b),
    undefined,
  );
  let { batches } = content;
  let junk = content.junk;
  const expected = latest?.waiting ?? 0;
  if (latest && latest !== content.state) {
    const stale = batches.filter(({ first }) => first < latest.oldest);
    const straddling = await Promise.all(stale.slice(-1).map(({ first }) => store.reconstruct(first, latest.oldest)));
    batches = [...straddling.filter((batch) => batch !== undefined), ...batches.slice(stale.length)];
    junk = [...junk, ...stale.map(({ first }) => first)];
  }
  if (total(batches) < expected) {
    const orphans = await store.orphans([...batches.map(({ first }) => first), ...junk]);
    const all = [...batches, ...orphans].sort((a, b) => a.first - b.first);
    batches = all.filter((batch, index) => {
      const before = all[index - 1];
      return !before || before.first + before.summary.slots <= batch.first;
    });
  }
  const used = new Set(batches.map(({ first }) => first));
  junk = junk.filter((first) => !used.has(first));
  const missing = Math.max(0, expected - total(batches));
  const last = batches.at(-1);
  const ceiling = Math.max(0, last ? last.first + last.summary.slots - 1 : 0, ...states.map((state) => state.ceiling));
  const generation = latest?.generation ?? 0;
  // Of data that no state speaks of, the layout is not known.
  const format = latest?.format ?? (batches.length > 0 ? FORMAT.known : FORMAT.empty);
  return {
    batches,
    junk,
    expected,
    missing,
    state: {
      format,
      generation,
      waiting: total(batches),
      oldest: batches[0]?.first ?? ceiling + 1,
      since: latest?.since,
      ceiling,
    },
  };
}

function total(batches: StoreContent['batches']): number {
  return batches.reduce((sum, { summary }) => sum + summary.waiting, 0);
}

/** A store is not touched for an error that says nothing of it. */
function rethrowUnlessDamage(error: unknown): void {
  if (!isDamage(error)) throw error;
}

/** Moves a store out of the way. Only the last one is kept: a box that nobody visits must not fill up with them. */
async function setAside(directory: string, path: string): Promise<string> {
  for (const name of await readdir(directory)) {
    if (name.startsWith('damaged-')) await rm(join(directory, name), { recursive: true, force: true });
  }
  const place = join(directory, `damaged-${new Date().toISOString().replaceAll(':', '-')}`);
  await rename(path, place);
  return place;
}
