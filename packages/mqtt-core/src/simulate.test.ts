import { brokerKinds, startBroker, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog } from './connector.fixtures.js';
import { MQTTConnector } from './mqtt-connector.js';
import { startCrossing, startUser } from './reconfigure.fixtures.js';

describe.each(brokerKinds)('a gateway that simulates, with %s', (kind) => {
  it('does all but publish, which the log has, and goes on for real when it is told to', async () => {
    await using broker = await startBroker({ kind });
    await using user = await startUser(broker.url);
    const log = keepLog();
    const options = { broker: broker.url, topics: ['in'], logger: log };
    const connector = new MQTTConnector({ ...options, simulate: true });
    await using house = await startCrossing({ connector });
    await waitFor('the connection', () => connector.connected);
    await house.emit(1);
    const properties = { responseTopic: 'out', correlationData: Buffer.from('x') };
    await user.user.publish('in', '2', { qos: 1, properties });
    await waitFor('the command', () => house.commands.length === 1);
    await waitFor('the books', () => house.gateway.counts.out.forwarded === 1);
    const lines = () => log.at('info').filter((line) => line.includes('would publish'));
    expect(lines()).toContain('info would publish out, QoS 1: "1"');
    // Whoever asks with MQTT 5 would get an answer.
    if (kind === 'mosquitto') await waitFor('the answer', () => lines().some((line) => line.includes('accepted')));
    await expect(connector.publish('a/+', 'x')).rejects.toMatchObject({ code: 'invalid_message' });
    await connector.publish('long', 'y'.repeat(3_000), { qos: 2, retain: true });
    expect(lines().at(-1)).toBe(`info would publish long, QoS 2, retained: "${'y'.repeat(2_000)}…"`);

    connector.reconfigure(options);
    await house.emit(3);
    await waitFor('the event', () => user.numbers.length > 0);
    expect(user.numbers).toEqual([3]);
  });
});
