import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandGate } from './command-gate.js';
import { TimedEvent } from './event.js';
import { silentLogger } from './logger.js';
import { LoopGuard } from './loop-guard.js';
import { MemoryOutbox } from './memory-outbox.js';
import { MQTTConnector } from './mqtt-connector.js';
import { Recent } from './recent.js';
import { keyOf } from './text-key.js';
import { Throttle } from './throttle.js';

describe('the key of a text', () => {
  it('is the text itself where that is short', () => {
    for (const text of ['', 'a/b', 'x'.repeat(1_024)]) expect(keyOf(text)).toBe(text);
  });

  it('is short where the text is long', () => {
    for (const length of [1_025, 60_000, 1e6]) expect(keyOf('x'.repeat(length)).length).toBeLessThan(50);
  });

  it('is that of no other text', () => {
    const long = 'x'.repeat(2_000);
    const texts = [long, `${long}x`, `${long}y`, `${long}\ud800`, `${long}\ud801`, `${long}\ufffd`];
    const keys = texts.map(keyOf);
    // Who knows how keys are made may use one as a name.
    expect(new Set([...keys, ...keys.map(keyOf)]).size).toBe(2 * texts.length);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.nat(2_000), (a, b, padding) => {
        const pad = 'x'.repeat(padding);
        expect(keyOf(pad + a) === keyOf(pad + b)).toBe(a === b);
      }),
    );
  });
});

describe('a thousand topics of 60 KB', () => {
  // Of one length, and different at the end only. Not one string with many tails, which V8 would have to join first.
  const topics = Array.from({ length: 1_000 }, (_none, n) =>
    Buffer.from('in/'.padEnd(60_000, 'x') + String(n).padStart(4, '0')).toString('latin1'),
  );
  /** Looking at all of them for each takes a hundred times as long as this. */
  const isQuick = (deed: (topic: string) => void) => {
    const start = performance.now();
    for (const topic of [...topics, ...topics]) deed(topic);
    expect(performance.now() - start).toBeLessThan(4_000);
  };
  const message = (topic: string) => ({ topic, payload: '', qos: 1, retain: false }) as const;

  it('do not slow down a throttle', () => {
    const throttle = new Throttle({ release() {}, drop() {} }, silentLogger);
    const by = { rule: undefined, filter: undefined };
    const leaving = { direction: 'out', channel: 'c', event: new TimedEvent(0, 'x', 'y'), ...by } as const;
    isQuick((topic) => throttle.offer({ ...leaving, outcome: 'accepted', message: message(topic) }, 60_000));
    expect(throttle.holding).toBe(1_000);
    throttle.close();
  });

  it('do not slow down an outbox', () => {
    const outbox = new MemoryOutbox({ maxBytes: 1e9 });
    isQuick((topic) => outbox.put({ ...message(topic), latest: true }));
    expect(outbox.waiting).toBe(1_000);
  });

  it('do not slow down the guard against loops', () => {
    const connector = new MQTTConnector({ broker: 'localhost', topics: ['in/+'] });
    const guard = new LoopGuard({ connector, channels: [], maxHops: 8 });
    let marked = 0;
    isQuick((topic) => {
      if (guard.mark(undefined, topic, undefined)) marked++;
    });
    expect(marked).toBe(2_000);
  });

  it('do not slow down what remembers identifiers', () => {
    const gate = new CommandGate();
    const properties = { userProperties: { command_id: '1' } };
    const refused: string[] = [];
    isQuick((topic) => {
      const verdict = gate.judge({ ...message(topic), payload: Buffer.of(), properties }, []);
      if ('reason' in verdict) refused.push(verdict.reason);
    });
    expect(refused).toEqual(topics.map(() => 'duplicate'));
  });

  it('do not slow down what happened lately', () => {
    const recent = new Recent<number>(60_000, 1_000);
    isQuick((topic) => recent.keep(topic, 1));
    expect(recent.take(topics[999] as string, () => true)).toBe(1);
  });
});
