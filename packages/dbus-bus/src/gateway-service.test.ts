import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AcceptedEvent,
  ConfigurationError,
  InboundFilter,
  MemoryEventBus,
  MQTTConnector,
  type MQTTMessage,
  makeBasicEvent,
  OutboundFilter,
  type TimedEvent,
} from '@cstbox/mqtt-core';
import { createCertificates, dbusDaemonMissing, startBroker, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { openHouse } from '../test/house.js';
import { DBusEventBus } from './dbus-event-bus.js';
import { connectorOptions, DEFAULT_BROKER_PORT, MQTTGatewayServiceObject } from './gateway-service.js';

class Out extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {
    return `out/${varType}/${varName}`;
  }
}

class In extends InboundFilter {
  override acceptEvent(_client: MQTTConnector, _userData: unknown, { payload }: MQTTMessage): AcceptedEvent[] {
    return [[['switch', 'lamp', { value: Buffer.from(payload).toString() }], 'control']];
  }
}

const configuration = { broker: { host: 'localhost' } };
const complete = { ...configuration, listened_topics: [], qos: 1 as const };

describe('the gateway service', () => {
  it('refuses to be without any filter, as the original', () => {
    expect(() => new MQTTGatewayServiceObject(configuration, null, null)).toThrow(ConfigurationError);
    expect(() => new MQTTGatewayServiceObject(configuration)).toThrow('lets nothing cross');
  });

  it('checks the configuration that it is given', () => {
    expect(() => new MQTTGatewayServiceObject({ ...configuration, qos: 7 as never }, new In())).toThrow(
      'expected 0, 1 or 2 (at qos)',
    );
  });

  it("takes the original's port for a host, and the scheme's own for a URL", () => {
    expect(DEFAULT_BROKER_PORT).toBe(61_613);
    expect(MQTTGatewayServiceObject.DEFAULT_BROKER_PORT).toBe(61_613);
    const address = (host: string, port?: number) =>
      new MQTTConnector(connectorOptions({ ...complete, broker: { host, port } })).addresses[0]?.port;
    expect([address('h'), address('h', 1884), address('mqtt://h'), address('mqtt://h:1885')]).toEqual([
      61_613, 1884, 1883, 1885,
    ]);
  });

  it('names the certificate that it can not read', () => {
    const tls = { ca_certs: '/nowhere/ca.pem' };
    expect(() => new MQTTGatewayServiceObject({ ...configuration, tls }, new In())).toThrow(
      /can't read \/nowhere\/ca\.pem: ENOENT: no such file or directory \(at tls\.ca_certs\)/,
    );
  });

  it('starts once, stops once, and takes no configuration in between', async () => {
    const bus = new MemoryEventBus();
    const service = new MQTTGatewayServiceObject({ broker: { host: '127.0.0.1', port: 1 } }, null, new Out(), { bus });
    await Promise.all([service.start(), service.start()]);
    expect(() => service.configure(configuration)).toThrow('takes no other configuration');
    await Promise.all([service.stop(), service.stop()]);
    await bus.emit('sensor', makeBasicEvent('motion', 'hall'));
    expect(service.counts?.out.received).toBe(0);
    const stopped = new MQTTGatewayServiceObject(configuration, null, new Out(), { bus });
    await stopped.stop();
    await expect(stopped.start()).rejects.toMatchObject({ code: 'closed' });
  });

  it('bridges any bus that it is given, over TLS with a client certificate', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mqttgwd-test-'));
    try {
      const certificates = await createCertificates();
      const file = (name: string, content: string) => {
        writeFileSync(join(directory, name), content);
        return join(directory, name);
      };
      await using broker = await startBroker({ tls: certificates, clientCertificate: true });
      const bus = new MemoryEventBus();
      await using service = new MQTTGatewayServiceObject(
        {
          ...configuration,
          broker: { host: 'localhost', port: broker.port },
          tls: {
            ca_certs: file('ca.pem', certificates.ca),
            certfile: file('cert.pem', certificates.client.cert),
            keyfile: file('key.pem', certificates.client.key),
          },
        },
        null,
        new Out(),
        { bus },
      );
      await service.start();
      await bus.emit('sensor', makeBasicEvent('motion', 'hall'));
      await waitFor('the event', () => service.counts?.out.forwarded === 1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.skipIf(dbusDaemonMissing())('joins the bus that its configuration names, and works both ways', async () => {
    await using house = await openHouse();
    await using broker = await startBroker();
    const events: TimedEvent[] = [];
    await new DBusEventBus(house.connection).subscribe(['control'], {
      event: (_channel, event) => void events.push(event),
      malformed() {},
    });
    const service = new MQTTGatewayServiceObject(
      {
        ...configuration,
        broker: { host: broker.url },
        listened_topics: ['in/#'],
        dbus: { address: house.bus.address },
      },
      new In(),
      new Out(),
    );
    await service.start();
    await using user = new MQTTConnector({ broker: broker.url, topics: ['out/#'] });
    const topics: string[] = [];
    user.onMessage = (_client, _userData, { topic }) => void topics.push(topic);
    await user.run();
    await waitFor('the gateway', async () => {
      await user.publish('in/lamp', 'on', { qos: 1 });
      return events.length > 0;
    });
    expect(events[0]).toMatchObject({ varType: 'switch', varName: 'lamp', data: { value: 'on' } });
    await waitFor('the way back', () => topics.includes('out/switch/lamp'));
    await service.stop();
    await service.stop();
  });

  it.skipIf(dbusDaemonMissing())('says when there is no bus', async () => {
    const service = new MQTTGatewayServiceObject(
      { ...configuration, dbus: { address: 'unix:path=/nowhere' } },
      new In(),
    );
    await expect(service.start()).rejects.toMatchObject({ code: 'bus_unreachable' });
    await service.stop();
  });
});
