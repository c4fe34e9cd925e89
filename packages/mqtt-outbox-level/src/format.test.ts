import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutboundMessage } from '@cstbox/mqtt-core';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeData, decodeIndex, decodeState, encodeData, encodeIndex, layoutOf } from './codec.js';
import { temporaryDirectory, Used } from './fixture.js';
import { Segment } from './segment.js';

/** What the version that knew layout 1 only had on disk after four messages, of which the second was settled. */
const FORMER_STORE = {
  'd:0000000000000001':
    'P1krOgEEAQUAAABieXRlcwEEAAAAZ29uZQABAAAAAAQA6IKP18BoDgAEAAAAYS/DvAMAAAAA/4ABAgEBBAAAAGdvbmUBAAAAeAIAAAIAAAAAAAAA' +
    'AAMAAQMEAAAAdGV4dBIAAADlj7DmiYAg8J+RqeKAjfCfmoA=',
  'i:0000000000000001': 'I9IckgG/sq3RAwQDEuqCj9fAaAMBBQAAAGJ5dGVzAQABAQAAAAABAQAAAAI=',
  state: '73TelXsiZm9ybWF0IjoxLCJnZW5lcmF0aW9uIjo0LCJ3YWl0aW5nIjozLCJvbGRlc3QiOjEsImNlaWxpbmciOjR9',
};

const FORMER_MESSAGES: OutboundMessage[] = [
  { topic: 'a/ü', payload: Uint8Array.from([0, 255, 128]), qos: 2, retain: true, rule: 'bytes' },
  { topic: '', payload: '', qos: 0, retain: false, rule: undefined },
  { topic: 'text', payload: '台所 👩‍🚀', qos: 1, retain: false, rule: '' },
];

async function inStore<T>(directory: string, use: (db: ClassicLevel<string, Buffer>) => Promise<T>): Promise<T> {
  const db = new ClassicLevel<string, Buffer>(join(directory, 'store'), { valueEncoding: 'buffer' });
  await db.open();
  try {
    return await use(db);
  } finally {
    await db.close();
  }
}

/** The messages that an outbox gives, not settled. */
async function messagesOf(used: Used, count: number): Promise<(OutboundMessage | undefined)[]> {
  const messages = [];
  while (messages.length < count) messages.push((await used.next())?.message);
  return messages;
}

describe('a store of the version before user properties', () => {
  it('is opened, and what it has kept is given as it was put', async () => {
    await using place = await temporaryDirectory();
    await mkdir(join(place.path, 'store'));
    await inStore(place.path, async (db) => {
      for (const [key, value] of Object.entries(FORMER_STORE)) await db.put(key, Buffer.from(value, 'base64'));
    });
    await using used = await Used.open({ directory: place.path });
    expect(used.kept).toEqual([
      { rule: 'bytes', count: 1 },
      { rule: undefined, count: 1 },
      { rule: '', count: 1 },
    ]);
    expect(await messagesOf(used, 3)).toEqual(FORMER_MESSAGES);
    expect([used.losses, used.lines]).toEqual([[], []]);
    expect(used.outbox.lastSequence).toBe(4);
  });

  it('could go on with a store that this one has written without them: the bytes are the same', () => {
    const data = Buffer.from(FORMER_STORE['d:0000000000000001'], 'base64');
    const segment = new Segment(1);
    for (const { since, message } of decodeData(1, data) ?? []) segment.add(message, 0, since);
    const entries = [...segment.live()];
    expect(entries).toHaveLength(4);
    expect(layoutOf(entries)).toBe(1);
    expect(encodeData(1, entries, 1)).toEqual(data);
    const index = Buffer.from(FORMER_STORE['i:0000000000000001'], 'base64');
    const entry = decodeIndex(1, index);
    expect(entry).toMatchObject({ wasted: 0, summary: { latest: 0, waiting: 3 } });
    expect(entry && encodeIndex(1, entry)).toEqual(index);
  });

  it('has no say on what was superseded, which the index tells besides', () => {
    const entry = decodeIndex(1, Buffer.from(FORMER_STORE['i:0000000000000001'], 'base64'));
    assert.ok(entry);
    const counted = { ...entry, wasted: 3_000_000, summary: { ...entry.summary, latest: 2 } };
    expect(decodeIndex(1, encodeIndex(1, counted))).toEqual(counted);
  });
});

