import { expect, it } from 'vitest';
import { NewestByTopic } from './newest.js';
import { Segment } from './segment.js';

// Of one length, and different at the end only.
const longTopics = (count: number) =>
  Array.from({ length: count }, (_none, n) =>
    Buffer.from('x'.repeat(60_000) + String(n).padStart(4, '0')).toString('latin1'),
  );

it('long topics neither slow down the look for the newest nor fill the room for topics', () => {
  const newest = new NewestByTopic();
  const segment = new Segment(1);
  const topics = longTopics(1_000);
  const start = performance.now();
  for (const [slot, topic] of topics.entries()) {
    newest.set(segment, slot, { topic, payload: '', qos: 1, retain: false, latest: true }, 60_000);
  }
  expect(topics.map((topic) => newest.readyOn(topic)?.slot)).toEqual([...topics.keys()]);
  // With each compared with all the others, it takes several times as long as this.
  expect(performance.now() - start).toBeLessThan(3_000);
  expect(newest.full).toBe(false);
  newest.drop(segment);
  expect(topics.filter((topic) => newest.readyOn(topic))).toEqual([]);
});
