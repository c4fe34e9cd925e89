import { startBroker, startMuteServer, waitFor } from '@cstbox/test-peers';
import type { MqttClient } from 'mqtt';
import { describe, expect, it, vi } from 'vitest';
import { keepLog, QUICKLY } from './connector.fixtures.js';
import { MQTTConnector } from './mqtt-connector.js';

const clients: MqttClient[] = [];
vi.mock('mqtt', async (importOriginal) => {
  const original = await importOriginal<typeof import('mqtt')>();
  const connect = (...options: Parameters<typeof original.connect>) => {
    const client = original.connect(...options);
    clients.push(client);
    return client;
  };
  return { ...original, connect };
});

describe('a connector whose MQTT.js client does not close its connection', () => {
  it('ends it, hears nothing of it any more, and connects with another', async () => {
    await using broker = await startBroker();
    const logger = keepLog();
    await using connector = new MQTTConnector({ broker: broker.url, keepAlive: 60, ...QUICKLY, logger });
    clients.length = 0;
    await connector.run();
    const [hanging] = clients as [MqttClient];
    const { stream } = hanging;
    const destroy = stream.destroy.bind(stream);
    stream.destroy = () => stream;
    let hasEnded = false;
    const end = hanging.end.bind(hanging);
    hanging.end = ((force: boolean) => {
      hasEnded = force;
      return end(force);
    }) as typeof hanging.end;
    connector.restart('test');
    await waitFor('the next', () => connector.connected, 8_000);
    expect(clients).toHaveLength(2);
    expect(hasEnded).toBe(true);
    expect(hanging.keepaliveManager).toBeNull();

    // What it says late is nobody's.
    destroy();
    hanging.emit('error', new Error('late'));
    await connector.publish('a', 'x', { qos: 1 });
    expect(connector.status).toMatchObject({ state: 'connected' });
    expect(connector.status.fault).toBeUndefined();
  });

  it('ends it at a shutdown too', async () => {
    await using mute = await startMuteServer();
    const connector = new MQTTConnector({ broker: '127.0.0.1', port: mute.port });
    clients.length = 0;
    connector.run().catch(() => {});
    await waitFor('the connection', () => mute.connections === 1);
    const [hanging] = clients as [MqttClient];
    const destroy = hanging.stream.destroy.bind(hanging.stream);
    hanging.stream.destroy = () => hanging.stream;
    await connector.shutdown();
    expect(connector.state).toBe('closed');
    await waitFor('its end', () => hanging.disconnecting || hanging.disconnected);
    destroy();
  });
});
