import assert from 'node:assert/strict';
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeptMessages, Logger, OutboxEntry, OutboxLoss } from '@cstbox/mqtt-core';
import { LevelOutbox, type LevelOutboxOptions } from './level-outbox.js';

/** A directory for a test, removed at the end of its scope. */
export async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'mqttgwd-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** An outbox that is used as a gateway uses it, and what it said. Closed at the end of its scope. */
export class Used {
  readonly losses: [OutboxLoss, number, string | undefined][] = [];
  readonly keptLater: KeptMessages[] = [];
  readonly lines: string[] = [];
  kept: readonly KeptMessages[] = [];
  readonly outbox: LevelOutbox;
  #ready: () => void = () => {};
  #closed = false;

  private constructor(options: LevelOutboxOptions) {
    const say =
      (level: string) =>
      (line: string): void =>
        void this.lines.push(`${level}: ${line}`);
    const logger: Logger = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') };
    this.outbox = new LevelOutbox({ logger, ...options });
  }

  static async open(options: LevelOutboxOptions): Promise<Used> {
    const used = new Used(options);
    used.kept = await used.outbox.open({
      ready: () => used.#ready(),
      givenUp: (reason, count, rule) => void used.losses.push([reason, count, rule]),
      kept: (messages) => void used.keptLater.push(...messages),
    });
    return used;
  }

  put(...payloads: string[]): void {
    for (const payload of payloads) this.outbox.put({ topic: 't', payload, qos: 1, retain: false, rule: 'r' });
  }

  /** Puts messages of which only the newest is wanted. */
  putLatest(topic: string, ...payloads: string[]): void {
    for (const payload of payloads) {
      this.outbox.put({ topic, payload, qos: 1, retain: false, rule: 'latest', latest: true });
    }
  }

  /** Puts the numbers from one up to another, as payloads that are padded with noise. */
  count(from: number, to: number, size = 0): void {
    for (let number = from; number <= to; number++) this.put(numbered(number, size));
  }

  /** The next message, as soon as the outbox has it at hand; `undefined` when none is left. */
  async next(): Promise<OutboxEntry | undefined> {
    for (;;) {
      const entry = this.outbox.take();
      if (entry) return entry;
      if (this.outbox.waiting === 0) return undefined;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`nothing came, ${this.outbox.waiting} wait; ${this.outbox.fault}`)),
          10_000,
        );
        this.#ready = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Takes and settles so many messages, or all. Returns their payloads, which came in order. */
  async drain(count = Number.POSITIVE_INFINITY): Promise<string[]> {
    const payloads: string[] = [];
    let last = 0;
    while (payloads.length < count) {
      const entry = await this.next();
      if (!entry) break;
      assert.ok(entry.sequence > last, `${entry.sequence} came after ${last}`);
      last = entry.sequence;
      payloads.push(entry.message.payload as string);
      this.outbox.settle(entry);
    }
    return payloads;
  }

  lost(reason?: OutboxLoss): number {
    return this.losses.reduce((sum, [each, count]) => (reason === undefined || each === reason ? sum + count : sum), 0);
  }

  get keptCount(): number {
    return this.kept.reduce((sum, { count }) => sum + count, 0);
  }

  async close(): Promise<number> {
    this.#closed = true;
    return this.outbox.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await this.outbox.close();
  }
}

/** A text that begins with the number, and goes on with noise that follows from it, so that a change of it is seen. */
export function numbered(number: number, size: number): string {
  let text = `${number} `;
  for (let state = number; text.length < size; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(36);
  }
  return text;
}

/** What the files in a directory take from the disk, in KiB. A store deletes files while somebody looks. */
export async function diskUse(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const blocks = await Promise.all(
    names.map((name) =>
      lstat(join(directory, name)).then(
        (file) => (file.isFile() ? file.blocks : 0),
        () => 0,
      ),
    ),
  );
  return blocks.reduce((sum, count) => sum + count, 0) / 2;
}

/** Resolves as soon as something holds. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; !(await holds()); ) {
    assert.ok(performance.now() < end, `still not so: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
