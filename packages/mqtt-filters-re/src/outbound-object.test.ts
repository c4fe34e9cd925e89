import {
  type ConfigurationError,
  type EventData,
  eventToJson,
  MQTTGatewayError,
  silentLogger,
  type Timestamp,
} from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import type { OutboundRule } from './outbound-rule.js';
import type { OutboundRuleObject } from './outbound-rule-object.js';
import type { PayloadSpec } from './payload-builder.js';
import { REOutboundFilter } from './re-outbound-filter.js';

type Given = Partial<OutboundRuleObject>;
const AT = 1_700_000_000_000;

const ruleOf = (given: Given): OutboundRuleObject => ({
  match: '(?P<type>[^:]+):(?P<name>.+)$',
  topic: 't/{name}',
  ...given,
});
const filterOf = (...rules: (Given | readonly [string, string])[]) =>
  new REOutboundFilter(rules.map((rule) => (Array.isArray(rule) ? rule : ruleOf(rule as Given))) as OutboundRule[]);

/** What becomes of an event: topic and payload, the reason of a refusal, or null. */
function send(
  filter: REOutboundFilter,
  data: EventData,
  { type = 'temperature', name = 'kitchen', channel = 'sensor', at = AT as Timestamp } = {},
) {
  const topic = filter.getMqttTopic(at, type, name, data, channel);
  if (topic === null) return filter.takeRefusal()?.reason ?? null;
  return [topic, filter.makePayload(at, type, name, data)];
}

const payloadOf = (given: Given, data: EventData, event = {}) => {
  const sent = send(filterOf(given), data, event);
  return Array.isArray(sent) ? sent[1] : sent;
};

const problemsOf = (given: object) => {
  try {
    new REOutboundFilter([['a:b', 't'], { match: 'a:(?P<room>.*)', topic: 't/{room}', ...given }] as never);
    return [];
  } catch (error) {
    return (error as ConfigurationError).problems.map(({ path, message }) => [path, message]);
  }
};

