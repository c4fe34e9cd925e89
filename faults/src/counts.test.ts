import { describe, expect, it } from 'vitest';
import { faultOfCounts, parseCounts, parseHeld } from './counts.js';

const line = (text: string) => `22/11 16:37:33 [I] MQTTGateway > bus to MQTT: ${text}`;

describe('the accounts in the log', () => {
  it('are read', () => {
    expect(
      parseCounts(line('received 9, forwarded 3, filtered 1, dropped 3 (illegal_topic 1, outbox_full 2), waiting 2')),
    ).toEqual({
      direction: 'bus to MQTT',
      received: 9,
      forwarded: 3,
      filtered: 1,
      dropped: 3,
      reasons: { illegal_topic: 1, outbox_full: 2 },
      waiting: 2,
    });
    expect(parseCounts(line('received 0, forwarded 0, filtered 0, dropped 0, waiting 0'))?.reasons).toEqual({});
    expect(parseCounts('22/11 16:37:33 [I] MQTTGateway > running')).toBeUndefined();
  });

  it.each([
    ['received 6, forwarded 3, filtered 1, dropped 1 (illegal_topic 1), waiting 1', undefined],
    ['received 5, forwarded 3, filtered 1, dropped 1 (illegal_topic 1), waiting 1', 'received 5 is not forwarded 3'],
    ['received 2, forwarded 0, filtered 0, dropped 2 (illegal_topic 1), waiting 0', 'the sum of its reasons, 1'],
  ])('%s: %s', (text, fault) => {
    const counts = parseCounts(line(text));
    expect(counts && faultOfCounts(counts)).toEqual(fault === undefined ? undefined : expect.stringContaining(fault));
  });
});

describe('the status in the log', () => {
  it('says what the gateway holds', () => {
    const line = 'bus attached; broker mqtt://h:1 connected (slow); outbox 3 waiting (disk full); commands 4 waiting';
    expect(parseHeld(line)).toEqual({ 'bus to MQTT': 3, 'MQTT to bus': 4 });
    expect(parseHeld('bus attached')).toBeUndefined();
  });

  it('does not go with fewer than nothing', () => {
    const counts = parseCounts('bus to MQTT: received 1, forwarded 2, filtered 0, dropped 0, waiting -1');
    expect(counts && faultOfCounts(counts)).toBe('-1 are waiting');
  });
});
