import { describe, expect, it } from 'vitest';
import { type Arrival, InboundAcknowledgements } from './inbound-acknowledgements.js';

function open() {
  const sent: string[] = [];
  const table = new InboundAcknowledgements((qos, id) => sent.push(`${qos === 2 ? 'PUBREC' : 'PUBACK'} ${id}`));
  table.open(false);
  const arrive = (id: number, { text = 'x', ...rest }: Partial<Arrival> & { text?: string } = {}) =>
    table.arrive({ id, qos: 1, dup: false, topic: 't', payload: Buffer.from(text), ...rest });
  /** It is handed over. */
  const take = (...message: Parameters<typeof arrive>) => {
    const handed = arrive(...message);
    if (!handed) throw new Error('it was not handed over');
    return handed;
  };
  const reconnect = (sessionPresent: boolean) => {
    table.close();
    table.open(sessionPresent);
  };
  return { table, sent, arrive, take, reconnect };
}

describe('acknowledgements of what comes in', () => {
  it('go out in the order of arrival, whichever handler is done first', () => {
    const { table, sent, take } = open();
    const [a, b, c] = [take(1), take(2, { qos: 2 }), take(3)];
    table.settle(b, 'accepted');
    table.settle(c, 'accepted');
    expect(sent).toEqual([]);
    table.settle(a, 'accepted');
    expect(sent).toEqual(['PUBACK 1', 'PUBREC 2', 'PUBACK 3']);
  });

  it('are left out for what is left, and hold nothing up', () => {
    const { table, sent, arrive, take, reconnect } = open();
    const [a, b] = [take(1), take(2)];
    table.settle(b, 'accepted');
    table.settle(a, 'left');
    expect(sent).toEqual(['PUBACK 2']);
    reconnect(true);
    expect(arrive(1, { dup: true })).toBeDefined();
  });

  it.each([1, 2] as const)('at QoS %s never go out on another connection than the message came on', (qos) => {
    const { table, sent, arrive, take, reconnect } = open();
    const early = take(1, { qos, text: 'early' });
    const late = take(2, { qos, text: 'late' });
    table.close();
    table.settle(early, 'accepted');
    table.open(true);
    table.settle(late, 'accepted');
    expect(sent).toEqual([]);
    // The broker delivers both again: neither is handed over again.
    expect(arrive(1, { qos, text: 'early', dup: true })).toBeUndefined();
    expect(arrive(2, { qos, text: 'late', dup: true })).toBeUndefined();
    expect(sent).toEqual(qos === 1 ? ['PUBACK 1', 'PUBACK 2'] : ['PUBREC 1', 'PUBREC 2']);
    reconnect(true);
  });

  it('go out when a handler is done that was pending over the reconnection', () => {
    const { table, sent, arrive, take, reconnect } = open();
    const handed = take(1);
    reconnect(true);
    expect(arrive(1, { dup: true })).toBeUndefined();
    expect(sent).toEqual([]);
    table.settle(handed, 'accepted');
    expect(sent).toEqual(['PUBACK 1']);
  });

  it('forget a session that the broker has lost', () => {
    const { table, sent, take, reconnect } = open();
    const old = take(1);
    reconnect(false);
    const fresh = take(1, { dup: true });
    table.settle(old, 'accepted');
    expect(sent).toEqual([]);
    table.settle(fresh, 'accepted');
    expect(sent).toEqual(['PUBACK 1']);
  });

  it.each([
    ['another payload', { text: 'other', dup: true }],
    ['another topic', { topic: 'other', dup: true }],
    ['no mark of a duplicate', {}],
  ])('take an identifier that comes again with %s for another message', (_what, again) => {
    const { table, sent, take, reconnect } = open();
    const old = take(1);
    reconnect(true);
    const fresh = take(1, again);
    table.settle(old, 'accepted');
    expect(sent).toEqual([]);
    table.settle(fresh, 'accepted');
    expect(sent).toEqual(['PUBACK 1']);
  });

  it('repeat PUBREC for a QoS 2 message until its identifier is released', () => {
    const { table, sent, arrive, take, reconnect } = open();
    table.settle(take(1, { qos: 2 }), 'accepted');
    reconnect(true);
    expect(arrive(1, { qos: 2, dup: true })).toBeUndefined();
    expect(sent).toEqual(['PUBREC 1', 'PUBREC 1']);
    table.released(1);
    expect(arrive(1, { qos: 2 })).toBeDefined();
  });

  it('are not sent twice for what comes twice on one connection', () => {
    const { table, sent, arrive, take } = open();
    const handed = take(1, { qos: 2 });
    expect(arrive(1, { qos: 2, dup: true })).toBeUndefined();
    table.settle(handed, 'accepted');
    expect(sent).toEqual(['PUBREC 1']);
  });

  it('are not sent, and nothing fails, after the connection ended', () => {
    const { table, sent, arrive, take } = open();
    const handed = take(1);
    table.close();
    expect(arrive(2)).toBeDefined();
    table.settle(handed, 'accepted');
    expect(sent).toEqual([]);
  });
});
