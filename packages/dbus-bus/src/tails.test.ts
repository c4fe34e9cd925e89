import { type Crossing, TimedEvent } from '@cstbox/mqtt-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tails } from './tails.js';

/** Something that tells observers what crosses, and counts them. */
function source() {
  const observers = new Set<(crossing: Crossing) => void>();
  return {
    get observers() {
      return observers.size;
    },
    observe(observer: (crossing: Crossing) => void) {
      observers.add(observer);
      return () => void observers.delete(observer);
    },
    cross(...crossings: Crossing[]) {
      for (const crossing of crossings) for (const observer of observers) observer(crossing);
    },
  };
}

/** A caller, and how it leaves. */
function caller(name = ':1.1') {
  const gone = new Set<() => void>();
  return {
    name,
    onGone(callback: () => void) {
      gone.add(callback);
      return () => void gone.delete(callback);
    },
    leave() {
      for (const callback of gone) callback();
    },
    get watchers() {
      return gone.size;
    },
  };
}

function event(number: number, data: Record<string, unknown> = { value: number }): Crossing {
  const timed = new TimedEvent(1, 'temperature', 'kitchen', data);
  return { direction: 'out', outcome: 'filtered', channel: 'sensor', event: timed, rule: undefined, filter: undefined };
}

const message = (payload: string, rule = 'a'): Crossing => ({
  direction: 'in',
  outcome: 'refused',
  message: { topic: 'site/set', payload: Buffer.from(payload), qos: 1, retain: false },
  refusal: { reason: 'not_json', detail: 'no JSON' },
  rule,
  filter: 'f',
});

describe('those who look on', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are told what happens, a little after it happens, or at once what has happened', async () => {
    const from = source();
    const tails = new Tails(from.observe);
    const [viewer, me] = [tails.open({}, caller()), caller()];
    const first = tails.read(viewer, me);
    from.cross(event(1));
    vi.advanceTimersByTime(49);
    from.cross(message('{'));
    vi.advanceTimersByTime(1);
    expect((await first).entries).toEqual([
      {
        time: expect.any(Number),
        direction: 'out',
        outcome: 'filtered',
        events: [{ channel: 'sensor', variable: 'temperature:kitchen', data: '{"value":1}' }],
      },
      {
        time: expect.any(Number),
        direction: 'in',
        outcome: 'refused',
        rule: 'a',
        filter: 'f',
        reason: 'not_json',
        detail: 'no JSON',
        message: { topic: 'site/set', payload: '{', payloadLength: 1, qos: 1, retain: false },
      },
    ]);
    from.cross(event(2));
    expect((await tails.read(viewer, me)).entries).toHaveLength(1);
    const quiet = tails.read(viewer, me);
    vi.advanceTimersByTime(5_000);
    expect(await quiet).toEqual({ entries: [], missed: 0 });
  });

  it('choose what they want to see', async () => {
    const from = source();
    const tails = new Tails(from.observe);
    const me = caller();
    const seen = async (options: Parameters<typeof tails.open>[0]) => {
      const viewer = tails.open(options, me);
      from.cross(event(1), message('1', 'f > a'), message('2', 'b'));
      const { entries } = await tails.read(viewer, me);
      tails.close(viewer, me);
      return entries.map(({ rule = 'none' }) => rule);
    };
    expect(await seen({ direction: 'out' })).toEqual(['none']);
    expect(await seen({ outcomes: ['refused'] })).toEqual(['f > a', 'b']);
    expect(await seen({ rule: 'a' })).toEqual(['f > a']);
  });

  it('miss what they are too slow for, and are told how much', async () => {
    const from = source();
    const tails = new Tails(from.observe);
    const [viewer, me] = [tails.open({}, caller()), caller()];
    for (let number = 0; number < 5_000; number++) from.cross(event(number));
    const { entries, missed } = await tails.read(viewer, me);
    expect([entries.length, missed]).toEqual([2_000, 3_000]);
    from.cross(event(5_000));
    expect(await tails.read(viewer, me)).toMatchObject({ entries: [{}], missed: 0 });
  });

  it('hold on to little of what is large', async () => {
    const from = source();
    const tails = new Tails(from.observe);
    const [viewer, me] = [tails.open({}, caller()), caller()];
    const huge = 'ü'.repeat(100_000);
    for (let number = 0; number < 1_000; number++) {
      from.cross(event(0, { value: huge, deep: { huge } }), message(huge, huge));
    }
    const { entries, missed } = await tails.read(viewer, me);
    expect(entries.length).toBeGreaterThan(400);
    expect(entries.length + missed).toBe(2_000);
    expect(JSON.stringify(entries).length).toBeLessThan(1024 * 1024);
    expect(entries[1]?.message?.payloadLength).toBe(200_000);
    expect(entries[1]?.message?.payload).toBe(`${'ü'.repeat(299)}…`);
  });

  it('never see a part of a secret where a text is cut', async () => {
    const from = source();
    const secret = 'correct horse battery staple';
    const redact = (text: string) => text.replaceAll(secret, '***');
    const tails = new Tails(from.observe, redact);
    const [viewer, me] = [tails.open({}, caller()), caller()];
    for (let length = 250; length <= 300; length++) {
      from.cross(message(`${'x'.repeat(length)}${secret}${'x'.repeat(length % 2 ? 0 : 5_000)}`));
      from.cross(message(`${secret.repeat(200)}${'x'.repeat(length)}`));
    }
    const { entries } = await tails.read(viewer, me);
    expect(entries.filter(({ message }) => redact(message?.payload ?? '').includes('correct'))).toEqual([]);
  });

  it('cost nothing when they are gone: by their own word, when they leave the bus, or do not read', async () => {
    const from = source();
    const tails = new Tails(from.observe);
    const me = caller();
    expect(from.observers).toBe(0);
    tails.close(tails.open({}, me), me);
    const left = tails.open({}, me);
    const waiting = tails.read(left, me);
    me.leave();
    expect(await waiting).toEqual({ entries: [], missed: 0 });
    tails.open({}, me);
    vi.advanceTimersByTime(14_999);
    expect(from.observers).toBe(1);
    vi.advanceTimersByTime(1);
    expect([from.observers, me.watchers, vi.getTimerCount()]).toEqual([0, 0, 0]);
    expect(() => tails.read(left, me)).toThrow('no longer');
  });

  it('are four at most, each for itself, and none after the end', async () => {
    const from = source();
    const tails = new Tails(from.observe);
    const me = caller();
    const [first] = Array.from({ length: 4 }, () => tails.open({}, me)) as [string];
    expect(() => tails.open({}, me)).toThrow('4 look on already');
    expect(() => tails.read(first, caller(':1.2'))).toThrow('you have no such view');
    const [one, other] = [tails.read(first, me), tails.read(first, me)];
    expect(await one).toEqual({ entries: [], missed: 0 });
    tails.closeAll();
    expect(await other).toEqual({ entries: [], missed: 0 });
    expect([from.observers, vi.getTimerCount()]).toEqual([0, 0]);
    expect(() => tails.open({}, me)).toThrow('the gateway stops');
  });
});
