import { type MQTTMessage, TimedEvent } from '@cstbox/mqtt-core';
import { describe, expect, it, vi } from 'vitest';
import { REInboundFilter } from './re-inbound-filter.js';
import { REOutboundFilter } from './re-outbound-filter.js';

const event = (variable: string, data = {}) => {
  const [type = '', ...name] = variable.split(':');
  return new TimedEvent(0, type, name.join(':'), data);
};
const message = (topic: string): MQTTMessage => ({ topic, payload: Buffer.from('on'), qos: 1, retain: false });

const HOUSE = [
  { match: 'temperature:(?P<room>\\w+)', channel: 'sysmon', topic: 'system/{room}' },
  { match: 'temperature:(?P<room>\\w+)', when: { value: { gt: 30 }, unit: 'C' }, topic: 'hot/{room}', deadband: 1 },
  { match: 'temperature:(?P<room>\\w+)', when: { any: [{ value: 0 }, { state: 'x' }] }, topic: 'cold' },
  ['temperature:(?:(?P<room>[a-z]+)\\d|\\w+)', 'rooms/{room}'],
  ['temperature:(?P<room>\\w+)', 'site/{room}'],
  ['temperature:', 'rest'],
] as const;

describe('an outbound filter', () => {
  it('says what each rule has to say, with its groups, and which one decides', () => {
    const filter = new REOutboundFilter(HOUSE);
    expect(filter.explain(event('temperature:kitchen', { value: 21 }), 'sensor')).toEqual([
      {
        rule: 'temperature:(?P<room>\\w+) on sysmon',
        index: 0,
        outcome: 'channel',
        detail: 'it is for sysmon, and the event came on sensor',
        groups: { room: 'kitchen' },
      },
      {
        rule: 'temperature:(?P<room>\\w+) when {"value":{"gt":30},"unit":"C"}',
        index: 1,
        outcome: 'condition',
        detail: 'value is 21, and must be {"gt":30}',
        groups: { room: 'kitchen' },
      },
      expect.objectContaining({ outcome: 'condition', detail: 'none of these holds: [{"value":0},{"state":"x"}]' }),
      expect.objectContaining({
        outcome: 'not_applied',
        detail: "group 'room' took no part in the match",
        groups: { room: undefined },
      }),
      expect.objectContaining({ index: 4, outcome: 'decides', groups: { room: 'kitchen' } }),
      { rule: 'temperature:', index: 5, outcome: 'not_reached' },
    ]);
    const outcomes = (variable: string, data: object) =>
      filter.explain(event(variable, data), 'sensor').map(({ outcome, detail }) => detail ?? outcome);
    expect(outcomes('temperature:attic', { value: 31 })[1]).toBe('unit is not there, and must be "C"');
    expect(outcomes('door:attic', {})).toEqual(Array(6).fill('no_match'));
  });

  it('names the rule that decides when it is asked, whatever the event', () => {
    const filter = new REOutboundFilter(HOUSE);
    for (const data of [{}, { value: 0 }, { value: 31, unit: 'C' }, { state: 'x' }]) {
      for (const variable of ['temperature:kitchen', 'temperature:attic1', 'temperature:', 'a:b', 'x']) {
        for (const channel of ['sensor', 'sysmon']) {
          const asked = event(variable, data);
          const decider = filter.explain(asked, channel).find(({ outcome }) => outcome === 'decides');
          filter.getMqttTopic(0, asked.varType, asked.varName, data, channel);
          expect(decider?.rule, `${variable} ${channel}`).toBe(filter.lastRule?.name);
        }
      }
    }
  });

  it('changes nothing by explaining: neither what is compared, nor counted, nor logged', () => {
    const warn = vi.fn();
    const logger = { debug() {}, info() {}, warn, error() {} };
    const filter = new REOutboundFilter(
      [['(?:(?P<n>\\d)|x):', 'x/{n}'], { match: 'x:', topic: 'x', deadband: 5 }],
      logger,
    );
    for (let n = 0; n < 3; n++) filter.explain(event('x:y', { value: 1 }), 'sensor');
    expect(filter.notApplied).toEqual([0, 0]);
    expect(warn).not.toHaveBeenCalled();
    expect(filter.getMqttTopic(0, 'x', 'y', { value: 1 }, 'sensor')).toBe('x');
    filter.explain(event('x:y', { value: 100 }), 'sensor');
    expect(filter.getMqttTopic(0, 'x', 'y', { value: 2 }, 'sensor')).toBeNull();
    expect(filter.takeRefusal()?.reason).toBe('unchanged');
  });

  it('says why a rule that decides refuses', () => {
    const filter = new REOutboundFilter([['x:(?P<name>.*)', '{name}']]);
    expect(filter.explain(event('x:'), 'sensor')).toEqual([
      expect.objectContaining({ outcome: 'decides', detail: expect.stringContaining('a topic is not empty') }),
    ]);
  });
});

describe('an inbound filter', () => {
  it('says what each rule has to say to a topic', () => {
    const filter = new REInboundFilter([
      ['site/nursery/', []],
      ['site/(?P<room>[^/]+)/set/(?P<what>\\w+)$', [['{what}', '{room}']]],
      ['site/', [['log', 'all']]],
    ]);
    expect(filter.explain(message('site/kitchen/set/light'))).toEqual([
      { rule: 'site/nursery/', index: 0, outcome: 'no_match' },
      expect.objectContaining({ index: 1, outcome: 'decides', groups: { room: 'kitchen', what: 'light' } }),
      { rule: 'site/', index: 2, outcome: 'not_reached' },
    ]);
  });

  it('is bounded as it is when it decides: the rule that a text is too much for refuses it', () => {
    const filter = new REInboundFilter([
      ['(?:a|b|ab)*c', []],
      ['(?P<a>(?:a|b|ab|ba|aba)*)*(?:x|y)*\\d$', [['x', 'y']]],
      ['.*', [['x', 'z']]],
    ]);
    const topic = 'ab'.repeat(20_000);
    const trials = filter.explain(message(topic));
    filter.acceptEvent(undefined as never, undefined, message(topic));
    const decider = trials.find(({ outcome }) => outcome === 'decides');
    expect(decider?.rule).toBe(filter.lastRule?.name);
    expect(decider?.detail).toContain('it takes too long to find out');
    expect(filter.takeRefusal()?.reason).toBe('too_costly');
  });
});
