import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { MQTTConnector, silentLogger } from '@cstbox/mqtt-core';
import { type LoadedGateway, loadGateway } from '@cstbox/mqttgwd';
import { createCertificates } from '@cstbox/test-peers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BOX = resolve(import.meta.dirname, '../box.yaml');

describe('the configuration of a box', () => {
  let directory: string;
  let loaded: LoadedGateway;

  // It names certificates and a password that only its owner has: ours lie in their place.
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'box-'));
    const { ca, client } = await createCertificates();
    for (const [name, content] of [
      ['tls/ca.pem', ca],
      ['tls/box.pem', client.cert],
      ['tls/box.key', client.key],
      ['mqtt_password', 'open sesame\n'],
    ] as const) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), content);
    }
    await cp(BOX, join(directory, 'box.yaml'));
    loaded = await loadGateway(join(directory, 'box.yaml'), { logger: () => silentLogger, environment: {} });
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('is taken by the daemon, with its certificates and rules', () => {
    const { broker, auth, outbox, tls, commands } = loaded.configuration;
    expect(broker.host).toHaveLength(2);
    expect(auth).toEqual({ username: 'box-17', password: 'open sesame' });
    expect(tls?.ca_certs).toBe(join(directory, 'tls/ca.pem'));
    expect(outbox).toMatchObject({ directory: '/var/lib/mqttgwd', durability: 'always' });
    expect(commands).toEqual({ max_age: 60 });
    expect(loaded.outbound[0]?.getMqttTopic(0, 'power', 'heating', {}, 'sensor')).toBe('site/power/heating');
  });

  it('lets measurements out as its rules say', () => {
    const [outbound] = loaded.outbound;
    const send = (varType: string, varName: string, data: Record<string, unknown>) => {
      const topic = outbound?.getMqttTopic(0, varType, varName, data, 'sensor');
      return topic && [topic, outbound?.makePayload(0, varType, varName, data), outbound?.lastRule?.publish];
    };
    expect(send('energy', 'heating', { value: 1_234_567, unit: 'Wh' })).toEqual([
      'site/energy/heating',
      '{"meter":"heating","at":"1970-01-01T00:00:00.000Z","kwh":1234.57}',
      { retain: true, onBacklog: 'latest' },
    ]);
    expect(send('energy', 'heating', { value: 1_234_600, unit: 'Wh' })).toBeNull();
    expect(outbound?.takeRefusal()?.reason).toBe('unchanged');
    expect(send('temperature', 'boiler', { value: 61, unit: 'degC' })).toMatchObject([
      'site/boiler/alarm',
      '61 degC in boiler',
      { qos: 2, expiryMs: 86_400_000, userProperties: { room: 'boiler' } },
    ]);
    expect(send('temperature', 'boiler', { value: 59, unit: 'degC' })?.[0]).toBe('site/boiler/temperature');
  });

  it.each([
    ['site/hall/set/temperature', ['setpoint', 'hall'], { retained: 'accept', maxAgeMs: 31_536_000_000 }],
    ['site/garage/set/door', ['door', 'garage'], { maxAgeMs: 5_000, timestampField: 'sent', idField: 'request' }],
    ['site/attic/set/light', ['switch', 'attic_light'], undefined],
  ])('lets %s in, with what its rule says', (topic, [varType, varName], policy) => {
    const connector = new MQTTConnector({ broker: '127.0.0.1' }); // not connected: filters get it to look at
    const message = { topic, payload: Buffer.from('1'), qos: 1, retain: false } as const;
    expect(loaded.inbound[0]?.acceptEvent(connector, undefined, message)).toEqual([
      [expect.objectContaining({ varType, varName }), 'control'],
    ]);
    expect(loaded.inbound[0]?.lastRule?.policy).toEqual(policy);
  });
});
