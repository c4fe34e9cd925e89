import { describe, expect, it } from 'vitest';
import { parseCounts } from './gateway-counts.js';

describe("the gateway's counts", () => {
  it('are read from its line, whatever stands around them', () => {
    const line = '2026 INFO [mqttgwd] bus to MQTT: received 12, forwarded 3, filtered 4, dropped 0 (none), waiting 5';
    expect(parseCounts(line)).toEqual({ received: 12, forwarded: 3, filtered: 4, dropped: 0, waiting: 5 });
  });

  it.each([
    'MQTT to bus: received 1, forwarded 1, filtered 0, dropped 0, waiting 0',
    'bus to MQTT: received 1, forwarded 1',
    'connected to the broker',
  ])('are not in %j', (line) => {
    expect(parseCounts(line)).toBeUndefined();
  });
});
