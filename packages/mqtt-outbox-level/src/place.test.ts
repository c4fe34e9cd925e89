import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it, vi } from 'vitest';
import { encodeState } from './codec.js';
import { temporaryDirectory, Used, until } from './fixture.js';
import { LevelStore } from './store.js';

/** A process of its own with an outbox, from the built package; killed at the end of its scope. */
class Peer implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #reader: Interface;

  private constructor(readonly process: ChildProcessByStdio<null, Readable, null>) {
    this.#reader = createInterface(process.stdout).on('line', (line) => this.lines.push(line));
  }

  /** @param program is run with `outbox` open, and `print` */
  static run(options: object, program: string, limit = 'unlimited'): Peer {
    const source = `
      import { LevelOutbox } from '@cstbox/mqtt-outbox-level';
      const print = (...words) => void process.stdout.write(words.join(' ') + '\\n');
      const outbox = new LevelOutbox(${JSON.stringify(options)});
      const message = (number) => ({ topic: 't', payload: String(number), qos: 1, retain: false, rule: 'r' });
      const listener = { ready() {}, givenUp() {}, kept() {} };
      await outbox.open(listener);
      ${program}`;
    const command = `ulimit -S -f ${limit}; exec "$0" --input-type=module -e "$1"`;
    const child = spawn('bash', ['-c', command, process.execPath, source], {
      cwd: join(import.meta.dirname, '..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return new Peer(child);
  }

  /** The number in the last line that begins with a word. */
  last(word: string): number {
    const line = this.lines.findLast((each) => each.startsWith(`${word} `));
    return line === undefined ? 0 : Number(line.slice(word.length + 1));
  }

  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#reader.once('close', resolve));
    if (this.process.exitCode === null && this.process.kill('SIGKILL')) await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

describe('a process that is killed', () => {
  it.each([1, 2, 3])('has lost nothing that it was given to send, with durability always (%i)', async (round) => {
    await using place = await temporaryDirectory();
    const options = { directory: place.path, durability: 'always' };
    await using peer = Peer.run(
      options,
      `let number = 0;
      setInterval(() => { for (let i = 0; i < 20; i++) outbox.put(message(++number)); print('put', number); }, 2);
      listener.ready = () => {
        for (let entry; (entry = outbox.take()); ) {
          print('given', entry.message.payload);
          if (number % ${round + 1} > 0 && Number(entry.message.payload) <= 1000) { outbox.settle(entry); print('settled', entry.message.payload); }
        }
      };
      outbox.take();`,
    );
    await until(() => peer.last('given') > 500 * round);
    await peer.kill();
    await using after = await Used.open({ directory: place.path });
    expect(after.lines).toEqual([]);
    const numbers = (await after.drain()).map(Number);
    const settled = new Set(
      peer.lines.filter((line) => line.startsWith('settled ')).map((line) => Number(line.slice(8))),
    );
    const missing = range(1, peer.last('given')).filter((number) => !settled.has(number) && !numbers.includes(number));
    expect(missing).toEqual([]);
    expect(numbers).toEqual(range(1, numbers.at(-1) ?? 0).filter((number) => numbers.includes(number)));
    expect(after.outbox.lastSequence).toBeGreaterThanOrEqual(peer.last('put'));
  });

  it.each([1, 2, 3])(
    'has kept the newest of each topic, or one that came after what it was given (%i)',
    async (round) => {
      const topics = 50 * round;
      await using place = await temporaryDirectory();
      await using peer = Peer.run(
        { directory: place.path, durability: 'always' },
        `let number = 0;
      setInterval(() => {
        for (let i = 0; i < 20; i++) outbox.put({ ...message(++number), topic: 't' + (number % ${topics}), latest: number % 7 > 0 });
      }, 2);
      const taken = [];
      listener.ready = () => {
        for (let entry; (entry = outbox.take()); taken.push(entry)) print('given', entry.message.payload);
        for (const entry of taken.splice(0, ${round - 1})) { outbox.settle(entry); print('settled', entry.message.payload); }
      };
      outbox.take();`,
      );
      await until(() => peer.last('given') > 4_000 * round);
      await peer.kill();
      await using after = await Used.open({ directory: place.path });
      expect(after.lines).toEqual([]);
      expect(after.lost('superseded')).toBe(after.lost());
      expect(after.outbox.waiting).toBe(after.keptCount - after.lost());
      const numbers = (await after.drain()).map(Number);
      expect(numbers).toHaveLength(after.keptCount - after.lost());
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      const numbersAfter = (word: string) =>
        peer.lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.slice(word.length + 1)));
      const settled = new Set(numbersAfter('settled'));
      const given = numbersAfter('given');
      const waited = given.filter((number) => !settled.has(number));
      expect(waited.filter((number) => number % 7 === 0 && !numbers.includes(number))).toEqual([]);
      const newest = numbers.filter((number) => number % 7 > 0);
      const newestOn = new Map(newest.map((number) => [number % topics, number]));
      expect(newestOn.size, 'one of each topic').toBe(newest.length);
      expect(waited.filter((number) => number % 7 > 0 && !((newestOn.get(number % topics) ?? 0) >= number))).toEqual(
        [],
      );
    },
  );

  it('has lost nothing that had waited long enough, with durability spill', async () => {
    await using place = await temporaryDirectory();
    const options = { directory: place.path, spillAfterMs: 100 };
    await using peer = Peer.run(
      options,
      `for (let number = 1; number <= 1000; number++) outbox.put(message(number));
      for (let number = 1; number <= 100; number++) outbox.take();
      setTimeout(() => print('waited 1'), 500);
      setInterval(() => {}, 1000);`,
    );
    await until(() => peer.last('waited') === 1);
    await peer.kill();
    await using after = await Used.open({ directory: place.path });
    expect((await after.drain()).map(Number)).toEqual(range(1, 1_000));
  });
});

describe('a place that is taken', () => {
  it('is refused to a second process, and named', async () => {
    await using place = await temporaryDirectory();
    await using peer = Peer.run({ directory: place.path }, `print('open 1'); setInterval(() => {}, 1000);`);
    await until(() => peer.last('open') === 1);
    await expect(Used.open({ directory: place.path })).rejects.toMatchObject({
      code: 'outbox_locked',
      message: expect.stringContaining(place.path),
    });
    await peer.kill();
    await using after = await Used.open({ directory: place.path });
    expect(after.outbox.fault).toBeUndefined();
  });
});

describe('a place that can not be used', () => {
  it.each(['spill', 'always'] as const)('is said once and tried again; %s goes on in memory', async (durability) => {
    await using place = await temporaryDirectory();
    const directory = join(place.path, 'outbox');
    await writeFile(directory, 'in the way');
    await using used = await Used.open({ directory, durability, retryAfterMs: 20, memoryMessages: 100 });
    expect(used.outbox.fault).toContain(directory);
    expect(used.outbox.fault).toContain('move it');
    used.count(1, 110);
    expect(used.lost('outbox_full')).toBe(10);
    expect((await used.drain(50)).map(Number)).toEqual(range(11, 60));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(used.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);

    await rm(directory);
    await until(() => used.outbox.fault === undefined);
    expect(used.lines.at(-1)).toContain('again');
    expect(await used.close()).toBe(0);
    await using after = await Used.open({ directory });
    expect((await after.drain()).map(Number)).toEqual(range(61, 110));
  });

  it('loses what waits when it is closed, and says how much', async () => {
    await using place = await temporaryDirectory();
    await writeFile(join(place.path, 'file'), '');
    await using used = await Used.open({ directory: join(place.path, 'file') });
    used.count(1, 7);
    expect(await used.close()).toBe(7);
  });

  it('gives what it has kept when it comes back, before what came meanwhile', async () => {
    await using place = await temporaryDirectory();
    const directory = join(place.path, 'outbox');
    {
      await using before = await Used.open({ directory });
      before.count(1, 600);
    }
    await rename(directory, join(place.path, 'away'));
    await writeFile(directory, '');
    await using used = await Used.open({ directory, retryAfterMs: 20 });
    expect(used.kept).toEqual([]);
    const first = used.outbox.lastSequence;
    used.count(601, 700);
    expect(await used.drain(1)).toEqual(['601 ']);
    await rm(directory);
    await rename(join(place.path, 'away'), directory);
    await until(() => used.keptLater.length > 0);
    expect(used.keptLater).toEqual([{ rule: 'r', count: 600 }]);
    expect(used.outbox.waiting).toBe(699);
    const entries = [];
    for (let entry = await used.next(); entry; entry = await used.next()) {
      entries.push(entry);
      used.outbox.settle(entry);
    }
    expect(entries.map(({ message }) => Number(message.payload))).toEqual([...range(1, 600), ...range(602, 700)]);
    // They can be told from those of this life.
    expect(entries.filter(({ sequence }) => sequence <= first)).toHaveLength(600);
  });

  it('is full: what is there can be sent, what comes waits in memory, and all is well when there is room', async () => {
    await using place = await temporaryDirectory();
    await using peer = Peer.run(
      { directory: place.path, retryAfterMs: 50, spillAfterMs: 10 },
      `let number = 0;
      const padded = (number) => ({ ...message(number), payload: number + ' ' + Math.random().toString(36).repeat(100) });
      const timer = setInterval(() => {
        for (let i = 0; i < 20 && !outbox.fault; i++) outbox.put(padded(++number));
        if (!outbox.fault) return;
        clearInterval(timer);
        print('fault', outbox.fault);
        for (let i = 0; i < 100; i++) outbox.put(padded(++number));
        print('full', number);
        const again = setInterval(async () => {
          if (outbox.fault) return;
          clearInterval(again);
          print('lost', await outbox.close());
          process.exit();
        }, 10);
      }, 5);`,
      '1024',
    );
    await until(() => peer.last('full') > 0);
    expect(peer.lines.find((line) => line.startsWith('fault'))).toMatch(/a limit on the size of files .*: raise it/);
    execFileSync('prlimit', ['--pid', String(peer.process.pid), '--fsize=unlimited']);
    await until(() => peer.lines.some((line) => line.startsWith('lost')));
    expect(peer.last('lost')).toBe(0);
    await using after = await Used.open({ directory: place.path });
    const numbers = (await after.drain()).map((payload) => Number.parseInt(payload, 10));
    expect(numbers).toEqual(range(1, peer.last('full')));
  });

  it('loses nothing of what it has kept when it is tried again while messages are taken', async () => {
    await using place = await temporaryDirectory();
    {
      await using before = await Used.open({ directory: place.path });
      before.count(1, 3_000);
    }
    await using used = await Used.open({ directory: place.path, spillAfterMs: 10, retryAfterMs: 10 });
    const payloads = await used.drain(1);
    const { close } = LevelStore.prototype;
    const full = vi.spyOn(LevelStore.prototype, 'write').mockRejectedValue(new Error('No space left on device'));
    const closed = vi.spyOn(LevelStore.prototype, 'close').mockImplementation(async function (this: LevelStore) {
      const closing = close.call(this);
      for (let entry = used.outbox.take(); entry; entry = used.outbox.take()) {
        payloads.push(entry.message.payload as string);
        used.outbox.settle(entry);
      }
      await closing;
    });
    try {
      used.count(3_001, 3_001);
      await until(() => closed.mock.calls.length > 1);
    } finally {
      full.mockRestore();
      closed.mockRestore();
    }
    expect([...payloads, ...(await used.drain())].map(Number)).toEqual(range(1, 3_001));
    expect(used.losses).toEqual([]);
  });

  it('holds messages of a later version: it is left alone, and said', async () => {
    await using place = await temporaryDirectory();
    {
      await using before = await Used.open({ directory: place.path });
      before.count(1, 5);
    }
    const db = new ClassicLevel<string, Buffer>(join(place.path, 'store'), { valueEncoding: 'buffer' });
    await db.put('state', encodeState({ format: 3 }));
    await db.close();
    await using used = await Used.open({ directory: place.path });
    expect(used.outbox.fault).toMatch(/later version \(format 3, this one knows 2\)/);
    used.count(6, 7);
    expect((await used.drain()).map(Number)).toEqual([6, 7]);
  });
});

describe('a store that is beyond repair', () => {
  it('is set aside, and the loss is counted', async () => {
    await using place = await temporaryDirectory();
    {
      await using before = await Used.open({ directory: place.path });
      before.count(1, 500);
    }
    const store = join(place.path, 'store');
    // LevelDB can neither read nor replace a file that is a directory.
    await rm(join(store, 'CURRENT'));
    await mkdir(join(store, 'CURRENT'));
    await using used = await Used.open({ directory: place.path });
    await until(() => used.outbox.fault === undefined);
    expect(used.keptCount).toBe(500);
    expect(used.lost('outbox_damaged')).toBe(500);
    expect(used.lines.filter((line) => line.startsWith('error')).join()).toMatch(/500 .*lost.*damaged-/s);
    used.count(501, 510);
    expect((await used.drain()).map(Number)).toEqual(range(501, 510));
  });
});
