import { promises } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { workplace } from '../../test/daemon.js';
import { RecordingFiles, type RecordingFilesOptions } from './recording-files.js';

afterEach(() => void vi.restoreAllMocks());

async function open(options: Partial<RecordingFilesOptions> = {}) {
  const place = await workplace();
  const said: string[] = [];
  const log = (line: string) => void said.push(line);
  const files = await RecordingFiles.create({
    path: join(place.directory, 'r'),
    maxBytes: 100,
    files: 3,
    header: (part) => `header ${part}\n`,
    missed: (count) => `missed ${count}\n`,
    logger: { debug: log, info: log, warn: log, error: log },
    ...options,
  });
  const read = async () => {
    const names = (await readdir(place.directory)).sort();
    return Promise.all(names.map(async (name) => `${name}: ${await readFile(join(place.directory, name), 'utf8')}`));
  };
  return {
    place,
    files,
    said,
    read,
    async [Symbol.asyncDispose]() {
      await files.close();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** From now on, the disk takes nothing, until the returned function is called. */
async function fillDisk(path: string): Promise<() => void> {
  const file = await promises.open(path, 'r');
  const prototype = Object.getPrototypeOf(file) as promises.FileHandle;
  await file.close();
  const write = vi.spyOn(prototype, 'write').mockRejectedValue(new Error('ENOSPC: no space left on device'));
  return () => write.mockRestore();
}

describe('the files of a recording', () => {
  it('have a header each, a bound, and only the newest are kept', async () => {
    await using recording = await open();
    for (let n = 0; n < 20; n++) recording.files.write(`${String(n).padStart(29, '.')}\n`);
    await recording.files.close();
    const files = await recording.read();
    expect(files.map((file) => file.slice(0, 14))).toEqual(['r.4: header 4\n', 'r.5: header 5\n', 'r.6: header 6\n']);
    for (const file of files) expect(file.length).toBeLessThanOrEqual('r.4: '.length + 100);
    expect(files.join('')).toContain('.19\n');
    expect(recording.files.counts).toMatchObject({ removed: 4, missed: 0 });
    expect(recording.files.counts.files.map((path) => path.slice(-3))).toEqual(['r.4', 'r.5', 'r.6']);
    const { mode } = await stat(recording.files.counts.files[0] as string);
    expect(mode & 0o777).toBe(0o600);
  });

  it('are never those of somebody else', async () => {
    await using recording = await open();
    await recording.place.file('r.1', 'mine');
    for (let n = 0; n < 3; n++) recording.files.write(`${'x'.repeat(60)}\n`);
    await recording.files.close();
    expect((await recording.read()).map((file) => file.slice(0, 9))).toEqual([
      'r: header',
      'r.1: mine',
      'r.2: head',
      'r.3: head',
    ]);
    const again = RecordingFiles.create({
      ...({} as RecordingFilesOptions),
      maxBytes: 100,
      header: () => '',
      path: join(recording.place.directory, 'r'),
    });
    await expect(again).rejects.toThrow('is there already, and stays as it is: name another file');
  });

  it('go on when a full disk has room again, and say how much is missing', async () => {
    await using recording = await open({ maxBytes: 10_000 });
    recording.files.write('first\n');
    await vi.waitFor(async () => expect((await recording.read())[0]).toContain('first'));
    const makeRoom = await fillDisk(join(recording.place.directory, 'r'));
    recording.files.write('lost\n');
    await vi.waitFor(() => expect(recording.files.counts.missed).toBe(1));
    makeRoom();
    recording.files.write('last\n');
    await recording.files.close();
    expect(recording.files.counts.missed).toBe(1);
    expect(await recording.read()).toEqual(['r: header 0\nfirst\nmissed 1\nlast\n']);
    expect(recording.said[0]).toContain('ENOSPC: no space left on device; what comes is counted as missed');
  });

  it('count what a disk that fails at the end does not take', async () => {
    await using recording = await open();
    await fillDisk(join(recording.place.directory, 'r'));
    for (let n = 0; n < 5; n++) recording.files.write(`${n}\n`);
    await recording.files.close();
    expect(recording.files.counts.missed).toBe(5);
  });

  it('count them however many there are', async () => {
    await using recording = await open({ maxBytes: 1e9 });
    await fillDisk(join(recording.place.directory, 'r'));
    for (let n = 0; n < 300_000; n++) recording.files.write('x\n');
    await recording.files.close();
    expect(recording.files.counts.missed).toBe(300_000);
  });

  it('have their bound in bytes, the header included', async () => {
    const header = () => `${'h'.repeat(48)}\n`;
    await using recording = await open({ header });
    for (let n = 0; n < 4; n++) recording.files.write(`${'é'.repeat(20)}\n`);
    // By its characters it would fit, and so it would without the header.
    recording.files.write(`${'é'.repeat(26)}\n`);
    await recording.files.close();
    for (const path of recording.files.counts.files) expect((await stat(path)).size).toBeLessThanOrEqual(100);
    expect(recording.files.counts.missed).toBe(1);
    const narrow = open({ header, maxBytes: 40 });
    await expect(narrow).rejects.toThrow('the header alone, which names channels and topics, takes 49 bytes');
  });

  it('are gone when the recording never began', async () => {
    await using recording = await open();
    await recording.files.discard();
    expect(await recording.read()).toEqual([]);
  });

  it('hold a bounded part of what waits for a slow disk in memory', async () => {
    await using recording = await open({ maxBytes: 1e9 });
    const line = `${'x'.repeat(1_000_000)}\n`;
    // All in one turn of the event loop: no disk is faster.
    for (let n = 0; n < 40; n++) recording.files.write(line);
    await recording.files.close();
    expect(recording.files.counts.missed).toBeGreaterThan(20);
    const [text = ''] = await recording.read();
    expect(text.endsWith(`missed ${recording.files.counts.missed}\n`)).toBe(true);
  });
});
