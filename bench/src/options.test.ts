import { brokerKinds } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.js';

/** As a shell splits it. */
const parsed = (line: string) => parseOptions(line.split(' ').filter(Boolean));

describe('options', () => {
  it('have defaults for each scenario', () => {
    const common = { gateways: ['mqttgwd'], durabilities: ['spill'] };
    expect(parsed('')).toMatchObject({
      ...common,
      scenario: 'flood',
      qos: [0, 1, 2],
      runs: 3,
      setting: { events: 100_000, pacedEvents: 5_000, pacedRate: 1_000, variables: 100, viewers: 0 },
    });
    expect(parsed('backlog')).toMatchObject({ ...common, qos: [1], runs: 1, setting: { events: 1_000_000 } });
  });

  it.runIf(brokerKinds.includes('mosquitto'))('have defaults for a frozen broker', () => {
    expect(parsed('frozen')).toMatchObject({ qos: [1], runs: 1, setting: { seconds: 60, rate: 2_000 } });
  });

  it('have others for rules, which need no gateway', () => {
    expect(parsed('rules')).toEqual({ scenario: 'rules', setting: { variables: 100_000 }, runs: 3, json: undefined });
    expect(parsed('rules --variables 5000 --runs 1')).toMatchObject({ setting: { variables: 5_000 }, runs: 1 });
  });

  it('are taken from the command line', () => {
    const line =
      '--events 5000 --viewers 2 --qos 2,0 --durability always,memory --broker aedes --against node-pipe --json x.json';
    expect(parsed(line)).toMatchObject({
      scenario: 'flood',
      gateways: ['mqttgwd', 'node-pipe'],
      durabilities: ['always', 'memory'],
      qos: [2, 0],
      json: 'x.json',
      setting: { broker: 'aedes', events: 5_000, viewers: 2 },
    });
  });

  it('may name what is measured twice, which is measured once', () => {
    expect(parsed('flood --qos 1,1 --durability spill,spill --against mqttgwd')).toMatchObject({
      gateways: ['mqttgwd'],
      durabilities: ['spill'],
      qos: [1],
    });
  });

  it.each([
    ['--qos 0,3', '--qos: 3 is none of 0, 1, 2'],
    ['--events many', '--events: many is no count'],
    ['--runs 0', '--runs: 0 is no count'],
    ['--against nothing', '--against: nothing is none of mqttgwd, node-pipe'],
    ['--durability disk', '--durability: disk is none of memory, spill, always'],
    ['--fast', "Unknown option '--fast'"],
    ['rules --qos 1', "Unknown option '--qos'"],
    ['thaw', 'scenario: thaw is none of flood, backlog, frozen'],
    ['frozen --events 3', "Unknown option '--events'"],
    ['backlog --rate 3', "Unknown option '--rate'"],
    ['backlog --durability spill,memory', 'memory keeps nothing over a restart'],
    ['backlog --against node-pipe', 'node-pipe keeps nothing'],
    ['frozen --broker aedes', 'aedes has no process of its own'],
  ])('%j is refused', (line, message) => {
    expect(() => parsed(line)).toThrow(message);
  });
});
