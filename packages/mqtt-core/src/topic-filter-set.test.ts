import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesTopicFilter } from './topic.js';
import { TopicFilterSet, uniteTopicFilters } from './topic-filter-set.js';

const name = fc.constantFrom('a', 'b', '', '$SYS', 'ab');
const topic = fc.array(name, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(fc.array(fc.oneof(name, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))
  .chain((text) => fc.constantFrom(text, '#', `$share/group/${text}`));

describe('a set of topic filters', () => {
  it('matches what any of them matches', () => {
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 6 }), topic, (filters, each) => {
        const expected = filters.some((one) => matchesTopicFilter(one, each));
        expect(new TopicFilterSet(filters).matches(each)).toBe(expected);
      }),
    );
  });

  it.each([
    ['#', 'a', true],
    ['#', '$SYS/a', false],
    ['#', '$SYS/#', false],
    ['+/a', '$x/a', false],
    ['a/#', 'a', true],
    ['a/#', 'a/+', true],
    ['a/#', 'a/b/#', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['+/+', 'a/+', true],
    ['a/b', 'a/+', false],
    ['$share/g/a/#', 'a/b', true],
  ])('of %s covers %s: %s', (one, other, expected) => {
    expect(new TopicFilterSet([one]).covers(other)).toBe(expected);
  });

  it('is asked as fast for ten thousand as for one, however deep the topic', () => {
    const set = new TopicFilterSet(Array.from({ length: 10_000 }, (_, n) => `site/+/room${n}/#`));
    const started = performance.now();
    for (let n = 0; n < 1_000; n++) expect(set.matches(`site/x/room${n}x`)).toBe(false);
    expect(set.matches(`site/x/room77/${'/'.repeat(60_000)}`)).toBe(true);
    // One walk takes a microsecond or two; ten thousand comparisons each would take seconds.
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('united topic filters', () => {
  it('bring what they brought, and none of them is superfluous', () => {
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 8 }), fc.array(topic, { maxLength: 20 }), (filters, topics) => {
        const united = uniteTopicFilters(filters);
        for (const each of topics) {
          const brings = (some: readonly string[]) => some.some((one) => matchesTopicFilter(one, each));
          expect(brings(united)).toBe(brings(filters));
        }
        const plain = united.filter((one) => !one.startsWith('$share/'));
        for (const one of plain) {
          expect(new TopicFilterSet(plain.filter((other) => other !== one)).covers(one)).toBe(false);
        }
      }),
    );
  });

  it('stay in their order; shared ones stay as they are', () => {
    const filters = ['b/c', 'a/1', '$share/g/a/1', 'a/+', 'b/c', 'a/#', '$SYS/x', 'c'];
    expect(uniteTopicFilters(filters)).toEqual(['b/c', '$share/g/a/1', 'a/#', '$SYS/x', 'c']);
  });
});
