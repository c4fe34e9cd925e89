import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepLog } from './connector.fixtures.js';
import { TimedEvent } from './event.js';
import { type Departure, Throttle, type ThrottleBounds } from './throttle.js';

interface Done {
  readonly what: 'released' | 'throttled' | 'expired';
  readonly topic: string;
  readonly payload: string;
  readonly at: number;
}

const event = new TimedEvent(0, 'x', 'y');

const setUp = (bounds?: ThrottleBounds) => {
  const logger = keepLog();
  const done: Done[] = [];
  const started = performance.now();
  const note = (what: Done['what'], { message: { topic, payload } }: Departure) =>
    void done.push({ what, topic, payload: String(payload), at: performance.now() - started });
  const throttle = new Throttle(
    { release: (crossing) => note('released', crossing), drop: (crossing, reason) => note(reason, crossing) },
    logger,
    bounds,
  );
  const offer = (payload: string, intervalMs: number, { topic = 't', expiresAt }: Offered = {}) =>
    throttle.offer(
      {
        direction: 'out',
        outcome: 'accepted',
        channel: 'sensor',
        event,
        rule: undefined,
        filter: undefined,
        message: { topic, payload, qos: 1, retain: false, expiresAt },
      },
      intervalMs,
    );
  /** What happened since it was last asked, without the times. */
  const news = () => done.splice(0).map(({ what, payload }) => `${what} ${payload}`);
  return { throttle, offer, news, done, logger };
};

interface Offered {
  topic?: string;
  expiresAt?: number;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a throttle', () => {
  it('lets the first go at once, and the latest of those in between at the end of the interval', () => {
    const { offer, news } = setUp();
    offer('1', 1_000);
    expect(news()).toEqual(['released 1']);
    offer('2', 1_000);
    vi.advanceTimersByTime(900);
    offer('3', 1_000);
    expect(news()).toEqual(['throttled 2']);
    vi.advanceTimersByTime(99);
    expect(news()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(news()).toEqual(['released 3']);
    // That began another interval.
    vi.advanceTimersByTime(500);
    offer('4', 1_000);
    expect(news()).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(news()).toEqual(['released 4']);
    vi.advanceTimersByTime(1_000);
    offer('5', 1_000);
    expect(news()).toEqual(['released 5']);
    vi.advanceTimersByTime(1_000);
  });

  it('keeps an interval for each topic, with one timer that ends when nothing runs', () => {
    const { offer, news } = setUp();
    for (let n = 0; n < 3_000; n++) offer(`first ${n}`, 1_000, { topic: `t${n}` });
    for (let n = 0; n < 3_000; n++) offer(`second ${n}`, 1_000, { topic: `t${n}` });
    expect(vi.getTimerCount()).toBe(1);
    expect(news()).toHaveLength(3_000);
    // In several turns of the event loop.
    vi.advanceTimersByTime(1_000);
    expect(news()).toHaveLength(1_000);
    vi.advanceTimersByTime(20);
    expect(news()).toHaveLength(2_000);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1_050);
    expect(vi.getTimerCount()).toBe(0);
    expect(news()).toEqual([]);
  });

  it('goes by the interval of each rule, and by the order on the topic', () => {
    const { offer, news, throttle } = setUp();
    offer('slow 1', 60_000);
    offer('quick 1', 10_000);
    expect(news()).toEqual(['released slow 1', 'released quick 1']);
    offer('slow 2', 60_000);
    offer('quick 2', 10_000);
    expect(news()).toEqual(['throttled slow 2']);
    vi.advanceTimersByTime(10_000);
    expect(news()).toEqual(['released quick 2']);
    offer('slow 3', 60_000);
    throttle.overtake('another');
    expect(news()).toEqual([]);
    throttle.overtake('t');
    expect(news()).toEqual(['throttled slow 3']);
    vi.advanceTimersByTime(100_000);
    expect(news()).toEqual([]);
  });

  it('drops at the end of the interval what is worth nothing any more, and lets the next go at once', () => {
    const { offer, news } = setUp();
    offer('1', 1_000);
    offer('2', 1_000, { expiresAt: Date.now() + 500 });
    vi.advanceTimersByTime(1_000);
    offer('3', 1_000, { expiresAt: Date.now() + 500 });
    expect(news()).toEqual(['released 1', 'expired 2', 'released 3']);
    offer('4', 1_000, { expiresAt: Date.now() + 1_001 });
    vi.advanceTimersByTime(1_000);
    expect(news()).toEqual(['released 4']);
    vi.advanceTimersByTime(1_000);
  });

