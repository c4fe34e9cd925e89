import { BasicEvent, type Crossing, TimedEvent } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import { crossingLine } from './crossing-line.js';

const NOON = new Date(2024, 0, 1, 12, 0, 0);
const PLAIN = { width: 110, colours: false };

const out: Crossing = {
  direction: 'out',
  channel: 'sensor',
  event: new TimedEvent(1, 'temperature', 'kitchen', { value: 21.4, unit: 'degC' }),
  message: {
    topic: 'site/kitchen/temperature',
    payload: `{"value":21.4,"note":"${'x'.repeat(200)}"}`,
    qos: 1,
    retain: false,
  },
};
const into = (payload: string): Crossing => ({
  direction: 'in',
  channel: 'control',
  event: new BasicEvent('switch', 'kitchen_light', { value: payload }),
  message: { topic: 'site/kitchen/set/light', payload: Buffer.from(payload), qos: 1, retain: false },
});

describe('crossingLine', () => {
  it('shows an event that leaves: from the bus to the topic', () => {
    expect(crossingLine(out, NOON, PLAIN)).toMatch(
      /^12:00:00 out sensor {2}temperature:kitchen +21.4 degC → site\/kitchen\/temperature +\{"value":21.4/,
    );
  });

  it('shows a command that comes in: from the topic to the bus', () => {
    expect(crossingLine(into('on'), NOON, PLAIN)).toMatch(
      /^12:00:00 in {2}site\/kitchen\/set\/light +on +→ control switch:kitchen_light +on$/,
    );
  });

  it('puts both arrows into the same column', () => {
    expect(crossingLine(out, NOON, PLAIN).indexOf('→')).toBe(crossingLine(into('on'), NOON, PLAIN).indexOf('→'));
  });

  it.each([40, 80, 110])('never takes more than the %d columns of the terminal', (width) => {
    expect(crossingLine(out, NOON, { width, colours: false }).length).toBeLessThanOrEqual(width);
  });

  it('lets no stranger give orders to the terminal', () => {
    const line = crossingLine(into('\x1b[2J\nrm'), NOON, PLAIN);
    expect(line).not.toMatch(/\p{Cc}/u);
    expect(line).toContain('·[2J·rm');
  });

  it('uses colours only when told to', () => {
    expect(crossingLine(out, NOON, PLAIN)).not.toContain('\x1b');
    expect(crossingLine(out, NOON, { ...PLAIN, colours: true })).toContain('\x1b[32mout\x1b[0m');
  });
});