describe('a rule as an object', () => {
  it('does what the tuple does when it says no more', () => {
    const object = new REOutboundFilter([{ match: ' a:(?P<n>.*) ', topic: ' t/{n} ' }]);
    const tuple = new REOutboundFilter([[' a:(?P<n>.*) ', ' t/{n} ']]);
    for (const name of ['x', 'a/b', '\ud800', 'x'.repeat(70_000)]) {
      expect(send(object, { value: 1 }, { type: 'a', name })).toEqual(send(tuple, { value: 1 }, { type: 'a', name }));
    }
    expect(object.lastRule?.name).toBe(tuple.lastRule?.name);
    expect(send(object, {}, { type: 'b' })).toBeNull();
  });

  it('says how its messages are published, with the same object for all events', () => {
    const filter = filterOf({
      qos: 2,
      retain: true,
      expiry: 1.5,
      throttle: 60,
      on_backlog: 'latest',
      user_properties: { site: 'a' },
    });
    send(filter, {});
    const first = filter.lastRule;
    expect(first?.publish).toEqual({
      ...{ qos: 2, retain: true, expiryMs: 1_500, throttleMs: 60_000, onBacklog: 'latest' },
      userProperties: Object.assign(Object.create(null), { site: 'a' }),
    });
    send(filter, {}, { name: 'attic' });
    expect(filter.lastRule).toBe(first);
    const plain = filterOf({ qos: 1 });
    send(plain, {});
    expect(plain.lastRule).toEqual({ name: first?.name, publish: { qos: 1 } });
    expect(filterOf({}).lastRule).toBeUndefined();
  });

  it('fills user properties with the groups, once for each variable', () => {
    const filter = filterOf({ qos: 1, user_properties: { room: '{name}', kind: '%(type)s of a house', __proto: 'x' } });
    const ask = (name: string) => {
      const sent = send(filter, {}, { name });
      return [sent, filter.lastRule] as const;
    };
    const [, kitchen] = ask('kitchen');
    expect({ ...kitchen?.publish?.userProperties }).toEqual({
      room: 'kitchen',
      kind: 'temperature of a house',
      __proto: 'x',
    });
    expect(kitchen?.publish?.qos).toBe(1);
    expect(ask('kitchen')[1]).toBe(kitchen);
    expect({ ...ask('attic')[1]?.publish?.userProperties }).toMatchObject({ room: 'attic' });
    expect(kitchen?.name).toBe(ask('hall')[1]?.name);
    expect(ask('a\u0085b')[0]).toBe('illegal_property');
  });

  it('is for its channels; the next rule is tried on others', () => {
    const two = filterOf({ channel: 'sensor', topic: 'sensor' }, { channel: ['control', 'sysmon'], topic: 'two' });
    expect(two.channels).toEqual(['sensor', 'control', 'sysmon']);
    const on = (channel: string) => (send(two, {}, { channel }) as string[] | null)?.[0];
    expect(['sensor', 'control', 'sysmon', 'framework'].map(on)).toEqual(['sensor', 'two', 'two', undefined]);
  });

  it('takes what meets its condition, as it is on the bus; the next rule is tried otherwise', () => {
    const filter = filterOf(
      { when: { value: { gt: 30 }, unit: 'degC' }, topic: 'hot', unit: '°F' },
      { when: { value: { exists: false } }, topic: 'none' },
      ['temperature:', 'rest'],
      ['temperature:', 'never'],
    );
    const on = (data: EventData) => (send(filter, data) as string[])[0];
    expect(on({ value: 31, unit: 'degC' })).toBe('hot');
    expect(filter.lastRule?.name).toMatch(/^\(\?P<type>\[\^:\]\+\):\(\?P<name>\.\+\)\$ when \{/);
    expect(on({ value: 29, unit: 'degC' })).toBe('rest');
    expect(filter.lastRule?.name).toBe('temperature:');
    expect(on({ value: '31', unit: 'degC' })).toBe('rest');
    expect(on({})).toBe('none');
  });

  it('refuses only what it takes', () => {
    const filter = filterOf({ when: { value: 1 }, topic: '{name}' }, { topic: 'rest' });
    const name = '\ud800';
    expect(send(filter, { value: 1 }, { name })).toBe('illegal_topic');
    expect((send(filter, { value: 2 }, { name }) as string[])[0]).toBe('rest');
  });
});

describe('units and decimals', () => {
  it('are changed in all that is published of an event', () => {
    const data = { value: 21_537, unit: 'Wh', delta: 3 };
    const rule = { unit: 'kWh', round: 1 };
    expect(payloadOf(rule, data)).toBe(
      eventToJson(AT, 'temperature', 'kitchen', { ...data, value: 21.5, unit: 'kWh' }),
    );
    expect(payloadOf({ ...rule, payload: 'value' }, data)).toBe('21.5');
    expect(payloadOf({ ...rule, payload: { json: '{data}' } }, data)).toBe('{"value":21.5,"unit":"kWh","delta":3}');
    expect(data.value).toBe(21_537);
  });

  it('are refused where they can not be told, with the reason', () => {
    const rule = { unit: 'kWh', payload: 'value' } as const;
    expect(payloadOf(rule, { value: 1 })).toBe('unknown_unit');
    expect(payloadOf(rule, { value: 1, unit: 'C' })).toBe('unknown_unit');
    expect(payloadOf(rule, { value: 1, unit: 7 })).toBe('unknown_unit');
    expect(payloadOf(rule, { value: 1, unit: 'x'.repeat(100_000) })).toBe('unknown_unit');
    expect(payloadOf(rule, { value: 1, unit: '__proto__' })).toBe('unknown_unit');
    expect(payloadOf(rule, { value: 1, unit: 'kvarh' })).toBe('incompatible_unit');
    expect(payloadOf(rule, { value: '1', unit: 'Wh' })).toBe('not_a_number');
    expect(payloadOf(rule, { unit: 'Wh' })).toBe('no_value');
    expect(payloadOf({ ...rule, unit: 'J' }, { value: 1e308, unit: 'kWh' })).toBe('not_a_number');
    expect(payloadOf({ ...rule, unit: { from: 'Wh', to: 'kWh' } }, { value: 500 })).toBe('0.5');
    expect(payloadOf({ ...rule, unit: { from: 'Wh', to: 'kWh' } }, { value: 3.6, unit: 'MJ' })).toBe('1');
    expect(payloadOf({ ...rule, unit: { from: 'yd', to: 'm' } }, { value: 1, unit: 'yd' })).toBe('0.9144');
  });

  it('are remembered for few units, whatever events name', () => {
    const filter = filterOf({ unit: 'kWh', payload: 'value' });
    for (let index = 0; index < 1_000; index++)
      expect(send(filter, { value: 1, unit: `u${index}` })).toBe('unknown_unit');
    expect(send(filter, { value: 1, unit: 'Wh' })).toEqual(['t/kitchen', '0.001']);
  });

  it('leave alone what is no number when there is nothing to convert', () => {
    expect(payloadOf({ round: 1, payload: 'value' }, { value: 'on' })).toBe('"on"');
    expect(payloadOf({ round: 1, payload: 'value' }, { value: 1.25 })).toBe('1.3');
    expect(payloadOf({ round: 1 }, { a: 1 })).toBe(eventToJson(AT, 'temperature', 'kitchen', { a: 1 }));
  });
});

describe('a unit in a rule', () => {
  it('is no reason to say that a text has none', () => {
    const filter = filterOf({ unit: 'kWh' });
    expect(filter.getMqttTopic(AT, 'energy', 'hall', { value: 'a', unit: 'Wh' })).toBeNull();
    expect(filter.takeRefusal()).toEqual({
      reason: 'not_a_number',
      detail: '"a" is no number, and only numbers are converted',
    });
  });
});

describe('a deadband in a rule', () => {
  const sendAll = (filter: REOutboundFilter, values: readonly unknown[], event = {}) =>
    values.map((value) => send(filter, { value }, event)).map((sent) => (Array.isArray(sent) ? sent[1] : sent));

  it('holds back what is unchanged, each variable for itself', () => {
    const filter = filterOf({ deadband: 0.5, payload: 'value' });
    expect(sendAll(filter, [20, 20.4, 20.6])).toEqual(['20', 'unchanged', '20.6']);
    expect(sendAll(filter, [20.6, 20.7], { name: 'attic' })).toEqual(['20.6', 'unchanged']);
  });

  it('compares what is converted and rounded', () => {
    const filter = filterOf({ deadband: 0, unit: { from: 'W', to: 'kW' }, round: 1, payload: 'value' });
    expect(sendAll(filter, [1_010, 1_020, 1_049, 1_051])).toEqual(['1', 'unchanged', 'unchanged', '1.1']);
  });

  it('ends with the longest interval, by the dates of the events', () => {
    const filter = filterOf({ deadband: '10%', max_interval: 60, payload: 'value' });
    const at = (seconds: number) => send(filter, { value: 100 }, { at: AT + seconds * 1_000 });
    expect([0, 30, 59, 60, 61, 120].map((seconds) => Array.isArray(at(seconds)))).toEqual([
      ...[true, false, false, true, false, true],
    ]);
  });

  it('is not moved by what is refused, asked for again, or has no value', () => {
    const filter = filterOf({ deadband: 1, payload: { text: '{value}{data.x}' } });
    expect(send(filter, { value: 5 })).toBe('no_value');
    expect(send(filter, { value: 5, x: 'a' })).toEqual(['t/kitchen', '5a']);
    expect(filter.makePayload(AT, 'temperature', 'kitchen', { value: 9, x: 'a' })).toBe('9a');
    expect(send(filter, { value: 5.5, x: 'a' })).toBe('unchanged');
    expect(filterOf({ deadband: 1 }).getMqttTopic(AT, 'motion', 'hall', {})).toBe('t/hall');
  });

  it('forgets a variable rather than to lose what it says', () => {
    const filter = filterOf({ deadband: 1, payload: 'value' });
    expect(sendAll(filter, [1, 1], { name: 'first' })).toEqual(['1', 'unchanged']);
    for (let index = 0; index < 280_000; index++) filter.getMqttTopic(AT, 'flood', `${index}`, { value: 1 });
    expect(sendAll(filter, [1, 1], { name: 'first' })).toEqual(['1', 'unchanged']);
    const long = 'x'.repeat(2_000);
    expect(sendAll(filter, [1, 1], { name: long })).toEqual(['1', '1']);
  });
});

describe('a deadband beside another rule on the same topic', () => {
  const high = { when: { value: { gt: 20 } }, deadband: 1, payload: 'value' } as const;

  it('does not leave a value there that another rule has replaced', () => {
    const filter = filterOf(high, { payload: 'value' });
    const sent = [25, 25.5, 10, 25, 25].map((value) => send(filter, { value }));
    expect(sent).toEqual([['t/kitchen', '25'], 'unchanged', ['t/kitchen', '10'], ['t/kitchen', '25'], 'unchanged']);
  });

  it('goes on where the other rule is for another topic, or refuses the event', () => {
    const elsewhere = filterOf(high, { payload: 'value', topic: 'low' });
    expect([25, 10, 25].map((value) => send(elsewhere, { value }))[2]).toBe('unchanged');
    const refusing = filterOf(high, { payload: { text: '{data.absent}' } });
    expect([25, 10, 25].map((value) => send(refusing, { value }))).toEqual([
      ['t/kitchen', '25'],
      'no_value',
      'unchanged',
    ]);
  });
});

describe('the payload of a rule', () => {
  it.each(['value', 'raw'] as const)('is not null for a number beyond all others, as %s', (payload) => {
    expect(payloadOf({ payload }, { value: Number.POSITIVE_INFINITY })).toBe('not_a_number');
  });

  it('is right when it is asked for at any time', () => {
    const filter = filterOf({ when: { value: { gt: 5 } }, channel: 'control', payload: 'raw' }, { payload: 'value' }, [
      'x',
      'x',
    ]);
    expect(filter.makePayload(AT, 'a', 'b', { value: 'text' })).toBe('"text"');
    expect(filter.makePayload(AT, 'a', 'b', { value: 7 })).toBe('7');
    const data = { value: 'one' };
    filter.getMqttTopic(AT, 'a', 'b', data, 'sensor');
    expect(filter.makePayload(AT, 'a', 'c', { value: 'two' })).toBe('"two"');
    expect(filter.makePayload(AT, 'a', 'b', data)).toBe('"one"');
    expect(filter.makePayload(AT, 'a', 'b', data)).toBe('"one"');
    expect(filterOf({ match: 'a:', topic: 't' }).makePayload(AT, 'b', 'c', data)).toBe(eventToJson(AT, 'b', 'c', data));
    expect(() => filterOf({ payload: 'value' }).makePayload(AT, 'a', 'b', {})).toThrow(MQTTGatewayError);
  });

  it('knows the channel that the topic was asked for', () => {
    const given = { payload: { json: ['{channel}'] } };
    expect(payloadOf(given, {}, { channel: 'control' })).toBe('["control"]');
    expect(filterOf(given).makePayload(AT, 'a', 'b', {})).toBe('[null]');
  });

  it('may be made by a sub-class, and so may the topic', () => {
    class Shouting extends REOutboundFilter {
      override makePayload(...event: Parameters<REOutboundFilter['makePayload']>) {
        return `${super.makePayload(...event)}!`;
      }
    }
    class Changing extends REOutboundFilter {
      override getMqttTopic(at: Timestamp, type: string, name: string, data: EventData, channel?: string) {
        return super.getMqttTopic(at, type, name.toLowerCase(), { ...data, value: 0 }, channel);
      }
    }
    expect(send(new Shouting([ruleOf({ payload: 'value' })]), { value: 1 })).toEqual(['t/kitchen', '1!']);
    expect(send(new Changing([ruleOf({ payload: 'value' })]), { value: 1 }, { name: 'ATTIC' })).toEqual([
      't/attic',
      '1',
    ]);
  });

  it.each<[PayloadSpec, EventData, unknown]>([
    [
      'event',
      { value: 1 },
      '{"timestamp":1700000000000,"var_type":"temperature","var_name":"kitchen","data":{"value":1}}',
    ],
    ['value', { value: 1.5 }, '1.5'],
    ['value', { value: 'on' }, '"on"'],
    ['value', { value: { a: [1] } }, '{"a":[1]}'],
    ['value', { value: false }, 'false'],
    ['value', { value: null }, 'no_value'],
    ['value', {}, 'no_value'],
    ['raw', { value: 'a "b"' }, 'a "b"'],
    ['raw', { value: 1.5 }, '1.5'],
    ['raw', { value: true }, 'true'],
    ['raw', { value: [1, 'a'] }, '[1,"a"]'],
    ['raw', {}, 'no_value'],
    ['value', JSON.parse('{"__proto__":{"value":1}}'), 'no_value'],
  ])('%j, of %j', (payload, data, expected) => {
    expect(payloadOf({ payload }, data)).toBe(expected);
  });
});

describe('what is wrong with a rule as an object', () => {
  it.each<[object, unknown[]]>([
    [{ mach: 'a' }, [[1, 'mach'], "unknown key 'mach': did you mean 'match'?"]],
    [{ match: '' }, [[1, 'match'], 'invalid option ("") : match is a regex for \'<varType>:<varName>\'']],
    [{ match: '(?P<room>' }, [[1, 'match'], expect.stringMatching(/^invalid regex /)]],
    [{ topic: 't/+' }, [[1, 'topic'], expect.stringMatching(/^invalid topic \(t\/\+\) : /)]],
    [{ topic: '{flat}' }, [[1, 'topic'], 'parameters not found in rule regex (flat)']],
    [{ channel: [] }, [[1, 'channel'], expect.stringContaining('channel is the name of a channel')]],
    [{ channel: ['a b'] }, [[1, 'channel', 0], expect.stringContaining('a channel is a name of letters')]],
    [{ qos: 3 }, [[1, 'qos'], 'invalid option (3) : qos is 0, 1 or 2']],
    [{ retain: 'yes' }, [[1, 'retain'], 'invalid option ("yes") : retain is true or false']],
    [{ payload: 'jsn' }, [[1, 'payload'], expect.stringContaining('payload is event, value, raw, senml')]],
    [{ payload: {} }, [[1, 'payload'], expect.stringContaining('payload is event, value, raw, senml')]],
    [{ payload: { text: '{' } }, [[1, 'payload', 'text'], expect.stringContaining("unmatched '{'")]],
    [
      { payload: { json: { a: ['{rom}'] } } },
      [
        [1, 'payload', 'json', 'a', 0],
        expect.stringMatching(/^unknown parameter 'rom': there are timestamp, .*, data.<key>, room$/),
      ],
    ],
    [{ payload: { text: '{data.}' } }, [[1, 'payload', 'text'], expect.stringContaining("unknown parameter 'data.'")]],
    [
      { payload: { json: [Number.NaN] } },
      [[1, 'payload', 'json', 0], expect.stringContaining('JSON has no such value')],
    ],
    [{ payload: { senml: 'a b' } }, [[1, 'payload', 'senml'], expect.stringContaining('a name in SenML')]],
    [
      { match: 'a:(?P<value>.)(?P<room>)', payload: { text: '{value}' } },
      [[1, 'payload', 'text'], "'value' is a part of the event and a group of the regex: give the group another name"],
    ],
    [{ unit: 'kwh' }, [[1, 'unit'], `invalid unit (kwh) : "kwh" is no unit that is known here: did you mean 'kWh'?`]],
    [
      { unit: 'pulsse' },
      [[1, 'unit'], `invalid unit (pulsse) : "pulsse" is no unit that is known here: did you mean 'pulses'?`],
    ],
    [{ unit: 'mw' }, [[1, 'unit'], expect.stringContaining("did you mean 'mW' or 'MW'?")]],
    [{ unit: 'nonsense' }, [[1, 'unit'], 'invalid unit (nonsense) : "nonsense" is no unit that is known here']],
    [{ unit: 'C' }, [[1, 'unit'], expect.stringContaining('write °C or As')]],
    [{ unit: { from: 'W', to: 'kWh' } }, [[1, 'unit'], expect.stringContaining("W can't be told in kWh")]],
    [{ unit: { fro: 'W', to: 'kW' } }, [[1, 'unit', 'fro'], "unknown key 'fro': did you mean 'from'?"]],
    [{ unit: 'kWh/m2', payload: 'senml' }, [[1, 'unit'], 'invalid unit (kWh/m2) : SenML has no unit for it']],
    [{ round: 1.5 }, [[1, 'round'], expect.stringContaining('an integer from 0 to 12')]],
    [{ deadband: -1 }, [[1, 'deadband'], expect.stringContaining('deadband is a number from 0 on')]],
    [{ deadband: '5' }, [[1, 'deadband'], expect.stringContaining("a share, as in '5%'")]],
    [{ max_interval: 60 }, [[1, 'max_interval'], expect.stringContaining('needs a deadband')]],
    [{ throttle: 0 }, [[1, 'throttle'], expect.stringContaining('above 0, at most 2,000,000')]],
    [{ throttle: 3_000_000 }, [[1, 'throttle'], expect.stringContaining('above 0, at most 2,000,000')]],
    [{ expiry: '5' }, [[1, 'expiry'], expect.stringContaining('expiry is a number of seconds')]],
    [{ user_properties: { a: 1 } }, [[1, 'user_properties', 'a'], 'invalid option (1) : a user property is a text']],
    [{ user_properties: { a: '{b}' } }, [[1, 'user_properties', 'a'], 'parameters not found in rule regex (b)']],
    [
      { user_properties: { 'a\n': 'b' } },
      [[1, 'user_properties', 'a\n'], expect.stringContaining('no control character')],
    ],
    [{ on_backlog: 'newest' }, [[1, 'on_backlog'], expect.stringContaining('keep_all or latest')]],
    [{ examples: { 'a:b': 1 } }, [[1, 'examples', 'a:b'], expect.stringContaining('examples are variables')]],
    [{ allow_loop: true }, [[1, 'allow_loop'], expect.stringContaining('allow_loop is a text that says why')]],
    [{ when: {} }, [[1, 'when'], expect.stringContaining("when holds fields of the event's data")]],
    [{ when: { any: [] } }, [[1, 'when', 'any'], expect.stringContaining('any is a list of conditions')]],
    [{ when: { value: { gtt: 1, lt: 1 } } }, [[1, 'when', 'value', 'gtt'], "unknown key 'gtt': did you mean 'gt'?"]],
    [
      { when: { any: [{ value: { lt: true } }] } },
      [[1, 'when', 'any', 0, 'value', 'lt'], expect.stringContaining('lt, lte, gt and gte compare')],
    ],
    [
      JSON.parse('{"when":{"any":[{"__proto__":1,"a":2}]}}'),
      [[1, 'when'], expect.stringContaining("'__proto__' is no name")],
    ],
  ])('%j', (given, problem) => {
    expect(problemsOf(given)).toEqual([problem]);
  });

  it('is said all at once', () => {
    expect(problemsOf({ qos: 5, round: -1, unit: 'frob', topic: '#' })).toHaveLength(4);
    expect(problemsOf({ match: undefined, topic: undefined }).map(([, message]) => message)).toEqual([
      expect.stringContaining('match is missing'),
      expect.stringContaining('topic is missing'),
    ]);
  });

  it('is that nobody listens to its channel', () => {
    const rules = [ruleOf({ channel: ['sysmon', 'sensor'] })];
    expect(() => new REOutboundFilter(rules, silentLogger, { channels: ['sensor'] })).toThrow(
      "nobody listens to sysmon: the filter's channels are sensor (at [0].channel)",
    );
  });

  it('is that it contains itself', () => {
    const payload: unknown[] = [];
    payload.push(payload);
    expect(problemsOf({ payload: { json: payload } })).toEqual([
      [[1, 'payload', 'json', ...Array(32).fill(0)], 'invalid payload : it is nested more than 32 levels deep'],
    ]);
  });
});
