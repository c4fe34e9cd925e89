import { describe, expect, it } from 'vitest';
import { type CommandEvidence, checkCommands, checkEvents, type EventEvidence } from './checker.js';
import { FIRST_TIMESTAMP, ROOMS } from './names.js';
import type { Arrival, Offered } from './witness.js';

const arrival = (number: number, more: Partial<Arrival> = {}): Arrival => ({
  number,
  variable: `temperature:room${number % ROOMS}`,
  timestamp: FIRST_TIMESTAMP + number,
  atMs: 1_000,
  ...more,
});
const offer = (number: number, more: Partial<Offered> = {}): Offered => ({
  number,
  atMs: 1_000,
  life: 1,
  acceptedAtMs: 1_000,
  ...more,
});
const events = (more: Partial<EventEvidence>) =>
  checkEvents({
    setting: { durability: 'spill', qos: 1 },
    offered: [],
    arrivals: [],
    acknowledged: new Set(),
    lives: [{ number: 1, frozen: [] }],
    brokerKillsMs: [],
    breaksMs: [],
    damaged: 0,
    ...more,
  });

describe('of events the checker says', () => {
  it('nothing when all arrive in order', () => {
    const numbers = [1, 2, 3, 1 + ROOMS];
    const figures = events({
      offered: numbers.map((n) => offer(n)),
      arrivals: [3, 1, 2, 1 + ROOMS].map((n) => arrival(n)),
    });
    expect(Object.entries(figures).filter(([, count]) => count > 0)).toEqual([['count', 4]]);
  });

  it('which are lost, and which by the broker', () => {
    const offered = [offer(1), offer(2), offer(3)];
    expect(events({ offered, arrivals: [arrival(1)], acknowledged: new Set([2]) })).toMatchObject({
      count: 3,
      lost: 1,
      byBroker: 1,
    });
  });

  it('nothing of one that the gateway was not seen to have read', () => {
    const offered = [
      offer(1, { acceptedAtMs: undefined } as never),
      offer(2, { life: undefined, acceptedAtMs: undefined } as never),
    ];
    expect(events({ offered })).toMatchObject({ count: 0, lost: 0, unheard: 1 });
  });

  it.each([
    ['memory', 'killed', 100, 'inWindow'],
    ['memory', 'killed', 60_000, 'inWindow'],
    ['memory', 'terminated', 60_000, 'inWindow'],
    ['spill', 'killed', 300, 'inWindow'],
    ['spill', 'killed', 1_000, 'lost'],
    ['spill', 'terminated', 1, 'lost'],
    ['always', 'killed', 40, 'inWindow'],
    ['always', 'killed', 500, 'lost'],
    ['always', 'terminated', 1, 'lost'],
  ] as const)('with %s, %s %i ms later: %s', (durability, end, laterMs, verdict) => {
    const lives = [
      { number: 1, frozen: [], end, endedMs: 1_000 + laterMs },
      { number: 2, frozen: [] },
    ];
    const figures = events({ setting: { durability, qos: 1 }, offered: [offer(1)], lives });
    expect(figures).toMatchObject({ lost: 0, inWindow: 0, [verdict]: 1 });
  });

  it('that a frozen gateway could store nothing', () => {
    const frozen = [{ fromMs: 1_010, toMs: 1_990 }];
    const lives = [{ number: 1, frozen, end: 'killed' as const, endedMs: 2_000 }];
    const setting = { durability: 'always', qos: 1 } as const;
    expect(events({ setting, offered: [offer(1)], lives })).toMatchObject({ inWindow: 1, lost: 0 });
  });

  it('that nothing excuses a loss in a life that goes on, memory or not', () => {
    expect(events({ setting: { durability: 'memory', qos: 2 }, offered: [offer(1)] })).toMatchObject({ lost: 1 });
  });

  it('that a life stores for the next: what came before the last is not in the window of the last', () => {
    const lives = [
      { number: 1, frozen: [], end: 'terminated' as const, endedMs: 1_100 },
      { number: 2, frozen: [], end: 'killed' as const, endedMs: 1_200 },
    ];
    expect(events({ offered: [offer(1)], lives })).toMatchObject({ lost: 1 });
  });

  it('that QoS 0 promises nothing once a connection ends', () => {
    const setting = { durability: 'memory', qos: 0 } as const;
    expect(events({ setting, offered: [offer(1)], breaksMs: [900] })).toMatchObject({ lost: 1 });
    expect(events({ setting, offered: [offer(1)], breaksMs: [1_100] })).toMatchObject({ lost: 0, inWindow: 1 });
  });

  it('that a damaged store excuses as many as were counted', () => {
    const offered = [offer(1), offer(2), offer(3)];
    expect(events({ offered, damaged: 2 })).toMatchObject({ inWindow: 2, lost: 1 });
  });

  it('which came twice, and which of these because the broker forgot', () => {
    const offered = [offer(1)];
    const twice = [arrival(1, { atMs: 2_000 }), arrival(1, { atMs: 3_000 })];
    expect(events({ offered, arrivals: twice })).toMatchObject({ doubled: 1, doubledByBroker: 0 });
    expect(events({ offered, arrivals: twice, brokerKillsMs: [2_500] })).toMatchObject({
      doubled: 1,
      doubledByBroker: 1,
    });
    expect(events({ offered, arrivals: twice, brokerKillsMs: [500] })).toMatchObject({
      doubled: 1,
      doubledByBroker: 0,
    });
  });

  it('which are out of order within their variable, by their first arrivals', () => {
    const [first, second, third] = [1, 1 + ROOMS, 1 + 2 * ROOMS];
    const offered = [first, second, third].map((n) => offer(n));
    expect(events({ offered, arrivals: [third, first, second, third].map((n) => arrival(n)) })).toMatchObject({
      outOfOrder: 2,
      doubled: 1,
    });
    expect(events({ offered, arrivals: [first, second, first, third].map((n) => arrival(n)) })).toMatchObject({
      outOfOrder: 0,
    });
  });

  it('which came with another date or as another variable, and which nobody sent', () => {
    const arrivals = [
      arrival(1, { timestamp: FIRST_TIMESTAMP }),
      arrival(2, { variable: 'temperature:room9' }),
      arrival(3),
    ];
    expect(events({ offered: [offer(1), offer(2)], arrivals })).toMatchObject({ altered: 2, stray: 1 });
  });
});