describe('what a message says of itself', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 });
  const message = fc.record(
    {
      topic: text,
      payload: fc.oneof(text, fc.uint8Array()),
      qos: fc.constantFrom<OutboundMessage['qos'][]>(0, 1, 2),
      retain: fc.boolean(),
      rule: fc.option(text, { nil: undefined }),
      userProperties: fc.dictionary(fc.oneof(text, fc.constant('__proto__')), text, {
        maxKeys: 4,
        noNullPrototype: true,
      }),
      expiresAt: fc.oneof(
        fc.integer(),
        fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
        fc.constant(Date.now() + 60_000),
      ),
      latest: fc.boolean(),
    },
    { requiredKeys: ['topic', 'payload', 'qos', 'retain'] },
  );
  const completed = (each: OutboundMessage) => ({
    ...{ rule: undefined, userProperties: undefined, expiresAt: undefined, latest: false },
    ...each,
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), fc.nat(2 ** 51), (messages, now) => {
        const segment = new Segment(7);
        for (const each of messages) segment.add(each, 0, now);
        const entries = [...segment.live()];
        const records = decodeData(7, encodeData(7, entries, layoutOf(entries)));
        expect(records?.map(({ message: each }) => completed(each))).toEqual(messages.map(completed));
        expect(records?.every(({ since }) => since === now)).toBe(true);
      }),
    );
  });

  it('outlives the process, and one that expires never may say so', async () => {
    await using place = await temporaryDirectory();
    const userProperties = { site: 'küche', __proto__: null as unknown as string, '': '' };
    const put: OutboundMessage[] = [
      { topic: 'a', payload: '1', qos: 1, retain: true, userProperties, expiresAt: Date.now() + 1_000, latest: true },
      { topic: 'b', payload: '2', qos: 1, retain: false, userProperties, expiresAt: Number.POSITIVE_INFINITY },
      { topic: 'c', payload: '3', qos: 1, retain: false, expiresAt: 0 },
    ];
    {
      await using before = await Used.open({ directory: place.path });
      for (const each of put) before.outbox.put(each);
    }
    await using after = await Used.open({ directory: place.path });
    const [first, second, third] = await messagesOf(after, 3);
    expect(first).toMatchObject({ userProperties, expiresAt: put[0]?.expiresAt, latest: true });
    expect(second).toMatchObject({ userProperties, expiresAt: undefined, latest: false });
    expect(third).toMatchObject({ userProperties: undefined, expiresAt: 0 });
    expect(first?.userProperties, 'one object for all').toBe(second?.userProperties);
  });

  it('counts in the bounds by bytes, over a restart too', async () => {
    await using place = await temporaryDirectory();
    const put = (used: Used, payload: string) =>
      used.outbox.put({ topic: 't', payload, qos: 1, retain: false, userProperties: { name: 'value' } });
    {
      await using before = await Used.open({ directory: place.path, maxBytes: 33 });
      for (const payload of ['1', '2', '3']) put(before, payload);
      expect(before.losses).toEqual([]);
    }
    await using after = await Used.open({ directory: place.path, maxBytes: 33 });
    expect(await after.next()).toMatchObject({ message: { payload: '1' } });
    put(after, '4');
    expect(after.losses).toEqual([['outbox_full', 1, undefined]]);
  });
});

describe('the format that a store says it has', () => {
  const formatIn = (directory: string) =>
    inStore(
      directory,
      async (db) => (decodeState((await db.get('state')) ?? Buffer.alloc(0)) as { format: number }).format,
    );

  it('is the second only while it has messages that need it', async () => {
    await using place = await temporaryDirectory();
    const formats: number[] = [];
    const live = async (use: (used: Used) => unknown) => {
      const used = await Used.open({ directory: place.path });
      await use(used);
      expect(await used.close()).toBe(0);
      formats.push(await formatIn(place.path));
    };
    await live((used) => used.put('plain'));
    await live((used) => used.putLatest('t', 'latest'));
    await live((used) => used.put('plain'));
    await live((used) => used.drain(1));
    await live((used) => used.drain());
    await live((used) => used.put('plain'));
    expect(formats).toEqual([1, 2, 2, 2, 1, 1]);
  });
});
