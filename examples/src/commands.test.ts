import { resolve } from 'node:path';
import { Gateway, MemoryEventBus, MQTTConnector, silentLogger } from '@cstbox/mqtt-core';
import { type LoadedGateway, loadGateway } from '@cstbox/mqttgwd';
import { brokerKinds, startBroker, waitFor } from '@cstbox/test-peers';
import { beforeAll, describe, expect, it } from 'vitest';

const COMMANDS = resolve(import.meta.dirname, '../commands.yaml');

describe('the configuration for commands from strangers', () => {
  let loaded: LoadedGateway;
  beforeAll(async () => {
    loaded = await loadGateway(COMMANDS, { logger: () => silentLogger, environment: {} });
  });

  const arrive = (topic: string, text: string) => {
    const [filter] = loaded.inbound;
    const connector = new MQTTConnector({ broker: '127.0.0.1' }); // not connected: filters get it to look at
    const message = { topic, payload: Buffer.from(text), qos: 1, retain: false } as const;
    const events = filter?.acceptEvent(connector, undefined, message);
    return events ? Array.from(events, ([event]) => Object(event).data) : (filter?.takeRefusal()?.reason ?? 'filtered');
  };

  it.each<[string, string, unknown]>([
    ['site/boiler/set/heating', '20', 'filtered'],
    ['site/hall/set/heating', '20.5', [{ value: 20.5, unit: 'degC' }]],
    ['site/hall/set/heating', 'warm', 'not_a_number'],
    ['site/hall/set/heating', '31', 'out_of_range'],
    ['site/hall/set/heating', '20.3', 'out_of_range'],
    ['site/north/set/gate', 'Open', [{ value: true }]],
    ['site/north/set/gate', 'true', 'not_a_boolean'],
    ['site/hall/report', '{"climate":{"t":21,"rh":40}}', [{ value: 21, unit: 'degC' }, { value: 40 }]],
    ['site/hall/report', '{"climate":{"t":21}}', 'no_value'],
    ['site/hall/set/light', '"film"', [{ value: 'film' }]],
    ['site/hall/set/light', '{"rgb":"#ff8800"}', [{ value: { rgb: '#ff8800' } }]],
    ['site/hall/set/light', '{"rgb":"red"}', 'schema'],
    ['site/hall/set/light', 'film', 'not_json'],
  ])('makes of %s %j: %j', (topic, text, outcome) => {
    expect(arrive(topic, text)).toEqual(outcome);
  });

  it.skipIf(!brokerKinds.includes('mosquitto'))('answers what it refuses, where the asker wants to know', async () => {
    await using broker = await startBroker({ kind: 'mosquitto' });
    await using bus = new MemoryEventBus();
    const connector = new MQTTConnector({ broker: broker.url, topics: loaded.configuration.listened_topics ?? [] });
    const gateway = new Gateway({ bus, connector, inbound: loaded.inbound });
    await using _stop = { [Symbol.asyncDispose]: () => gateway.stop() };
    await gateway.start();
    await waitFor('the connection', () => connector.connected);

    const panel = new MQTTConnector({ broker: broker.url, topics: ['answers'], protocolVersion: '5' });
    const answers: Record<string, { outcome: string; reason?: string; detail?: string }> = {};
    panel.onMessage = (_client, _userData, { payload, properties }) => {
      answers[String(properties?.correlationData)] = JSON.parse(Buffer.from(payload).toString());
    };
    await panel.run();
    await using _close = { [Symbol.asyncDispose]: () => panel.shutdown() };
    const ask = (id: string, topic: string, text: string) => {
      const properties = { responseTopic: 'answers', correlationData: Buffer.from(id) };
      return panel.publish(topic, text, { qos: 1, properties });
    };

    await ask('hot', 'site/hall/set/heating', '99');
    await ask('light', 'site/hall/set/light', '{"rgb":"#ff8800","x":1}');
    // What is refused for its value leaves all ten to the others.
    for (let n = 0; n < 11; n++) await ask(`n${n}`, 'site/hall/set/heating', '20');
    await waitFor('the answers', () => Object.keys(answers).length === 13);
    expect(answers).toMatchObject({
      hot: { outcome: 'refused', reason: 'out_of_range', detail: '99 is above 30' },
      light: { outcome: 'refused', reason: 'schema' },
      n0: { outcome: 'accepted' },
      n9: { outcome: 'accepted' },
      n10: { outcome: 'refused', reason: 'rate_limited', detail: 'more came than 10 in 60 s' },
    });
    expect(gateway.counts.in).toMatchObject({
      received: 13,
      forwarded: 10,
      dropped: { out_of_range: 1, schema: 1, rate_limited: 1 },
    });
  });
});
