import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accounting } from './accounting.js';
import type { Counts } from './counts.js';
import { OutboundFilter } from './filter.js';
import { FilterNames } from './filter-names.js';
import { silentLogger } from './logger.js';

function named(...names: string[]): FilterNames {
  return new FilterNames(names.map((name) => Object.assign(new OutboundFilter(), { name })));
}

/** What is booked, where anything is. */
function booked(counts: Readonly<Record<string, Counts>>) {
  return Object.entries(counts).filter(([, { received }]) => received > 0);
}

describe('the books, when filters and rules get other names', () => {
  it('settle what waits where it was received', () => {
    const books = new Accounting('an event', named('a'), silentLogger);
    for (const rule of ['r', 'r', undefined]) books.receive(rule);
    books.adopt(named('a', 'b'));
    books.receive('a > r');
    for (const rule of ['r', undefined, 'a > r', 'r']) books.forward(rule);
    expect(books.counts).toMatchObject({ received: 4, forwarded: 4, waiting: 0 });
    for (const [, { waiting }] of booked(books.counts.rules)) expect(waiting).toBe(0);
    expect(booked(books.counts.rules).map(([name, { received }]) => [name, received])).toEqual([
      ['r', 2],
      ['a > r', 1],
    ]);
  });

  it('keep what a filter left to others, as long as it is there', () => {
    const books = new Accounting('an event', named('a', 'b'), silentLogger);
    books.passOn(0);
    books.receive('b > r');
    books.adopt(named('b', 'a'));
    expect(books.counts.filters).toMatchObject({ a: { received: 1, filtered: 1 }, b: { received: 1, waiting: 1 } });
    books.adopt(named('b', 'c'));
    books.adopt(named('b', 'a'));
    expect(books.counts.filters).toMatchObject({ a: { received: 0 }, b: { received: 1, waiting: 1 } });
  });

  it('have a place again for new rules when old ones had filled them, and nothing waits there', () => {
    const books = new Accounting('an event', named('a'), silentLogger, { maxRules: 3 });
    for (const rule of ['1', '2', '3', '4']) books.receive(rule);
    for (const rule of ['1', '4']) books.forward(rule);
    books.adopt(named('a'));
    books.receive('5');
    expect(Object.keys(books.counts.rules)).toEqual(['2', '3', '5']);
    for (const rule of ['2', '3', '5']) books.forward(rule);
    expect(books.counts).toMatchObject({ received: 5, forwarded: 5, waiting: 0, filters: { a: { received: 5 } } });
  });

  it('add up over any renaming: for the whole, each filter and each rule, and nothing waits less than nothing', () => {
    // Names that are the beginning of others, and look like a filter with its rule.
    const name = fc.constantFrom('a', 'b', 'a > b', 'b > a', 'a > b > a', '__proto__');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('receive' as const), filter: fc.nat(2), rule: fc.option(name) }),
      fc.record({ kind: fc.constantFrom('forward' as const, 'drop' as const), which: fc.nat() }),
      fc.record({ kind: fc.constantFrom('filter' as const, 'reject' as const, 'pass' as const), filter: fc.nat(2) }),
      fc.record({ kind: fc.constant('adopt' as const), names: fc.array(name, { maxLength: 3 }) }),
    );
    const run = (steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[], maxRules: number) => {
      let names = named('a');
      const books = new Accounting('an event', names, silentLogger, { maxRules });
      const waiting: (string | undefined)[] = [];
      const expected = { received: 0, forwarded: 0, dropped: 0, filtered: 0 };
      for (const each of steps) {
        if (each.kind === 'adopt') {
          names = named(...each.names);
          books.adopt(names);
        } else if (each.kind === 'receive') {
          const account = names.filters.length > 0 ? names.accountOf(each.filter, each.rule ?? undefined) : undefined;
          books.receive(account);
          waiting.push(account);
          expected.received++;
        } else if (each.kind === 'reject') {
          books.reject('odd', () => '');
          expected.received++;
          expected.dropped++;
        } else if (each.kind === 'filter') {
          books.receive(undefined);
          books.filter(undefined);
          expected.received++;
          expected.filtered++;
        } else if (each.kind === 'pass') {
          if (each.filter < names.filters.length) books.passOn(each.filter);
        } else if ('which' in each && waiting.length > 0) {
          const [account] = waiting.splice(each.which % waiting.length, 1);
          if (each.kind === 'forward') books.forward(account);
          else books.drop('lost', account, () => '');
          expected[each.kind === 'forward' ? 'forwarded' : 'dropped']++;
        }
        const { counts, totals } = books;
        expect(counts).toMatchObject({ ...expected, dropped: counts.dropped, waiting: waiting.length });
        const { received, forwarded, dropped } = expected;
        expect(totals).toEqual({ received, forwarded, dropped });
        expect(Object.values(counts.dropped).reduce((sum, count) => sum + count, 0)).toBe(dropped);
        for (const [, each] of [...booked(counts.filters), ...booked(counts.rules)]) {
          const lost = Object.values(each.dropped).reduce((sum, count) => sum + count, 0);
          expect(each.waiting).toBeGreaterThanOrEqual(0);
          expect(each.received).toBe(each.forwarded + each.filtered + lost + each.waiting);
        }
        if (maxRules > 100) {
          for (const [name, { waiting: ofRule }] of booked(counts.rules)) {
            expect(ofRule, name).toBe(waiting.filter((account) => account === name).length);
          }
        }
      }
    };
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(2, 1_000), run), { numRuns: 300 });
  });
});