describe('of commands the checker says', () => {
  const published = [1, 2, 3].map((number) => ({ number, variable: 'dim:q1' }));
  const commands = (more: Partial<CommandEvidence>) =>
    checkCommands({
      setting: { qos: 1 },
      published,
      arrivals: [1, 3].map((number) => ({ number, variable: 'dim:q1', atMs: 0 })),
      acknowledgedMs: new Map(),
      isAtGateway: () => false,
      brokerKillsMs: [],
      busKillsMs: [],
      ...more,
    });

  it('that one which never arrives is lost by the gateway', () => {
    expect(commands({})).toMatchObject({ count: 3, lost: 1, byBroker: 0 });
  });

  it('that a broker which was killed lost it, unless the gateway has it or has acknowledged it', () => {
    const brokerKillsMs = [1_000];
    expect(commands({ brokerKillsMs })).toMatchObject({ lost: 0, byBroker: 1 });
    expect(commands({ brokerKillsMs, isAtGateway: () => true })).toMatchObject({ lost: 1, byBroker: 0 });
    expect(commands({ brokerKillsMs, acknowledgedMs: new Map([[2, 900]]) })).toMatchObject({ lost: 1, byBroker: 0 });
  });

  it('that it may have died in the bus, after the event manager had taken it', () => {
    const acknowledgedMs = new Map([[2, 900]]);
    expect(commands({ acknowledgedMs, busKillsMs: [1_000] })).toMatchObject({ lost: 0, inWindow: 1 });
    expect(commands({ acknowledgedMs, busKillsMs: [2_000] })).toMatchObject({ lost: 1 });
  });

  it('that QoS 0 promises nothing', () => {
    expect(commands({ setting: { qos: 0 } })).toMatchObject({ lost: 0, inWindow: 1 });
  });

  it('which came as another variable', () => {
    const arrivals = [1, 2, 3].map((number) => ({ number, variable: 'dim:q2', atMs: 0 }));
    expect(commands({ arrivals })).toMatchObject({ altered: 3, lost: 0 });
  });
});
