import { GATEWAY, type TailEntry } from '@cstbox/dbus-bus';
import { makeBasicEvent } from '@cstbox/mqtt-core';
import { brokerKinds, dbusDaemonMissing, stopProcess, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { Daemon, openHouse, run } from '../test/daemon.js';
import { tailLine, tailText } from './tail-line.js';
import { paintFor } from './terminal.js';

const style = { paint: paintFor({ write() {} }, {}), width: 80 };
const time = new Date(2026, 10, 22, 7, 44, 58).getTime();
const event = { channel: 'sensor', variable: 'temperature:kitchen', data: '{"value":21.5,"unit":"degC"}' };
const message = {
  topic: 'site/kitchen/temperature',
  payload: '{"timestamp":1795862457418,"value":21.5}',
  payloadLength: 40,
  qos: 1,
  retain: false,
} as const;
const rule = 'temperature:(?P<room>[a-z0-9]+)$';

describe('a line of the tail', () => {
  it.each<[string, TailEntry]>([
    [
      '07:44:58 → temperature:kitchen 21.5 degC → site/kitchen/temperature [temperatu…]',
      { time, direction: 'out', outcome: 'accepted', rule, events: [event], message },
    ],
    [
      '07:44:58 → temperature:kitchen 21.5 degC filtered',
      { time, direction: 'out', outcome: 'filtered', events: [event] },
    ],
    [
      '07:44:58 → temperature:kitchen 21.5 degC refused: unchanged [temperature:(?P<r…]',
      { time, direction: 'out', outcome: 'refused', rule, reason: 'unchanged', events: [event] },
    ],
    [
      '07:44:58 → malformed: forged_signal an event signal from :1.7',
      { time, direction: 'out', outcome: 'malformed', reason: 'forged_signal', detail: 'an event signal from :1.7' },
    ],
    [
      '07:44:58 → 12 messages lost: outbox_full',
      { time, direction: 'out', outcome: 'lost', reason: 'outbox_full', count: 12 },
    ],
    [
      '07:44:58 ← a/set → switch:lamp "on" {"… [a/(?P<what>[a-z]+)(?P<m…]',
      {
        time,
        direction: 'in',
        outcome: 'accepted',
        rule: 'a/(?P<what>[a-z]+)(?P<more>[a-z]+)',
        events: [{ channel: 'control', variable: 'switch:lamp', data: '{"value":"on"}' }],
        message: { ...message, topic: 'a/set', payload: '{"value":"on","and":"more"}' },
      },
    ],
    [
      '07:44:58 ← site/set refused: not_utf8 the payload is no UTF-8 \ufffd',
      {
        time,
        direction: 'in',
        outcome: 'refused',
        reason: 'not_utf8',
        detail: 'the payload is no UTF-8',
        message: { ...message, topic: 'site/set', payload: '\ufffd' },
      },
    ],
    [
      '07:44:58 ← site/kitchen/te… refused: rate_limited more than 10… {"timestamp":17…',
      {
        time,
        direction: 'in',
        outcome: 'refused',
        rule,
        reason: 'rate_limited',
        detail: 'more than 10 in a second',
        message: { ...message, topic: 'site/kitchen/temperature' },
      },
    ],
    [
      '07:44:58 ← a\\x1b[2J filtered \\x07',
      { time, direction: 'in', outcome: 'filtered', message: { ...message, topic: 'a\x1b[2J', payload: '\x07' } },
    ],
  ])('is %s', (line, entry) => {
    const shown = tailLine(entry, { ...style, width: line.startsWith('07:44:58 ← a/set') ? 66 : 80 });
    expect(shown).toBe(line);
  });

  it('fits the terminal, whatever comes, and is whole where there is none', () => {
    const long = 'x'.repeat(300);
    for (const direction of ['in', 'out'] as const) {
      for (const outcome of ['accepted', 'filtered', 'refused', 'malformed', 'lost'] as const) {
        const entry = {
          time,
          direction,
          outcome,
          rule: long,
          reason: long,
          detail: long,
          events: [{ ...event, variable: long }, event],
          message: { ...message, topic: long, payload: long },
        };
        expect(tailLine(entry, style).length).toBeLessThanOrEqual(80);
        expect(tailLine(entry, { ...style, width: undefined })).toContain(long);
        expect(tailText(entry)).toContain(long);
      }
    }
  });
});

describe.skipIf(dbusDaemonMissing())('mqttgwd tail', () => {
  it('shows what crosses and what does not, by choice, until the gateway goes', async () => {
    await using house = await openHouse(brokerKinds[0] as 'mosquitto');
    const tail = (...args: string[]) => Daemon.start(['tail', ...args], house.environment);
    await using everything = tail();
    await using refused = tail('--json', '--direction', 'in', '--outcome', 'refused,filtered', '--count', '2');
    await using matching = tail('--match', 'hall|"value":7', '--count', '2');
    await using ruled = tail('--rule', 'site/(?P<room>[a-z0-9]+)/set/light$', '--count', '1');
    // Each shows something once it looks on.
    await waitFor('the viewers', async () => {
      await house.events.emit('sensor', makeBasicEvent('temperature', 'kitchen', 1));
      const { filters } = JSON.parse((await house.connection.call(STATUS))[0] as string).counts.out;
      return filters[0].received > 0 && everything.printed !== '' && (await viewers(house)) === 'four';
    });
    await house.user.publish('site/kitchen/set/other', 'x', { qos: 1 });
    await house.user.publish('site/kitchen/set/light', Buffer.from([0xff]), { qos: 1 });
    await house.events.emit('sensor', makeBasicEvent('motion', 'hall'));
    await house.events.emit('sensor', makeBasicEvent('temperature', 'attic', 7));
    expect(await Promise.all([refused.exited, matching.exited, ruled.exited])).toEqual([0, 0, 0]);
    expect(
      refused.printed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { outcome: 'filtered', message: { topic: 'site/kitchen/set/other', payload: 'x' } },
      { outcome: 'refused', reason: 'not_utf8' },
    ]);
    expect(matching.printed).toMatch(/motion:hall filtered\n.*temperature:attic 7 → site\/attic\/temperature/);
    expect(ruled.printed).toContain('refused: not_utf8');
    await everything.says('temperature:attic 7');
    await stopProcess(house.gateway.child);
    expect(await everything.exited).toBe(69);
    expect(everything.printed).toMatch(
      /^mqttgwd: .*(no gateway runs on this bus|the gateway stops|the service has stopped)/m,
    );
  });

  it('says what is wrong with its options', async () => {
    const wrong = async (...args: string[]) => {
      const { code, printed } = await run(['tail', ...args]);
      expect(code).toBe(64);
      return printed;
    };
    expect(await wrong('--match', '(')).toContain('Unterminated group');
    expect(await wrong('--outcome', 'accepted,lots')).toContain("There is no outcome 'lots'");
  });
});

const STATUS = { destination: GATEWAY, path: '/service', interface: GATEWAY, member: 'getStatus' };

/** Whether there are as many viewers as there may be: a fifth is told. */
async function viewers(house: Awaited<ReturnType<typeof openHouse>>): Promise<string | undefined> {
  try {
    const call = { ...STATUS, signature: 's' };
    const [id] = await house.connection.call({ ...call, member: 'openTail', body: ['{}'] });
    await house.connection.call({ ...call, member: 'closeTail', body: [id] });
    return undefined;
  } catch (error) {
    return String(error).includes('4 look on already') ? 'four' : undefined;
  }
}
