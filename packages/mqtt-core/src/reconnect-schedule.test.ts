import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBrokerAddresses } from './broker-address.js';
import { type AttemptEnd, ReconnectSchedule } from './reconnect-schedule.js';

const UNREACHABLE = { kind: 'unreachable' } as const;
const lost = (lastedMs: number, by?: 'broker' | 'namesake') => ({ kind: 'lost', lastedMs, by }) as const;

function scheduleFor(hosts: string[], random = () => 1, version: 'auto' | 4 | 5 = 'auto') {
  const addresses = parseBrokerAddresses(hosts, undefined, false);
  const schedule = new ReconnectSchedule(addresses, version, { minMs: 1_000, maxMs: 30_000 }, random);
  const target = () => `${schedule.next.address.host}/${schedule.next.version}`;
  return { schedule, target, end: (end: AttemptEnd) => schedule.ended(end) };
}

describe('the schedule of attempts to connect', () => {
  it('waits twice as long each time, up to a limit, with a random part', () => {
    const { end } = scheduleFor(['a']);
    expect(Array.from({ length: 8 }, () => end(UNREACHABLE))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
    const early = scheduleFor(['a'], () => 0);
    expect([early.end(UNREACHABLE), early.end(UNREACHABLE)]).toEqual([750, 1_500]);
  });

  it('tries one address after the other before it waits, and a round is one step', () => {
    const { end, target } = scheduleFor(['a', 'b', 'c']);
    const trace = Array.from({ length: 7 }, () => [target(), end(UNREACHABLE)]);
    expect(trace).toEqual([
      ['a/5', 0],
      ['b/5', 0],
      ['c/5', 1_000],
      ['a/5', 0],
      ['b/5', 0],
      ['c/5', 2_000],
      ['a/5', 0],
    ]);
  });

  it('begins with the address that worked, then goes on to the next, and back', () => {
    const { schedule, end, target } = scheduleFor(['a', 'b']);
    schedule.accepted();
    expect([end(lost(60_000)), target()]).toEqual([1_000, 'a/5']);
    expect([end(UNREACHABLE), target()]).toEqual([0, 'b/5']);
    schedule.accepted();
    expect([end(lost(60_000)), target()]).toEqual([1_000, 'b/5']);
    expect([end(UNREACHABLE), target()]).toEqual([0, 'a/5']);
  });

  it('does not stay with a broker that accepts it and does not keep it', () => {
    const { end, target } = scheduleFor(['a', 'b']);
    end(lost(100));
    expect(target()).toBe('b/5');
  });

  it('begins anew after a connection that lasted, and only then', () => {
    const { end } = scheduleFor(['a']);
    expect([end(UNREACHABLE), end(UNREACHABLE), end(lost(9_000)), end(lost(10_000))]).toEqual([
      1_000, 2_000, 4_000, 1_000,
    ]);
  });

  it('leaves a broker alone that refuses the login: half a minute, then longer, five minutes at most', () => {
    const { schedule, end } = scheduleFor(['a'], () => 0);
    const refused = { kind: 'refused' } as const;
    expect([end(refused), end(refused), end(refused), end(refused), end(refused), end(refused)]).toEqual([
      30_000, 60_000, 120_000, 240_000, 300_000, 300_000,
    ]);
    schedule.accepted();
    end(lost(60_000));
    expect(end(refused)).toBe(30_000);
  });

  it('asks the next address at once when the login is refused, and is slow when all were asked', () => {
    const { end, target } = scheduleFor(['a', 'b'], () => 0);
    expect([end({ kind: 'refused' }), target(), end(UNREACHABLE), target()]).toEqual([0, 'b/5', 30_000, 'a/5']);
  });

  it('speaks 3.1.1 at once, and from then on, where 5 is refused', () => {
    const { schedule, end, target } = scheduleFor(['a', 'b']);
    expect([end({ kind: 'version_refused' }), target()]).toEqual([0, 'a/4']);
    schedule.accepted();
    expect([end(lost(60_000)), target()]).toEqual([1_000, 'a/4']);
    expect([end(UNREACHABLE), target()]).toEqual([0, 'b/5']);
  });

  it('tries 3.1.1 once where the answer to 5 is odd, and takes nothing for granted', () => {
    const { schedule, end, target } = scheduleFor(['a']);
    const odd = { kind: 'odd_answer' } as const;
    expect([end(odd), target(), end(odd), target()]).toEqual([0, 'a/4', 1_000, 'a/5']);
    end(odd);
    schedule.accepted();
    expect(schedule.ended(lost(60_000))).toBe(1_000);
    expect(target()).toBe('a/5');
  });

  it('stays with 5 where it worked, whatever comes but a refusal', () => {
    const { schedule, end, target } = scheduleFor(['a']);
    schedule.accepted();
    end(lost(60_000));
    end({ kind: 'odd_answer' });
    expect(target()).toBe('a/5');
    end({ kind: 'version_refused' });
    expect(target()).toBe('a/4');
  });

  it.each([4, 5] as const)('speaks version %s only when told so', (version) => {
    const { end, target } = scheduleFor(['a'], () => 1, version);
    expect(end({ kind: 'version_refused' })).toBe(1_000);
    expect(end({ kind: 'odd_answer' })).toBe(2_000);
    expect(target()).toBe(`a/${version}`);
  });

  it('suspects a client of the same name after three connections that the broker closed soon', () => {
    const { schedule, end } = scheduleFor(['a']);
    end(lost(500, 'broker'));
    end(lost(500, 'broker'));
    expect(schedule.contested).toBe(false);
    end(lost(500, 'broker'));
    expect(schedule.contested).toBe(true);
    // The other one waits up to 30 s: that this one lasted so long does not mean that it is gone.
    expect(end(lost(29_000, 'broker'))).toBe(8_000);
    expect(schedule.contested).toBe(true);
    expect(end(lost(80_000))).toBe(1_000);
    expect(schedule.contested).toBe(false);
  });

  it('knows so when the broker says it', () => {
    const { schedule, end } = scheduleFor(['a']);
    end(lost(60_000, 'namesake'));
    expect(schedule.contested).toBe(true);
  });

  it('suspects nobody when connections end for reasons of our own', () => {
    const { schedule, end } = scheduleFor(['a']);
    for (let index = 0; index < 5; index++) end(lost(500));
    expect(schedule.contested).toBe(false);
  });

  it('never waits longer than it may, and never goes round without a wait', () => {
    const ends = fc.oneof(
      fc.constantFrom<AttemptEnd>(
        UNREACHABLE,
        { kind: 'version_refused' },
        { kind: 'odd_answer' },
        { kind: 'refused' },
      ),
      fc.record({
        kind: fc.constant('lost' as const),
        lastedMs: fc.nat(200_000),
        by: fc.constantFrom('broker' as const, 'namesake' as const, undefined),
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(ends, { maxLength: 100 }), (count, list) => {
        const { schedule } = scheduleFor(Array.from({ length: count }, (_, index) => `h${index}`));
        let atOnce = 0;
        for (const end of list) {
          const wait = schedule.ended(end);
          expect(wait).toBeLessThanOrEqual(375_000);
          atOnce = wait === 0 ? atOnce + 1 : 0;
          // Each address in each of the two versions.
          expect(atOnce).toBeLessThan(2 * count + 1);
        }
      }),
    );
  });
});
