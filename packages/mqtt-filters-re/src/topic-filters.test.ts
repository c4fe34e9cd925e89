import { matchesTopicFilter, topicFault, topicFilterFault } from '@cstbox/mqtt-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRegex } from './python-regex.js';
import { parsePattern } from './regex/parse.js';
import { fewEnough } from './subscriptions.js';
import { topicFiltersOf as filtersOfPattern } from './topic-filters.js';

const topicFiltersOf = (source: string) => filtersOfPattern(parsePattern(source));

describe('the topic filters for a pattern', () => {
  it.each([
    ['site/kitchen/set/light$', ['site/kitchen/set/light']],
    ['site/(?P<room>[^/]+)/set/light$', ['site/+/set/light']],
    [String.raw`site/(?P<room>\w+)/set/(?P<what>\w+)$`, ['site/+/set/+']],
    ['site/room_(?P<room>[a-z]+)/set$', ['site/+/set']],
    ['site/nursery/set/', ['site/nursery/set/+/#']],
    ['site/kitchen', ['site/+/#']],
    ['site/(?:kitchen|hall)/set$', ['site/kitchen/set', 'site/hall/set']],
    ['site/floor[12]/set$', ['site/floor1/set', 'site/floor2/set']],
    ['site/.*/set$', ['site/+/#']],
    ['site/[^/]+(?:/[^/]+)*$', ['site/+/#']],
    ['site(?:/[^/]+)*$', ['site/#']],
    ['site(?:/[^/]+)?/set$', ['site/set', 'site/+/set']],
    ['(?:[^/]+/){2}set$', ['+/+/set']],
    ['', ['#']],
    ['.*', ['#']],
    ['a.*', ['#']],
    [String.raw`\$SYS/broker/uptime$`, ['$SYS/broker/uptime']],
    [String.raw`site/(?P<room>\w+)/as/(?P=room)$`, ['site/+/as/+']],
    ['(?i)site/light$', ['+/+']],
    ['site/(?!attic)(?P<room>[a-z]+)/set$', ['site/+/set']],
    ['/site/x$', ['/site/x']],
    [String.raw`site/\+/x$`, []],
    ['site$/x', []],
  ])('%s: %j', (source, filters) => {
    expect(topicFiltersOf(source)).toEqual(filters);
  });

  const level = fc.constantFrom('a', 'b', 'ab', '', 'a1', '1');
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
  const atom = fc.constantFrom('a', 'b', '1', '/', '[ab]', '[^/]', '.', String.raw`\w`, '[a/]');
  const part = fc.tuple(atom, fc.constantFrom('', '', '', '+', '*', '?', '{2}', '{1,3}')).map((both) => both.join(''));
  const pattern = fc.letrec((tie) => ({
    sequence: fc
      .tuple(fc.array(tie('item'), { maxLength: 5 }), fc.constantFrom('', '$'))
      .map(([items, end]) => items.join('') + end),
    item: fc.oneof(
      { maxDepth: 3 },
      part,
      fc
        .tuple(tie('sequence'), tie('sequence'), fc.constantFrom('', '*', '?', '{2}'))
        .map(([one, other, times]) => `(?:${one}|${other})${times}`),
    ),
  })).sequence as fc.Arbitrary<string>;

  it('bring every topic that the pattern matches', () => {
    fc.assert(
      fc.property(pattern, fc.array(topic, { minLength: 1, maxLength: 20 }), (source, topics) => {
        const regex = compileRegex(source || '(?:)');
        const filters = fewEnough(topicFiltersOf(source));
        for (const filter of filters) expect(topicFilterFault(filter)).toBeUndefined();
        for (const each of topics) {
          if (topicFault(each) !== undefined || !regex.match(each)) continue;
          expect(
            filters.some((filter) => matchesTopicFilter(filter, each)),
            `${source} ${each} ${filters}`,
          ).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('stay few, and are found fast, however many ways there are', () => {
    expect(topicFiltersOf('(?:a|b|c|d/)(?:a|b|c|d/)(?:a|b|c|d/)(?:a|b|c|d/)$').length).toBeLessThanOrEqual(64);
    expect(topicFiltersOf('(?:(?:a?/){0,8}){0,8}$').length).toBeLessThanOrEqual(64);
  });
});

describe('subscriptions', () => {
  it('are made wider where a broker would not take so many', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `site/room${index}/set/light${index % 3}`);
    expect(fewEnough(many)).toEqual(['site/+/set/light0', 'site/+/set/light1', 'site/+/set/light2']);
    const deep = Array.from({ length: 300 }, (_, index) => `${'+/'.repeat(index + 1)}x`);
    const few = fewEnough(deep);
    expect(few.length).toBeLessThanOrEqual(200);
    expect(few.some((filter) => matchesTopicFilter(filter, `${'a/'.repeat(300)}x`))).toBe(true);
    const own = Array.from({ length: 300 }, (_, index) => `$own${index}/x`);
    expect(fewEnough(own)).toEqual(own.map((filter) => filter.replace('x', '#')));
  });
});
