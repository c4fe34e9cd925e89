import { waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import type { Crossing } from './crossing.js';
import { BasicEvent, makeBasicEvent, TimedEvent } from './event.js';
import { type AcceptedEvent, type FilterRule, InboundFilter, OutboundFilter } from './filter.js';
import { startLonely } from './gateway.fixtures.js';
import { MemoryOutbox } from './memory-outbox.js';

/** A rule for each type of variable. */
class ByType extends OutboundFilter {
  static readonly rules: Readonly<Record<string, FilterRule>> = {
    plain: { name: 'plain' },
    private: { name: 'private' },
    rare: { name: 'rare', publish: { throttleMs: 1e9 } },
    wrong: { name: 'wrong', publish: { qos: 7 as never } },
  };

  override getMqttTopic(_timestamp: unknown, varType: string, varName: string): string | null {
    this.lastRule = ByType.rules[varType];
    if (!this.lastRule) return null;
    return varType === 'private' ? this.refuse('private', 'nobody knows') : `out/${varName}`;
  }
}

class ByTopic extends InboundFilter {
  override acceptEvent(_client: unknown, _userData: unknown, { topic }: { topic: string }): AcceptedEvent[] | null {
    if (topic === 'odd') return this.refuse('odd', 'it is odd') ?? null;
    if (topic === 'none') return null;
    this.lastRule = { name: 'lamps' };
    return ['a', 'b'].map((name) => [makeBasicEvent('switch', name, topic), 'sensor']);
  }
}

/** What a crossing says, in one line. */
function inWords(crossing: Crossing): string {
  const why = 'refusal' in crossing ? ` ${crossing.refusal.reason}` : '';
  if (crossing.outcome === 'malformed') return `out malformed${why}`;
  if (crossing.outcome === 'lost') return `out lost${why} ${crossing.count} ${crossing.message?.topic}`;
  const { direction, outcome, rule, filter } = crossing;
  const by = `(${filter}, ${rule})`;
  if (direction === 'in') {
    const events = outcome === 'accepted' ? crossing.events.map(({ event }) => event.varName).join('+') : '';
    return `in ${outcome}${why} ${crossing.message.topic} ${events}${by}`;
  }
  const topic = outcome === 'accepted' ? `as ${crossing.message.topic} ` : '';
  return `out ${outcome}${why} ${crossing.channel} ${crossing.event.varName} ${topic}${by}`;
}

describe('who looks on', () => {
  it('is told what becomes of each event', async () => {
    await using house = await startLonely({ outbound: new ByType(), outbox: new MemoryOutbox({ maxMessages: 2 }) });
    const seen: string[] = [];
    house.gateway.observe((crossing) => seen.push(inWords(crossing)));
    for (const type of ['plain', 'none', 'private', 'wrong', 'rare', 'rare', 'rare', 'plain']) {
      await house.emit(new BasicEvent(type, type));
    }
    await house.emit(undefined as never).catch(() => {});
    expect(seen).toEqual([
      'out accepted sensor plain as out/plain (ByType, plain)',
      'out filtered sensor none (ByType, undefined)',
      'out refused private sensor private (ByType, private)',
      'out refused filter_fault sensor wrong (ByType, wrong)',
      'out accepted sensor rare as out/rare (ByType, rare)',
      'out refused throttled sensor rare (ByType, rare)',
      'out lost outbox_full 1 undefined',
      'out accepted sensor plain as out/plain (ByType, plain)',
    ]);
  });

  it('is told what becomes of each message', async () => {
    await using house = await startLonely({ inbound: new ByTopic() });
    const seen: string[] = [];
    const stop = house.gateway.observe((crossing) => seen.push(inWords(crossing)));
    for (const topic of ['on', 'none', 'odd']) await house.receive(topic);
    await house.receive('on', { properties: { userProperties: { 'mqttgw-hops': '9' } } });
    stop();
    await house.receive('on');
    expect(seen).toEqual([
      'in accepted on a+b(ByTopic, lamps)',
      'in filtered none (ByTopic, undefined)',
      'in refused odd odd (ByTopic, undefined)',
      'in refused loop on (undefined, undefined)',
    ]);
  });

  it('may fail: what crosses crosses, and the other observers are told', async () => {
    await using house = await startLonely({ inbound: new ByTopic(), outbound: new ByType() });
    const seen: unknown[] = [];
    house.gateway.observe(() => {
      throw new Error('a bug');
    });
    house.gateway.observe(({ outcome }) => seen.push(outcome));
    await house.emit(new TimedEvent(0, 'plain', 'a'));
    await house.receive('on');
    await waitFor('both', () => seen.length >= 3);
    expect(house.gateway.counts).toMatchObject({ out: { waiting: 1 }, in: { forwarded: 1 } });
    expect(house.log.at('error')).toContain('error an observer failed: a bug');
  });
});
