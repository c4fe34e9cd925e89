import { describe, expect, it } from 'vitest';
import type { OutboxEntry } from './outbox.js';
import { Suspects } from './suspects.js';

const entry = (sequence: number): OutboxEntry => ({
  sequence,
  message: { topic: 't', payload: '', qos: 1, retain: false },
});

describe('a message over which the broker cuts the connection', () => {
  it('is condemned when it was sent alone three times, on a connection that had stood before', () => {
    const suspects = new Suspects();
    expect(suspects.startProbe()).toBe(0);
    expect(suspects.connectionLost(entry(1), 10)).toBe(false);
    for (const condemned of [false, true]) {
      expect(suspects.startProbe()).toBeGreaterThan(0);
      suspects.endProbe();
      expect(suspects.connectionLost(entry(1), 10)).toBe(condemned);
    }
    expect(suspects.startProbe()).toBe(0);
  });

  it('is innocent when the connection breaks without it', () => {
    const suspects = new Suspects();
    for (let round = 0; round < 10; round++) {
      suspects.connectionLost(entry(1), 10);
      suspects.startProbe();
      expect(suspects.connectionLost(undefined, 0)).toBe(false);
    }
    expect(suspects.startProbe()).toBe(0);
  });

  it('is forgotten when it is not to be sent again', () => {
    const suspects = new Suspects();
    suspects.connectionLost(entry(1), 10);
    suspects.gone(entry(2));
    expect(suspects.startProbe()).toBeGreaterThan(0);
    suspects.gone(entry(1));
    expect(suspects.startProbe()).toBe(0);
  });

  it('is innocent when the connection broke long after it was sent', () => {
    const suspects = new Suspects();
    for (let round = 0; round < 10; round++) expect(suspects.connectionLost(entry(1), 10_000)).toBe(false);
    expect(suspects.startProbe()).toBe(0);
  });

  it('has to wait longer each time, so that a line that breaks by itself acquits it', () => {
    const suspects = new Suspects();
    const quiet = [1, 2].map(() => {
      suspects.endProbe();
      suspects.connectionLost(entry(1), 10);
      return suspects.startProbe();
    });
    expect(quiet[1]).toBeGreaterThan(quiet[0] as number);
    expect(suspects.connectionLost(undefined, 0)).toBe(false);
    expect(suspects.startProbe()).toBe(0);
  });

  it('is innocent when it was acknowledged, or was not alone', () => {
    const suspects = new Suspects();
    for (let round = 0; round < 10; round++) {
      suspects.startProbe();
      suspects.endProbe();
      expect(suspects.connectionLost(entry(round), 10)).toBe(false);
      expect(suspects.connectionLost(undefined, 0)).toBe(false);
      suspects.acknowledged(entry(round));
    }
  });
});

describe('a message that is never acknowledged', () => {
  it('is condemned the third time that others were, and not when nothing was', () => {
    const suspects = new Suspects();
    for (let round = 0; round < 10; round++) expect(suspects.unanswered(entry(1), false)).toBe(false);
    expect([1, 2, 3].map(() => suspects.unanswered(entry(1), true))).toEqual([false, false, true]);
  });

  it('is followed by another at once, so that it stops nobody', () => {
    const suspects = new Suspects();
    expect(suspects.firstWindow).toBe(1);
    suspects.unanswered(entry(1), false);
    expect(suspects.firstWindow).toBe(2);
    suspects.acknowledged(entry(2));
    expect(suspects.firstWindow).toBe(1);
  });
});
