import { type ConfigurationError, MQTTConnector } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import type { InboundRuleTuple } from './inbound-rule.js';
import { REInboundFilter } from './re-inbound-filter.js';
import { REOutboundFilter } from './re-outbound-filter.js';

const client = new MQTTConnector({ broker: 'localhost' });
const dispatch: InboundRuleTuple[1] = [['switch', 'lamp']];
const problemsOf = (options: unknown) => {
  try {
    new REInboundFilter([['a$', dispatch, options as never]]);
    return [];
  } catch (error) {
    return (error as ConfigurationError).problems.map(({ path, message }) => [path.slice(1), message]);
  }
};

describe('the rule that decided', () => {
  it('is known by its regex, also when it blocks or the decision is an old one', () => {
    const filter = new REInboundFilter([
      ['blocked', []],
      ['lamp$', dispatch],
    ]);
    const ask = (topic: string) => {
      filter.acceptEvent(client, undefined, { topic, payload: Buffer.from('1'), qos: 1, retain: false });
      return filter.lastRule?.name;
    };
    expect(['lamp', 'blocked', 'lamp', 'other'].map(ask)).toEqual(['lamp$', 'blocked', 'lamp$', undefined]);

    const outbound = new REOutboundFilter([['x:', 'x']]);
    outbound.getMqttTopic(0, 'x', 'y', {});
    expect(outbound.lastRule?.name).toBe('x:');
    outbound.getMqttTopic(0, 'y', 'y', {});
    expect(outbound.lastRule).toBeUndefined();
  });

  it('carries its options as a policy', () => {
    const options = { retained: 'accept', max_age: 1.5, timestamp_field: 'at', id_field: 'seq' } as const;
    const filter = new REInboundFilter([['lamp$', dispatch, options]]);
    filter.acceptEvent(client, undefined, { topic: 'lamp', payload: Buffer.from('1'), qos: 1, retain: false });
    expect(filter.lastRule?.policy).toEqual({
      retained: 'accept',
      maxAgeMs: 1_500,
      timestampField: 'at',
      idField: 'seq',
    });
  });
});

describe('wrong options of an inbound rule', () => {
  it.each<[unknown, unknown[]]>([
    ['retained', [[2], expect.stringContaining('the options, is an object')]],
    [{ retained: true }, [[2, 'retained'], expect.stringContaining("'ignore' or 'accept'")]],
    [{ max_age: '5' }, [[2, 'max_age'], expect.stringContaining('a number of seconds above 0')]],
    [{ max_age: 0 }, [[2, 'max_age'], expect.stringContaining('a number of seconds above 0')]],
    [{ id_field: '' }, [[2, 'id_field'], expect.stringContaining('the name of a field')]],
    [{ timestamp_field: 1 }, [[2, 'timestamp_field'], expect.stringContaining('the name of a field')]],
    [{ maxage: 5 }, [[2, 'maxage'], "unknown key 'maxage': did you mean 'max_age'?"]],
  ])('%j are refused with their place', (options, problem) => {
    expect(problemsOf(options)).toEqual([problem]);
  });

  it('are refused in an outbound rule altogether', () => {
    expect(() => new REOutboundFilter([['a', 'b', {}] as never])).toThrow('a rule is [regex, topic]');
  });
});
