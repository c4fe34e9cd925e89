import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pattern } from './ast.js';
import { Budget } from './budget.js';
import { CandidateFinder } from './candidates.js';
import { compile } from './compile.js';
import { hostilePattern, scrapOfText } from './fixture.js';
import { matcher } from './matcher.js';
import { parsePattern } from './parse.js';
import type { Program } from './program.js';

const finderOf = (sources: readonly string[]) => new CandidateFinder(sources.map((source) => parsePattern(source)));
const find = (finder: CandidateFinder, text: string) =>
  finder.find(text, new Budget(100_000, Number.POSITIVE_INFINITY));

describe('CandidateFinder', () => {
  it.each([
    ['literal rules', (index: number) => `temperature:room${index}$`],
    ['rules with groups', (index: number) => `(?P<type>\\w+):(?P<room>room${index})(?:_(?P<n>\\d+))?$`],
    ['rules without case', (index: number) => `(?i)TEMPERATURE:(?P<room>ROOM${index})$`],
    ['rules that start with alternatives', (index: number) => `(?:temperature|energy|t${index}):room${index}$`],
    ['rules that differ at their end', (index: number) => `[^:]+:.*room${index}$`],
  ])('finds a few of 10,000 %s', (_, ruleOf) => {
    const finder = finderOf(Array.from({ length: 10_000 }, (_, index) => ruleOf(index)));
    const budget = new Budget(100_000, Number.POSITIVE_INFINITY);
    const before = budget.remaining;
    const found = finder.find('temperature:room4711', budget);
    expect(found).toContain(4_711);
    expect(found?.length).toBeLessThan(20);
    expect(before - budget.remaining).toBeLessThan(2_000);
  });

  it('gives them in their order, each once', () => {
    const finder = finderOf(['b', '(?:a|ab)(?:bc|c)', 'a', '(?=x)', 'a*b*c', 'zbc', '.*c$', 'a\\b']);
    expect(find(finder, 'abc')).toEqual([1, 2, 3, 4, 6, 7]);
  });

  it('stops reading where nothing can follow', () => {
    const finder = finderOf(['abc', 'abd', 'x*y']);
    const budget = new Budget(100_000, Number.POSITIVE_INFINITY);
    const before = budget.remaining;
    finder.find(`ab${'z'.repeat(60_000)}`, budget);
    expect(before - budget.remaining).toBeLessThan(200);
  });

  it('knows the end of the text', () => {
    const finder = finderOf(['a$', 'ab$', '(?:a|$)b?$', 'a$b', '$', '(?m)a$', 'a\\Z']);
    expect(find(finder, 'a')).toEqual(expect.arrayContaining([0, 2, 5, 6]));
    expect(find(finder, 'ab')).not.toContain(0);
    expect(find(finder, '')).toContain(4);
  });

  it('misses no rule that matches, whatever the rules and the texts', () => {
    const texts = fc.array(
      fc.array(scrapOfText, { maxLength: 12 }).map((scraps) => scraps.join('')),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.array(hostilePattern, { minLength: 1, maxLength: 12 }), texts, (patterns, many) => {
        const rules = patterns.flatMap((pattern) => parsed(pattern) ?? []);
        const finder = new CandidateFinder(rules);
        const programs = rules.map(compile);
        for (const text of many) {
          const found = finder.find(text, new Budget(100_000, Number.POSITIVE_INFINITY));
          const isMatch = (program: Program) =>
            matcher.match(program, text, new Budget(100_000, Number.POSITIVE_INFINITY)) >= 0;
          const matching = programs.flatMap((program, index) => (isMatch(program) ? [index] : []));
          expect(found).toEqual(expect.arrayContaining(matching));
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** A pattern that is not too large. */
function parsed(source: string): Pattern | undefined {
  try {
    const pattern = parsePattern(source);
    return compile(pattern) && pattern;
  } catch {
    return undefined;
  }
}
