import { cp, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutboxEntry } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numbered, temporaryDirectory, Used, until } from './fixture.js';

const MESSAGES = 4_000;
const SIZE = 150;

/** A store with tables, a log, a list of files, and some messages that are settled. */
async function makeStore(directory: string): Promise<{ settled: number }> {
  const step = MESSAGES / 4;
  for (let from = 1; from <= MESSAGES; from += step) {
    await using used = await Used.open({ directory });
    used.count(from, from + step - 1, SIZE);
    // What is settled and closed moves the files on.
    if (from > step) await used.drain(100);
  }
  return { settled: 300 };
}

/** A store of which more than half is superseded: before it was written, when it was, and in files that lie still. */
async function makeSupersedingStore(directory: string): Promise<void> {
  for (let life = 0; life < 4; life++) {
    await using used = await Used.open({ directory });
    for (let number = 1; number <= 1_000; number++) {
      if (number % 3 === 0) used.put(numbered(life * 1_000 + number, SIZE));
      else used.putLatest(`t${(number * number) % 400}`, numbered(life * 1_000 + number, SIZE));
    }
  }
}

/** The files of one kind. `.log` and so on. */
async function filesOf(directory: string, kind: string): Promise<string[]> {
  const files = await readdir(join(directory, 'store'));
  const found = files.filter((file) => file.includes(kind)).map((file) => join(directory, 'store', file));
  return kind === 'witness' ? [join(directory, 'witness')] : found;
}

async function flip(file: string, place: number, bit: number): Promise<void> {
  const handle = await open(file, 'r+');
  const { size } = await handle.stat();
  if (size > 0) {
    const byte = Buffer.alloc(1);
    const position = Math.floor(place * size);
    await handle.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ (1 << bit);
    await handle.write(byte, 0, 1, position);
  }
  await handle.close();
}

describe('a damaged store', () => {
  it.each(['.log', '.ldb', 'MANIFEST', 'CURRENT', 'witness'])(
    'whose %s is damaged costs no more than the damaged records, and each loss is counted',
    { timeout: 60_000 },
    async (kind) => {
      await using place = await temporaryDirectory();
      const original = join(place.path, 'original');
      const { settled } = await makeStore(original);
      let counter = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('truncate', 'flip', 'zero', 'remove'),
          fc.double({ min: 0, max: 0.9999, noNaN: true }),
          fc.nat(7),
          fc.nat(),
          async (how, where, bit, which) => {
            const directory = join(place.path, String(counter++));
            await cp(original, directory, { recursive: true });
            const files = await filesOf(directory, kind);
            const file = files[which % files.length] as string;
            if (how === 'truncate') await truncate(file, Math.floor(where * (await stat(file)).size));
            else if (how === 'flip') await flip(file, where, bit);
            else if (how === 'zero') await writeFile(file, Buffer.alloc((await stat(file)).size));
            else await rm(file);

            await using used = await Used.open({ directory });
            await until(() => used.outbox.fault === undefined);
            const given = await used.drain();
            const numbers = given.map((payload) => Number.parseInt(payload, 10));
            expect(given).toEqual(numbers.map((number) => numbered(number, SIZE)));
            // Without the witness, what LevelDB has forgotten can't be known.
            expect(used.keptCount).toBeGreaterThanOrEqual(MESSAGES - settled);
            expect(given.length + used.lost()).toBe(used.keptCount);
            // What was settled may come again, nothing else may be missing.
            const again = numbers.filter((number) => number <= settled).length;
            expect(given.length - again + used.lost('outbox_damaged')).toBeGreaterThanOrEqual(MESSAGES - settled);
            // It goes on as if nothing had been.
            used.count(MESSAGES + 1, MESSAGES + 10);
            expect(await used.close()).toBe(0);
            await using after = await Used.open({ directory });
            expect((await after.drain()).length).toBe(10);
            expect(after.lost(), JSON.stringify([after.lines, used.lines, used.losses, after.kept])).toBe(0);
          },
        ),
        { numRuns: 15 },
      );
    },
  );

  it.each(['.log', '.ldb', 'MANIFEST'])(
    'whose %s is damaged counts what was superseded as superseded, and what is lost as lost',
    { timeout: 60_000 },
    async (kind) => {
      await using place = await temporaryDirectory();
      const original = join(place.path, 'original');
      await makeSupersedingStore(original);
      await using whole = await Used.open({ directory: original });
      const waiting = whole.outbox.waiting;
      expect([whole.keptCount, whole.losses]).toEqual([waiting, []]);
      await whole.close();
      let counter = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.double({ min: 0, max: 0.9999, noNaN: true }),
          fc.nat(7),
          fc.nat(),
          async (where, bit, which) => {
            const directory = join(place.path, String(counter++));
            await cp(original, directory, { recursive: true });
            const files = await filesOf(directory, kind);
            await flip(files[which % files.length] as string, where, bit);
            await using used = await Used.open({ directory });
            await until(() => used.outbox.fault === undefined);
            expect(used.keptCount).toBeGreaterThanOrEqual(waiting);
            const entries: OutboxEntry[] = [];
            for (let entry = await used.next(); entry; entry = await used.next()) {
              entries.push(entry);
              used.outbox.settle(entry);
            }
            expect(used.lost('superseded') + used.lost('outbox_damaged')).toBe(used.lost());
            expect(entries.length + used.lost()).toBe(used.keptCount);
            // An older one may come where the newest is lost, and never both.
            const topics = entries.flatMap(({ message }) => (message.latest ? [message.topic] : []));
            expect(new Set(topics).size).toBe(topics.length);
          },
        ),
        { numRuns: 15 },
      );
    },
  );
});
