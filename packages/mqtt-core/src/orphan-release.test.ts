import { brokerKinds, startBroker, TcpProxy, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { MQTTConnector } from './mqtt-connector.js';

const cases = (['3.1.1', '5'] as const).map((protocolVersion) => ({ protocolVersion }));

describe.skipIf(!brokerKinds.includes('mosquitto'))('a session that an earlier process has left', () => {
  it.each(cases)(
    'half-way through QoS 2 does not stand in the way of the next, over MQTT $protocolVersion',
    async ({ protocolVersion }) => {
      await using broker = await startBroker({ kind: 'mosquitto' });
      await using proxy = await TcpProxy.start(broker.port);
      const session = { clientId: 'box', sessionExpiry: 60, protocolVersion } as const;
      await using user = new MQTTConnector({ broker: broker.url, topics: ['t'], subscribeQoS: 2 });
      const texts: string[] = [];
      user.onMessage = (_client, _userData, { payload }) => void texts.push(Buffer.from(payload).toString());
      await user.run();

      const earlier = new MQTTConnector({ broker: '127.0.0.1', port: proxy.port, ...session });
      await earlier.run();
      // The broker receives them, and its answers do not come through.
      proxy.tap = { admits: () => false };
      const lost = Array.from({ length: 20 }, (_, n) => earlier.publish('t', `early ${n}`, { qos: 2 }).catch(() => {}));
      await waitFor('the cut', () => !earlier.connected);
      await earlier.shutdown();
      await Promise.all(lost);

      await using later = new MQTTConnector({ broker: broker.url, ...session });
      await later.run();
      expect(later.status.sessionPresent).toBe(true);
      const numbers = Array.from({ length: 60 }, (_, n) => `late ${n}`);
      for (let n = 0; n < 60; n += 20) {
        await Promise.all(numbers.slice(n, n + 20).map((text) => later.publish('t', text, { qos: 2 })));
      }
      await waitFor('all', () => texts.filter((text) => text.startsWith('late')).length === 60);
      expect(texts.filter((text) => text.startsWith('late'))).toEqual(numbers);
    },
  );
});
