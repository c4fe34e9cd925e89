import { BasicEvent, eventToJson, TimedEvent } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import { crossingLine, type Passage, passagesOf, stayingLine } from './crossing-line.js';

const NOON = new Date(2024, 0, 1, 12, 0, 0);
const PLAIN = { width: undefined, colours: false };
const terminal = (width: number) => ({ width, colours: false });

const DATA = { value: 21.4, unit: 'degC' };
const leaving = (payload: string): Passage => ({
  direction: 'out',
  channel: 'sensor',
  event: new TimedEvent(1_795_370_217_397, 'temperature', 'kitchen', DATA),
  message: { topic: 'site/kitchen/temperature', payload },
});
const out = leaving(eventToJson(1_795_370_217_397, 'temperature', 'kitchen', DATA));
const into = (payload: string): Passage => ({
  direction: 'in',
  channel: 'control',
  event: new BasicEvent('switch', 'kitchen_light', { value: payload }),
  message: { topic: 'site/kitchen/set/light', payload: Buffer.from(payload) },
});
const meter = new BasicEvent('energy', 'meter', { value: 12, unit: 'kWh' });

describe('passagesOf', () => {
  it('has one for each event that a message becomes, and none for what does not cross', () => {
    const message = { topic: 'site/all/set', payload: Buffer.from('off'), qos: 1, retain: false } as const;
    const arriving = { direction: 'in', message, rule: 'site/all/set', filter: 'REInboundFilter' } as const;
    const events = ['a', 'b'].map((name) => ({ channel: 'control', event: new BasicEvent('switch', name) }));
    const passages = passagesOf({ ...arriving, outcome: 'accepted', events });
    expect(passages.map(({ event }) => event.varName)).toEqual(['a', 'b']);
    expect(passagesOf({ ...arriving, outcome: 'filtered' })).toEqual([]);
  });
});

describe('crossingLine without a terminal', () => {
  it('shows an event that leaves: from the bus to the topic, uncut', () => {
    expect(crossingLine(out, NOON, PLAIN)).toBe(
      '12:00:00 out sensor  temperature:kitchen    21.4 degC → site/kitchen/temperature ' +
        ' {"timestamp":1795370217397,"var_type":"temperature","var_name":"kitchen","data":{"value":21.4,"unit":"degC"}}',
    );
    expect(crossingLine(leaving('x'.repeat(5_000)), NOON, PLAIN)).toContain('x'.repeat(5_000));
  });

  it('shows a command that comes in: from the topic to the bus', () => {
    expect(crossingLine(into('on'), NOON, PLAIN)).toBe(
      '12:00:00 in  site/kitchen/set/light    on             → control switch:kitchen_light   on',
    );
  });

  it('puts both arrows into the same column', () => {
    expect(crossingLine(out, NOON, PLAIN).indexOf('→')).toBe(crossingLine(into('on'), NOON, PLAIN).indexOf('→'));
  });
});

describe('crossingLine on a terminal', () => {
  it('has room for everything on a wide one', () => {
    expect(crossingLine(out, NOON, terminal(200))).toBe(crossingLine(out, NOON, PLAIN));
  });

  it('leaves out what the payload repeats, then the padding, before it takes two lines', () => {
    expect(crossingLine(out, NOON, terminal(120))).toBe(
      '12:00:00 out sensor  temperature:kitchen    21.4 degC → site/kitchen/temperature  {…"data":{"value":21.4,"unit":"degC"}}',
    );
    expect(crossingLine(out, NOON, terminal(116))).toBe(
      '12:00:00 out sensor temperature:kitchen 21.4 degC → site/kitchen/temperature {…"data":{"value":21.4,"unit":"degC"}}',
    );
    expect(crossingLine(out, NOON, terminal(80))).toBe(
      '12:00:00 out sensor temperature:kitchen 21.4 degC\n' +
        '             → site/kitchen/temperature {…"data":{"value":21.4,"unit":"degC"}}',
    );
    expect(crossingLine(into('on'), NOON, terminal(80))).toBe(
      '12:00:00 in  site/kitchen/set/light on → control switch:kitchen_light on',
    );
  });

  it('shows a payload of another shape from its start', () => {
    expect(crossingLine(leaving(`21.4 "data": ${'x'.repeat(200)}`), NOON, terminal(80))).toContain(' 21.4 "data": xxx');
  });

  it.each([0, 10, 40, 80, 110])('never takes more than its %d columns, but for the head', (width) => {
    for (const crossing of [out, leaving('x'.repeat(200)), into('on')]) {
      for (const line of crossingLine(crossing, NOON, terminal(width)).split('\n')) {
        expect(line.trimEnd().length).toBeLessThanOrEqual(Math.max(width, 14));
      }
    }
  });

  it('lets no stranger give orders to the terminal', () => {
    const line = crossingLine(into('\x1b[2J\nrm'), NOON, terminal(120));
    expect(line).not.toMatch(/\p{Cc}/u);
    expect(line).toContain('·[2J·rm');
  });

  it('uses colours only when told to', () => {
    expect(crossingLine(out, NOON, terminal(80))).not.toContain('\x1b');
    expect(crossingLine(out, NOON, { width: 80, colours: true })).toContain('\x1b[32mout\x1b[0m');
  });
});

describe('stayingLine', () => {
  it('says that no rule lets the event out, in columns where they fit', () => {
    expect(stayingLine('sensor', meter, NOON, PLAIN)).toBe(
      '12:00:00 –   sensor  energy:meter           12 kWh: no rule for it, it stays in',
    );
    expect(stayingLine('sensor', meter, NOON, terminal(70))).toBe(
      '12:00:00 –   sensor energy:meter 12 kWh: no rule for it, it stays in',
    );
  });

  it('is dim as a whole', () => {
    const line = stayingLine('sensor', meter, NOON, { width: 80, colours: true });
    expect(line).toMatch(/^\x1b\[2m12:00:00 [^\x1b]*\x1b\[0m$/);
  });
});
