import { describe, expect, it } from 'vitest';
import { makeBasicEvent, TimedEvent } from './event.js';
import { type AcceptedEvent, type FilterRule, InboundFilter, OutboundFilter, type RuleTrial } from './filter.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import { Rehearsal, type RehearsalOptions } from './rehearsal.js';

const NOON = 1_800_000_000_000;

/** Lets out by the type of the variable. */
class ByType extends OutboundFilter {
  override readonly channels = ['sensor'];
  static readonly rules: Readonly<Record<string, FilterRule>> = {
    plain: { name: 'plain' },
    state: { name: 'state', publish: { qos: 2, retain: true, expiryMs: 60_000, throttleMs: 5_000 } },
    private: { name: 'private' },
    wrong: { name: 'wrong', publish: { qos: 7 as never } },
  };

  override getMqttTopic(_timestamp: unknown, varType: string, varName: string): string | null {
    this.lastRule = ByType.rules[varType];
    if (!this.lastRule) return null;
    return varType === 'private' ? this.refuse('private', 'nobody knows') : `out/${varName}`;
  }

  override explain({ varType }: TimedEvent): RuleTrial[] {
    return [{ rule: 'the only one', index: 0, outcome: varType === 'none' ? 'no_match' : 'decides' }];
  }
}

class System extends OutboundFilter {
  override readonly channels = ['sysmon'];
  override getMqttTopic = () => 'system';
}

class Switches extends InboundFilter {
  readonly #rule: FilterRule = {
    name: 'switches',
    policy: { maxAgeMs: 1_000, rateLimit: { messages: 2, perMs: 1_000 } },
  };

  override acceptEvent(_client: unknown, _userData: unknown, { topic }: MQTTMessage): AcceptedEvent[] | null {
    if (topic === 'in/none') return null;
    this.lastRule = this.#rule;
    return [[makeBasicEvent('switch', topic), 'control']];
  }
}

const setUp = (options: Partial<RehearsalOptions> = {}) => {
  const time = { now: NOON };
  const connector = new MQTTConnector({ broker: 'localhost', topics: ['in/#', 'out/echo'], clientId: 'box' });
  const rehearsal = new Rehearsal({
    connector,
    outbound: [new System(), new ByType()],
    inbound: new Switches(),
    now: () => time.now,
    ...options,
  });
  const event = (type: string, channel = 'sensor', name = type) =>
    rehearsal.event(channel, new TimedEvent(NOON, type, name, { value: 1 }));
  const message = (topic: string, payload: unknown = 'on', more: Partial<MQTTMessage> = {}) =>
    rehearsal.message({ topic, payload: Buffer.from(JSON.stringify(payload)), qos: 1, retain: false, ...more });
  return { rehearsal, time, event, message };
};

describe('a rehearsal', () => {
  it('says what would become of an event', () => {
    const { event } = setUp();
    expect(event('plain')).toMatchObject({
      outcome: 'accepted',
      rule: 'plain',
      filter: 'ByType',
      message: { topic: 'out/plain', qos: 1, retain: false, payload: expect.stringContaining('"value":1') },
    });
    expect(event('state')).toMatchObject({
      message: { qos: 2, retain: true, expiresAt: NOON + 60_000, rule: 'ByType > state' },
      throttleMs: 5_000,
    });
    expect(event('private')).toMatchObject({ outcome: 'refused', refusal: { reason: 'private' } });
    expect(event('wrong')).toMatchObject({ outcome: 'refused', refusal: { reason: 'filter_fault' } });
    expect(event('none')).toMatchObject({ outcome: 'filtered', filter: undefined });
    expect(event('plain', 'control')).toMatchObject({ outcome: 'filtered', filter: undefined });
    expect(event('plain', 'sysmon')).toMatchObject({ outcome: 'accepted', filter: 'System' });
  });

  it('marks what may come back', () => {
    const { event } = setUp();
    expect(event('plain', 'sensor', 'echo')).toMatchObject({
      message: { userProperties: { 'mqttgw-hops': '1', 'mqttgw-origin': 'box' } },
    });
  });

  it('says what would become of a message, by the time that it is given', () => {
    const { message, time } = setUp();
    expect(message('in/a')).toMatchObject({
      outcome: 'accepted',
      rule: 'switches',
      events: [{ channel: 'control', event: { varName: 'in/a' } }],
    });
    const reason = (...args: Parameters<typeof message>) => {
      const crossing = message(...args);
      return 'refusal' in crossing ? crossing.refusal.reason : crossing.outcome;
    };
    expect(reason('in/none')).toBe('filtered');
    expect(reason('elsewhere')).toBe('filtered');
    expect(reason('in/a', 'on', { retain: true })).toBe('retained');
    expect(reason('in/a', { timestamp: NOON - 2_000 })).toBe('too_old');
    expect(reason('in/a', 'on', { properties: { userProperties: { 'mqttgw-origin': 'box' } } })).toBe('loop');
    expect(reason('in/a')).toBe('accepted');
    expect(reason('in/a')).toBe('rate_limited');
    time.now += 1_000;
    expect(reason('in/a', { timestamp: NOON, command_id: 1 })).toBe('accepted');
    expect(reason('in/a', { timestamp: NOON, command_id: 1 })).toBe('duplicate');
  });

  it('explains: each filter, and the rules of those that know theirs', () => {
    const { rehearsal } = setUp({ outbound: [new System(), new ByType(), new ByType()] });
    const explain = (type: string, channel: string) => {
      const { filters } = rehearsal.explainEvent(channel, new TimedEvent(NOON, type, 'x'));
      return filters.map(({ filter, outcome, rules }) => `${filter} ${outcome} ${rules?.map((rule) => rule.outcome)}`);
    };
    expect(explain('plain', 'sensor')).toEqual([
      'System channel undefined',
      'ByType decides decides',
      'ByType#2 not_reached undefined',
    ]);
    expect(explain('none', 'sensor')).toEqual([
      'System channel undefined',
      'ByType passes_on no_match',
      'ByType#2 passes_on no_match',
    ]);
    expect(explain('plain', 'nowhere')[1]).toBe('ByType not_reached undefined');
    const explainMessage = (topic: string, more: Partial<MQTTMessage> = {}) =>
      rehearsal.explainMessage({ topic, payload: Buffer.from('on'), qos: 0, retain: false, ...more }).filters[0]
        ?.outcome;
    expect(explainMessage('in/a')).toBe('decides');
    expect(explainMessage('in/none')).toBe('passes_on');
    expect(explainMessage('elsewhere')).toBe('not_reached');
    expect(explainMessage('in/a', { properties: { userProperties: { 'mqttgw-hops': '8' } } })).toBe('not_reached');
  });

  it('survives a filter that fails to explain itself', () => {
    class Shy extends ByType {
      override explain(): never {
        throw new Error('no comment');
      }
    }
    const { rehearsal } = setUp({ outbound: new Shy() });
    expect(rehearsal.explainEvent('sensor', new TimedEvent(NOON, 'plain', 'x'))).toMatchObject({
      crossing: { outcome: 'accepted' },
      filters: [{ filter: 'Shy', outcome: 'decides', rules: undefined, fault: 'no comment' }],
    });
  });
});
