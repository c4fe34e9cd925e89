import { describe, expect, it } from 'vitest';
import { Accounting } from './accounting.js';
import { formatCounts } from './counts.js';
import { OutboundFilter } from './filter.js';
import { FilterNames } from './filter-names.js';
import { silentLogger } from './logger.js';

const ONE = new FilterNames([new OutboundFilter()]);

describe('the books', () => {
  it('are kept by rule, and add up', () => {
    const books = new Accounting('an event', ONE, silentLogger);
    for (const rule of ['a', 'a', 'a', 'b', undefined]) books.receive(rule);
    books.forward('a');
    books.drop('too_old', 'a', () => '');
    books.drop('too_old', 'b', () => '');
    books.filter(undefined);
    expect(books.counts).toEqual({
      received: 5,
      forwarded: 1,
      filtered: 1,
      dropped: { too_old: 2 },
      waiting: 1,
      filters: {
        OutboundFilter: { received: 5, forwarded: 1, filtered: 1, dropped: { too_old: 2 }, waiting: 1 },
      },
      rules: {
        a: { received: 3, forwarded: 1, filtered: 0, dropped: { too_old: 1 }, waiting: 1 },
        b: { received: 1, forwarded: 0, filtered: 0, dropped: { too_old: 1 }, waiting: 0 },
      },
    });
    expect(books.totals).toEqual({ received: 5, forwarded: 1, dropped: 2 });
    expect(formatCounts(books.counts)).toBe('received 5, forwarded 1, filtered 1, dropped 2 (too_old 2), waiting 1');
  });

  it('stay bounded, whatever names a filter invents', () => {
    const books = new Accounting('an event', ONE, silentLogger);
    for (let n = 0; n < 30_000; n++) books.receive(`rule ${n}`);
    expect(books.counts.received).toBe(30_000);
    expect(Object.keys(books.counts.rules).length).toBeLessThan(30_000);
    for (let n = 0; n < 1_000; n++) books.drop(`reason ${n}`, 'rule 1', () => '');
    expect(Object.keys(books.counts.dropped).length).toBeLessThan(200);
    expect(books.counts.waiting).toBe(29_000);
  });

  it('take any name for a name', () => {
    const books = new Accounting('an event', ONE, silentLogger);
    books.receive('__proto__');
    books.receive('a', 2);
    books.drop('constructor', '__proto__', () => '');
    for (const reason of ['constructor', '__proto__']) books.drop(reason, 'a', () => '');
    expect(books.counts.waiting).toBe(0);
    expect(Object.entries(books.counts.dropped)).toEqual([
      ['constructor', 2],
      ['__proto__', 1],
    ]);
    expect(Object.keys(books.counts.rules)).toEqual(['__proto__', 'a']);
  });

  it('log the first loss for each reason', () => {
    const lines: string[] = [];
    const books = new Accounting('an event', ONE, { ...silentLogger, warn: (line) => void lines.push(line) });
    for (let n = 0; n < 10; n++) for (const reason of ['x', 'y']) books.drop(reason, `rule ${n}`, () => 'why');
    expect(lines).toEqual([
      'dropped an event (x): why; further ones are counted, not logged',
      'dropped an event (y): why; further ones are counted, not logged',
    ]);
  });
});
