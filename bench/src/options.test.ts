import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.js';

describe('options', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toMatchObject({ gateways: ['mqttgwd'], qos: [0, 1, 2], events: 100_000, runs: 3 });
  });

  it('are taken from the command line', () => {
    const args = [
      '--events',
      '5000',
      '--qos',
      '2,0',
      '--broker',
      'aedes',
      '--against',
      'node-pipe',
      '--json',
      'x.json',
    ];
    expect(parseOptions(args)).toMatchObject({
      gateways: ['mqttgwd', 'node-pipe'],
      broker: 'aedes',
      qos: [2, 0],
      events: 5_000,
      json: 'x.json',
    });
  });

  it.each([
    [['--qos', '0,3'], '--qos: 3 is none of 0, 1, 2'],
    [['--events', 'many'], '--events: many is no count'],
    [['--runs', '0'], '--runs: 0 is no count'],
    [['--against', 'nothing'], '--against: nothing is none of mqttgwd, node-pipe'],
    [['--fast'], "Unknown option '--fast'"],
  ])('%j are refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
