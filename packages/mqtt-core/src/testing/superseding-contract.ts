import assert from 'node:assert/strict';
import type { OutboxEntry } from '../outbox.js';
import { type ContractCase, contractCase } from './contract.js';
import { HOSTILE_NAMES } from './hostile.js';
import { SupersedingModel } from './superseding-model.js';
import { type OutboxBounds, type OutboxUnderTest, payloadOf, type Tested, withOutboxFrom } from './tested-outbox.js';

/** What every outbox must do with messages of which only the newest of a topic is wanted. */
export function supersedingContract(create: (bounds: OutboxBounds) => Promise<OutboxUnderTest>): ContractCase[] {
  const withOutbox = withOutboxFrom(create);
  return [
    contractCase(
      'keeps of the messages for a topic the newest, where they say so, and counts the others',
      withOutbox({}, async (tested) => {
        tested.putLatest('a', '1', '2', '3');
        assert.deepEqual(tested.losses, [
          ['superseded', 1, 'rule 1'],
          ['superseded', 1, 'rule 2'],
        ]);
        assert.equal(tested.outbox.waiting, 1);
        const entry = await tested.next();
        assert.equal(payloadOf(entry), '3');
        assert.equal(tested.outbox.take(), undefined);
        tested.settle(entry);
        assert.equal(tested.outbox.waiting, 0);
        assert.equal(tested.lost(), 2);
      }),
    ),

    contractCase(
      'keeps the newest of each topic, in the order in which they came',
      withOutbox({}, async (tested) => {
        for (const payload of ['1', '2']) for (const topic of HOSTILE_NAMES) tested.putLatest(topic, payload);
        tested.putLatest('+', '3');
        assert.equal(tested.lost('superseded'), HOSTILE_NAMES.length + 1);
        const topics: string[] = [];
        while (topics.length < HOSTILE_NAMES.length) {
          const entry = await tested.next();
          topics.push(entry.message.topic);
          tested.settle(entry);
        }
        assert.deepEqual(topics, [...HOSTILE_NAMES.filter((topic) => topic !== '+'), '+']);
        assert.equal(tested.outbox.waiting, 0);
      }),
    ),

    contractCase(
      'keeps what does not say that only the newest is wanted, and keeps the order',
      withOutbox({}, async (tested) => {
        tested.put('1');
        tested.putLatest('t', '2');
        tested.put('3');
        tested.putLatest('t', '4');
        tested.put('5');
        assert.deepEqual(tested.losses, [['superseded', 1, 'rule 2']]);
        for (const expected of ['1', '3', '4', '5']) assert.equal(await tested.nextPayload(), expected);
      }),
    ),

    contractCase(
      'supersedes none that is taken',
      withOutbox({}, async (tested) => {
        tested.putLatest('a', '1');
        const first = await tested.next();
        tested.putLatest('a', '2');
        assert.deepEqual(tested.losses, []);
        assert.equal(tested.outbox.waiting, 2);
        tested.putLatest('a', '3');
        assert.deepEqual(tested.losses, [['superseded', 1, 'rule 2']]);
        tested.settle(first);
        assert.equal(await tested.nextPayload(), '3');
        assert.equal(tested.outbox.waiting, 1);
      }),
    ),

    contractCase(
      'gives up what was given back when a newer one waits, be it taken or not',
      withOutbox({}, async (tested) => {
        tested.putLatest('a', '1');
        const first = await tested.next();
        tested.putLatest('a', '2');
        tested.outbox.giveBack(first);
        assert.deepEqual(tested.losses, [['superseded', 1, 'rule 1']]);
        assert.equal(tested.outbox.waiting, 1);
        const second = await tested.next();
        assert.equal(payloadOf(second), '2');
        tested.putLatest('a', '3');
        const third = await tested.next();
        tested.outbox.giveBack(second);
        assert.deepEqual(tested.losses.slice(1), [['superseded', 1, 'rule 2']]);
        tested.outbox.settle(second);
        assert.equal(tested.outbox.waiting, 1, 'what was given up is gone');
        tested.outbox.giveBack(third);
        assert.equal(await tested.nextPayload(), '3');
        assert.equal(tested.lost(), 2);
      }),
    ),

    contractCase(
      'gives again what was given back when nothing newer waits',
      withOutbox({}, async (tested) => {
        tested.putLatest('a', '1');
        tested.putLatest('b', '2');
        tested.put('3');
        const first = await tested.next();
        tested.outbox.giveBack(first);
        for (const expected of ['1', '2', '3']) assert.equal(await tested.nextPayload(), expected);
        assert.deepEqual(tested.losses, []);
      }),
    ),

    contractCase(
      'keeps the newest of several that are given back when one that was newer still is settled',
      withOutbox({}, async (tested) => {
        const [first, second, third] = await takeEach(tested, '1', '2', '3');
        assert.ok(first && second && third);
        tested.settle(third);
        tested.outbox.giveBack(first);
        tested.outbox.giveBack(second);
        assert.deepEqual(tested.losses, [['superseded', 1, 'rule 1']]);
        assert.equal(await tested.nextPayload(), '2');
        assert.equal(tested.outbox.waiting, 1);
      }),
    ),

    ...(['in their order', 'in reverse'] as const).map((order) =>
      contractCase(
        `keeps the newest of several that are given back ${order}`,
        withOutbox({}, async (tested) => {
          const taken = await takeEach(tested, '1', '2', '3');
          if (order === 'in reverse') taken.reverse();
          for (const entry of taken) tested.outbox.giveBack(entry);
          assert.deepEqual(tested.losses.map(([reason, , rule]) => [reason, rule]).sort(), [
            ['superseded', 'rule 1'],
            ['superseded', 'rule 2'],
          ]);
          assert.equal(tested.outbox.waiting, 1);
          tested.putLatest('a', '4');
          assert.equal(tested.lost('superseded'), 3);
          assert.equal(await tested.nextPayload(), '4');
          assert.equal(tested.outbox.take(), undefined);
        }),
      ),
    ),

    contractCase(
      'takes the place of what a message supersedes for free',
      withOutbox({ maxMessages: 2, maxBytes: 12, giveUp: 'newest' }, async (tested) => {
        tested.putLatest('a', '1234');
        tested.putLatest('b', '5678');
        tested.putLatest('a', '1');
        assert.deepEqual(tested.losses, [['superseded', 1, 'rule 1234']]);
        tested.putLatest('a', 'too long');
        tested.putLatest('c', '2');
        assert.deepEqual(tested.losses.slice(1), [
          ['outbox_full', 1, 'rule too long'],
          ['outbox_full', 1, 'rule 2'],
        ]);
        for (const expected of ['5678', '1']) assert.equal(await tested.nextPayload(), expected);
      }),
    ),

    contractCase(
      'supersedes before it gives up the oldest, and supersedes nothing for a message beyond its bounds',
      withOutbox({ maxMessages: 2, maxBytes: 12 }, async (tested) => {
        tested.putLatest('a', '1');
        tested.putLatest('b', '2', '3');
        assert.deepEqual(tested.losses, [['superseded', 1, 'rule 2']]);
        tested.putLatest('b', 'much too long');
        assert.deepEqual(tested.losses.slice(1), [['outbox_full', 1, 'rule much too long']]);
        tested.putLatest('c', '4');
        assert.deepEqual(tested.losses.slice(2), [['outbox_full', 1, 'rule 1']]);
        tested.putLatest('a', '5');
        assert.deepEqual(tested.losses.slice(3), [['outbox_full', 1, 'rule 3']]);
        for (const expected of ['4', '5']) assert.equal(await tested.nextPayload(), expected);
      }),
    ),

    contractCase(
      'supersedes like the plainest model, whatever is done to it',
      withOutbox({ maxMessages: 20 }, (tested) => new SupersedingModel(tested, 20_261_122).run(5_000)),
    ),
  ];
}

/** Puts messages for one topic, and takes each before the next one comes. */
async function takeEach(tested: Tested, ...payloads: string[]): Promise<OutboxEntry[]> {
  const taken: OutboxEntry[] = [];
  for (const payload of payloads) {
    tested.putLatest('a', payload);
    taken.push(await tested.next());
  }
  return taken;
}