  it('does not care for jumps of the clock', () => {
    const { offer, news } = setUp();
    offer('1', 1_000);
    offer('2', 1_000);
    vi.setSystemTime(0);
    vi.advanceTimersByTime(1_000);
    expect(news()).toEqual(['released 1', 'released 2']);
    vi.advanceTimersByTime(1_000);
  });

  it('lets everything go when it is closed, and holds nothing back after it', () => {
    const { offer, news, throttle, logger } = setUp();
    for (const payload of ['1', '2', '3']) offer(payload, 1_000);
    for (const payload of ['a', 'b']) offer(payload, 500, { topic: 'other' });
    throttle.close();
    throttle.close();
    expect(news()).toEqual(['released 1', 'throttled 2', 'released a', 'released 3', 'released b']);
    offer('4', 1_000);
    expect(news()).toEqual(['released 4']);
    expect(logger.lines).toEqual([]);
  });

  it('lets go at once what finds no place among its topics, and says so once', () => {
    const { offer, news, logger, throttle } = setUp({ maxTopics: 2 });
    for (const topic of ['a', 'b', 'c', 'a', 'c']) offer(topic, 1_000, { topic });
    expect(news()).toEqual(['released a', 'released b', 'released c', 'released c']);
    vi.advanceTimersByTime(1_000);
    expect(news()).toEqual(['released a']);
    // The interval of another is over: there is a place.
    for (const payload of ['1', '2']) offer(payload, 1_000, { topic: 'c' });
    expect(news()).toEqual(['released 1']);
    throttle.close();
    expect(logger.lines).toEqual([
      'warn more is throttled than can be kept in mind (intervals for 2 topics): what finds no place goes at once',
      'info messages that no place was left to hold back: 2',
    ]);
  });

  it('lets go at once what finds no place for its bytes, and keeps the order', () => {
    const { offer, news, logger, throttle } = setUp({ maxBytes: 10 });
    offer('1', 1_000);
    vi.advanceTimersByTime(500);
    for (const payload of ['x'.repeat(8), 'y'.repeat(10), 'z'.repeat(9), '2']) offer(payload, 1_000);
    expect(news()).toEqual(['released 1', 'throttled xxxxxxxx', 'released yyyyyyyyyy', 'throttled zzzzzzzzz']);
    // What went began the interval anew.
    vi.advanceTimersByTime(999);
    expect(news()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(news()).toEqual(['released 2']);
    throttle.close();
    expect(logger.lines).toHaveLength(2);
  });

  it('takes intervals that are longer than a timer can be', () => {
    const { offer, news, throttle } = setUp();
    const month = 31 * 86_400_000;
    for (const payload of ['1', '2']) offer(payload, month);
    vi.advanceTimersByTime(month - 1);
    expect(news()).toEqual(['released 1']);
    vi.advanceTimersByTime(1);
    expect(news()).toEqual(['released 2']);
    throttle.close();
  });

  it('keeps rate, order and count, and ends with the newest of each topic, whatever comes when', () => {
    const step = fc.record({
      topic: fc.constantFrom('a', 'b', 'c'),
      intervalMs: fc.constantFrom(10, 100, 250, undefined),
      waitMs: fc.integer({ min: 0, max: 120 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, isClosed) => {
        const { offer, done, throttle } = setUp();
        const last = new Map<string, number>();
        const intervals: (number | undefined)[] = [];
        for (const [index, { topic, intervalMs, waitMs }] of steps.entries()) {
          last.set(topic, index);
          intervals.push(intervalMs);
          if (intervalMs === undefined) {
            throttle.overtake(topic);
            done.push({ what: 'released', topic, payload: String(index), at: Number.NaN });
          } else {
            offer(String(index), intervalMs, { topic });
          }
          vi.advanceTimersByTime(waitMs);
        }
        if (isClosed) throttle.close();
        else vi.advanceTimersByTime(600);
        expect(vi.getTimerCount()).toBe(0);
        expect(done.map(({ payload }) => Number(payload)).sort((a, b) => a - b)).toEqual([...steps.keys()]);
        for (const [topic, newest] of last) {
          const released = done.filter((each) => each.topic === topic && each.what === 'released');
          const numbers = released.map(({ payload }) => Number(payload));
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
          expect(numbers.at(-1)).toBe(newest);
          for (const intervalMs of [10, 100, 250]) {
            const times = released
              .filter(({ payload }) => intervals[Number(payload)] === intervalMs)
              .map(({ at }) => at);
            if (isClosed) times.pop();
            for (const [index, at] of times.slice(1).entries()) {
              expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(intervalMs - 1);
            }
          }
        }
      }),
    );
  });
});
