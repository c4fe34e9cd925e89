import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Folding } from './folding.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

describe('lines that repeat themselves', () => {
  let written: string[];
  let folding: Folding;
  const take = (text: string, source = 'here') => folding.take(source, text, (line) => void written.push(line));
  /** Says the same every so often, for so long. */
  const repeat = (text: string, everyMs: number, forMs: number) => {
    for (let passed = 0; passed < forMs; passed += everyMs) {
      take(text);
      vi.advanceTimersByTime(everyMs);
    }
  };

  beforeEach(() => {
    vi.useFakeTimers({ now: new Date(2026, 10, 22, 21, 5, 41) });
    written = [];
    folding = new Folding();
  });
  afterEach(() => {
    folding[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('are written three times, then counted, and told of when the minute ends', () => {
    repeat('lost', 1_000, 45_000);
    expect(written).toEqual(['lost', 'lost', 'lost']);
    vi.advanceTimersByTime(MINUTE_MS);
    expect(written.slice(3)).toEqual(['lost … (42 like this from 21:05:44 to 21:06:25)']);
  });

  it('are told of ever more seldom while they go on: a week of them fills a screen or two, and none is missing', () => {
    repeat('lost', MINUTE_MS, 7 * DAY_MS);
    folding[Symbol.dispose]();
    expect(written.length).toBeLessThan(70);
    const folded = written.map((line) => Number(/\((\d+) like/.exec(line)?.[1] ?? 1));
    expect(folded.reduce((sum, count) => sum + count, 0)).toBe((7 * DAY_MS) / MINUTE_MS);
  });

  it('are still told of when each comes long after the one before', () => {
    repeat('lost', 9 * MINUTE_MS, DAY_MS);
    expect(written.length).toBeGreaterThan(5);
    expect(written.length).toBeLessThan(30);
  });

  it('are written as at first after it was quiet', () => {
    repeat('lost', 1_000, 5 * MINUTE_MS);
    vi.advanceTimersByTime(2 * HOUR_MS);
    written.length = 0;
    repeat('lost', 1_000, 4_000);
    expect(written).toEqual(['lost', 'lost', 'lost']);
  });

  it('may differ in numbers, and the last is shown; names, places and ports tell them apart', () => {
    for (const seconds of [1, 2, 3, 4.2, '1,005']) take(`there again after ${seconds} s (${seconds} attempts)`);
    for (const name of [
      'mqtt://h:1',
      'mqtt://h:2',
      'c.json:8:4:',
      'c.json:9:4:',
      'rules[1]',
      'rules[2]',
      '#1',
      'box2',
    ]) {
      take(`at ${name}`);
    }
    expect(written).toHaveLength(3 + 8);
    folding[Symbol.dispose]();
    expect(written.slice(11)).toEqual([
      'there again after 1,005 s (1,005 attempts) … (2 like this from 21:05:41 to 21:05:41)',
    ]);
  });

  it('of different sources are different', () => {
    for (const source of ['a', 'b']) for (let n = 0; n < 3; n++) take('lost', source);
    expect(written).toHaveLength(6);
  });

  it('do not fill the memory, however many kinds somebody makes up: the oldest is told of and forgotten', () => {
    for (let n = 0; n < 4; n++) take('lost');
    for (let n = 0; n < 10_000; n++) take(`kind${n}`);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(200);
    expect(written).toContain('lost … (at 21:05:41)');
  });

  it('are written as they come when the log has ended', () => {
    for (let n = 0; n < 5; n++) take('lost');
    folding[Symbol.dispose]();
    take('lost');
    expect(written.slice(3)).toEqual(['lost … (2 like this from 21:05:41 to 21:05:41)', 'lost']);
  });
});
