import { brokerKinds, startBroker, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, Listener, QUICKLY, rest, SlowListener } from './connector.fixtures.js';
import { MQTTConnector } from './mqtt-connector.js';

const COUNT = 15;

describe.runIf(brokerKinds.includes('mosquitto')).concurrent.each([
  ['3.1.1', 'messages', { messages: 5 }],
  ['3.1.1', 'bytes', { bytes: 500 }],
  ['5', 'messages', { messages: 5 }],
  ['5', 'bytes', { bytes: 500 }],
] as const)('a connector with MQTT %s that has too many %s under way', (protocolVersion, bound, maxUnacknowledged) => {
  it.each([
    ['the connection is replaced', 0],
    ['it is replaced and the time for an answer passes', 500],
  ])('sends all the same when %s, and later has every message once', async (_what, waitMs) => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using user = new Listener({ broker: broker.url, topics: ['out'] });
    await user.run();
    const logger = keepLog();
    const session = { clientId: 'box', sessionExpiry: 60, connectTimeoutMs: 200, ...QUICKLY };
    const options = { broker: broker.url, topics: ['in'], protocolVersion, maxUnacknowledged, logger, ...session };
    await using slow = new SlowListener(options);
    await slow.run();
    const texts = Array.from({ length: COUNT }, (_, n) => String(n).padEnd(100));
    for (const text of texts) await user.publish('in', text, { qos: 1 });
    // With MQTT 5 the broker itself keeps to the number of messages.
    const isPaused = bound === 'bytes' || protocolVersion === '3.1.1';
    await waitFor('the bound', () => slow.messages.length >= 5 && slow.isPaused === isPaused);

    slow.restart('test');
    expect(slow.isPaused).toBe(false);
    await waitFor('the return', () => slow.connected && slow.isPaused === isPaused);
    await rest(waitMs);
    const { sessionPresent, state } = slow.status;
    expect({ sessionPresent, state, isPaused: slow.isPaused }).toEqual({
      sessionPresent: true,
      state: 'connected',
      isPaused,
    });
    await slow.publish('out', 'event', { qos: 0 });
    const acknowledged = slow.publish('out', 'acknowledged event', { qos: 1 });
    await user.message(1);

    await waitFor('the rest', () => {
      slow.release();
      return slow.messages.length >= COUNT && !slow.isPaused;
    });
    await acknowledged;
    await rest(50);
    expect(slow.texts).toEqual(texts);
    expect(slow.connected).toBe(true);
    // Its subscription stands: it was answered, and what is published now comes.
    await waitFor('the line', () => logger.at('info').filter((line) => line.endsWith('subscribed to in')).length === 2);
    await user.publish('in', 'last', { qos: 1 });
    await slow.message(COUNT);
    expect(logger.at('warn', 'error')).toEqual([expect.stringContaining(': test; trying again')]);
  });
});

it('a connector that reads is not paused', () => {
  expect(new MQTTConnector({ broker: 'h' }).isPaused).toBe(false);
});
