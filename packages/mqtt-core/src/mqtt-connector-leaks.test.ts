import { brokerKinds, startBroker, startProxy, waitFor } from '@cstbox/test-peers';
import type { MqttClient } from 'mqtt';
import { describe, expect, it, vi } from 'vitest';
import { Listener } from './connector.fixtures.js';
import { PACKET_IDENTIFIERS } from './packet-identifiers.js';

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

describe.each(brokerKinds)('a connector to %s after a hundred reconnections', (kind) => {
  it.each([
    ['a session', { clientId: 'leaks', sessionExpiry: 60 }],
    ['no session', {}],
  ])(
    'with %s has one MQTT.js client, with every packet identifier, and no more listeners or messages than before',
    async (_what, session) => {
      await using broker = await startBroker({ kind });
      await using proxy = await startProxy(broker.port);
      const reconnect = { minMs: 1, maxMs: 2 };
      await using connector = new Listener({
        broker: `mqtt://127.0.0.1:${proxy.port}`,
        topics: ['a'],
        reconnect,
        ...session,
      });
      clients.length = 0;
      let connections = 0;
      connector.watch((state) => {
        if (state === 'connected') connections++;
      });
      await connector.run();
      await connector.publish('b', 'x', { qos: 1 });
      const client = clients[0] as MqttClient;
      const listeners = () => client.eventNames().map((name) => `${String(name)}: ${client.listenerCount(name)}`);
      const listenersBefore = listeners();
      const outcomes: Promise<Error | undefined>[] = [];
      for (let round = 0; round < 100; round++) {
        for (const qos of [0, 1, 2, 1, 2] as const)
          outcomes.push(
            connector.publish('b', 'x', { qos }).then(
              () => undefined,
              (error) => error,
            ),
          );
        const before = connections;
        proxy.cut();
        await waitFor('the return', () => connections > before);
      }
      await connector.publish('b', 'x', { qos: 2 });
      const errors = (await Promise.all(outcomes)).filter((error) => error !== undefined);
      for (const error of errors) expect(error).toMatchObject({ code: 'broker_unreachable' });
      expect(clients).toHaveLength(1);
      expect(listeners()).toEqual(listenersBefore);
      expect([Object.keys(client.outgoing), client.queue]).toEqual([[], []]);
      let free = 0;
      while (client.messageIdProvider.allocate() !== null) free++;
      expect(free).toBe(PACKET_IDENTIFIERS);
    },
  );
});
