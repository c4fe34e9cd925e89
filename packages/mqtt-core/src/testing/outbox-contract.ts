import assert from 'node:assert/strict';
import type { OutboundMessage, OutboxEntry } from '../outbox.js';
import { type ContractCase, contractCase } from './contract.js';
import { HOSTILE_NAMES } from './hostile.js';
import { supersedingContract } from './superseding-contract.js';
import {
  mulberry32,
  type OutboxBounds,
  type OutboxUnderTest,
  payloadOf,
  plain,
  withOutboxFrom,
} from './tested-outbox.js';

/** What every {@link Outbox} must do. */
export function outboxContract(create: (bounds: OutboxBounds) => Promise<OutboxUnderTest>): ContractCase[] {
  const withOutbox = withOutboxFrom(create);
  return [
    contractCase(
      'gives messages in the order they were put, as they were put',
      withOutbox({}, async (tested) => {
        const messages: OutboundMessage[] = [
          { topic: 'a', payload: '', qos: 0, retain: false },
          { topic: 'a/b', payload: 'text', qos: 1, retain: true, rule: 'first' },
          { topic: 'ü', payload: '{"x":"\u{1f469}‍🚀"}', qos: 2, retain: false, rule: '' },
          { topic: 'bytes', payload: Uint8Array.from([0, 255, 128, 10]), qos: 1, retain: false },
          { topic: 'dated', payload: 'x', qos: 1, retain: true, expiresAt: Number.MAX_SAFE_INTEGER },
          { topic: 'past', payload: 'x', qos: 2, retain: false, expiresAt: 1 },
          { topic: 'state', payload: 'x', qos: 0, retain: true, latest: true, rule: 'second' },
          { topic: 'labelled', payload: 'x', qos: 1, retain: false, userProperties: { unit: '°C', '': '', a: 'b' } },
          {
            topic: 'everything',
            payload: Uint8Array.from([1]),
            qos: 2,
            retain: true,
            rule: 'third',
            userProperties: Object.fromEntries([...HOSTILE_NAMES, '10', '2'].map((name) => [name, name])),
            expiresAt: 2_000_000_000_000,
            latest: true,
          },
          ...HOSTILE_NAMES.map((name) => ({ topic: name, payload: name, qos: 1 as const, retain: false, rule: name })),
        ];
        for (const message of messages) tested.outbox.put(message);
        for (const message of messages) {
          const { message: taken } = await tested.next();
          assert.deepEqual(plain(taken), plain(message));
        }
        assert.equal(tested.outbox.take(), undefined);
      }),
    ),

    contractCase(
      'numbers messages in their order, and knows the last number',
      withOutbox({}, async (tested) => {
        const before = tested.outbox.lastSequence;
        tested.put('1', '2', '3');
        const sequences = [await tested.next(), await tested.next(), await tested.next()].map(
          ({ sequence }) => sequence,
        );
        assert.ok(sequences.every((sequence, index) => sequence > (sequences[index - 1] ?? before)));
        assert.equal(tested.outbox.lastSequence, sequences[2]);
      }),
    ),

    contractCase(
      'counts what waits until it is settled',
      withOutbox({}, async (tested) => {
        tested.put('1', '2');
        assert.equal(tested.outbox.waiting, 2);
        const first = await tested.next();
        assert.equal(tested.outbox.waiting, 2);
        tested.outbox.settle(first);
        assert.equal(tested.outbox.waiting, 1);
        tested.outbox.settle(first);
        tested.outbox.giveBack(first);
        assert.equal(tested.outbox.waiting, 1, 'settling again changes nothing');
        tested.outbox.settle(await tested.next());
        assert.equal(tested.outbox.waiting, 0);
        assert.equal(tested.outbox.take(), undefined);
      }),
    ),

    contractCase(
      'knows since when the oldest waits, be it taken or not',
      withOutbox({}, async (tested) => {
        const isNow = (date: number | undefined, since: number) =>
          assert.ok(date !== undefined && date >= since - 1_000 && date <= Date.now() + 1_000, `${date} is not now`);
        assert.equal(tested.outbox.oldest, undefined);
        const before = Date.now();
        tested.put('1', '2');
        const { oldest } = tested.outbox;
        isNow(oldest, before);
        const [first, second] = [await tested.next(), await tested.next()];
        tested.outbox.settle(second);
        assert.equal(tested.outbox.oldest, oldest);
        tested.outbox.giveBack(first);
        assert.equal(tested.outbox.oldest, oldest);
        tested.outbox.settle(await tested.next());
        assert.equal(tested.outbox.oldest, undefined);
      }),
    ),

    contractCase(
      'gives again, in its place, what was given back',
      withOutbox({}, async (tested) => {
        tested.put('1', '2', '3', '4', '5');
        const [first, second, third] = [await tested.next(), await tested.next(), await tested.next()];
        tested.outbox.settle(second);
        tested.outbox.giveBack(third);
        assert.equal(payloadOf(await tested.next()), '3');
        tested.outbox.giveBack(first);
        assert.deepEqual(
          [await tested.nextPayload(), await tested.nextPayload(), await tested.nextPayload()],
          ['1', '4', '5'],
        );
      }),
    ),

    contractCase(
      'settles in any order',
      withOutbox({}, async (tested) => {
        const numbers = Array.from({ length: 3_000 }, (_, index) => String(index));
        tested.put(...numbers);
        const taken: OutboxEntry[] = [];
        for (const expected of numbers) {
          const entry = await tested.next();
          assert.equal(payloadOf(entry), expected);
          taken.push(entry);
        }
        for (const entry of taken.reverse()) tested.outbox.settle(entry);
        assert.equal(tested.outbox.waiting, 0);
      }),
    ),

    contractCase(
      'gives up the oldest beyond its number of messages, and says so',
      withOutbox({ maxMessages: 2 }, async (tested) => {
        tested.put('1', '2', '3');
        assert.deepEqual(tested.losses, [['outbox_full', 1, 'rule 1']]);
        assert.equal(tested.outbox.waiting, 2);
        assert.equal(await tested.nextPayload(), '2');
      }),
    ),

    contractCase(
      'refuses the newest beyond its number of messages, where it is told to',
      withOutbox({ maxMessages: 2, giveUp: 'newest' }, async (tested) => {
        tested.put('1', '2', '3');
        assert.deepEqual(tested.losses, [['outbox_full', 1, 'rule 3']]);
        assert.deepEqual([await tested.nextPayload(), await tested.nextPayload()], ['1', '2']);
      }),
    ),

    contractCase(
      'gives up the oldest beyond its number of bytes',
      withOutbox({ maxBytes: 10 }, async (tested) => {
        tested.put('1', '2', 'x'.repeat(8));
        assert.deepEqual(tested.losses, [
          ['outbox_full', 1, 'rule 1'],
          ['outbox_full', 1, 'rule 2'],
        ]);
        assert.equal(await tested.nextPayload(), 'x'.repeat(8));
      }),
    ),

    contractCase(
      'counts user properties among the bytes',
      withOutbox({ maxBytes: 10 }, async (tested) => {
        tested.put('1', '2');
        const message = { topic: 't', payload: '3', qos: 1, retain: false } as const;
        tested.outbox.put({ ...message, userProperties: { a: '234', b: '67' } });
        assert.equal(tested.losses.length, 2, 'both make place for nine bytes');
        tested.outbox.put({ ...message, userProperties: { a: '234', b: '678901' } });
        assert.equal(tested.losses.length, 3, 'thirteen bytes are too many');
        const taken = await tested.next();
        assert.deepEqual(taken.message.userProperties && { ...taken.message.userProperties }, { a: '234', b: '67' });
        tested.outbox.settle(taken);
        tested.put('12345678', '1');
        assert.equal(tested.losses.length, 4);
      }),
    ),

    contractCase(
      'gives up a message that is beyond its bounds by itself, and no other for it',
      withOutbox({ maxBytes: 10 }, async (tested) => {
        tested.put('1', 'x'.repeat(10));
        assert.equal(tested.losses.length, 1);
        assert.equal(await tested.nextPayload(), '1');
        assert.equal(tested.outbox.take(), undefined);
      }),
    ),

    contractCase(
      'does not give up what is taken',
      withOutbox({ maxMessages: 1 }, async (tested) => {
        tested.put('1');
        const taken = await tested.next();
        tested.put('2');
        assert.deepEqual(tested.losses, [['outbox_full', 1, 'rule 2']]);
        tested.outbox.settle(taken);
        assert.equal(tested.outbox.waiting, 0);
      }),
    ),

    contractCase(
      'gives up what is too old instead of giving it',
      // So long that an outbox that writes first has written the young one before it is old.
      withOutbox({ maxAgeMs: 500 }, async (tested) => {
        tested.put('1', '2');
        await new Promise((resolve) => setTimeout(resolve, 550));
        tested.put('3');
        assert.equal(await tested.nextPayload(), '3');
        assert.equal(tested.lost('outbox_expired'), 2);
        assert.equal(tested.outbox.waiting, 1);
      }),
    ),

    contractCase(
      'gives up what is too old while nobody takes anything, but not what is taken',
      withOutbox({ maxAgeMs: 500 }, async (tested) => {
        tested.put('1', '2', '3');
        const taken = await tested.next();
        for (const end = performance.now() + 5_000; tested.lost() < 2 && performance.now() < end; ) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        assert.deepEqual(tested.losses, [
          ['outbox_expired', 1, 'rule 2'],
          ['outbox_expired', 1, 'rule 3'],
        ]);
        assert.equal(tested.outbox.waiting, 1);
        tested.settle(taken);
      }),
    ),

    contractCase(
      'behaves like the plainest model, whatever is done to it',
      withOutbox({ maxMessages: 700 }, async (tested) => {
        const random = mulberry32(20_261_122);
        const model: string[] = [];
        const taken: OutboxEntry[] = [];
        for (let step = 0; step < 5_000; step++) {
          const dice = random();
          if (dice < 0.5) {
            tested.put(String(step));
            model.push(String(step));
          } else if (dice < 0.8) {
            const entry =
              model.length > tested.lost() + taken.length + tested.settled ? await tested.next() : undefined;
            if (entry) taken.push(entry);
          } else if (dice < 0.97) {
            const index = Math.floor(random() * Math.min(taken.length, 3));
            const [entry] = taken.splice(index, 1);
            if (entry) tested.settle(entry);
          } else {
            for (const entry of taken.splice(0)) tested.outbox.giveBack(entry);
          }
          assert.equal(tested.outbox.waiting, model.length - tested.lost() - tested.settled);
          const youngest = taken.at(-1);
          assert.ok(!youngest || taken.every(({ sequence }) => sequence <= youngest.sequence), 'in order');
        }
      }),
    ),

    ...supersedingContract(create),
  ];
}
