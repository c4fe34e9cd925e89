import {
  InboundFilter,
  MemoryEventBus,
  MemoryOutbox,
  MQTTConnector,
  makeBasicEvent,
  OutboundFilter,
} from '@cstbox/mqtt-core';
import { startBroker, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { checkConfiguration, type GatewayConfigurationInput } from './configuration.js';
import { differences } from './configuration-difference.js';
import { MQTTGatewayServiceObject } from './gateway-service.js';

class Out extends OutboundFilter {
  readonly #topic: string;

  constructor(topic: string) {
    super();
    this.#topic = topic;
  }

  override getMqttTopic() {
    return this.#topic;
  }
}

class In extends InboundFilter {
  override readonly topicFilters = ['asked/for'];
}

const configure = (more: Partial<GatewayConfigurationInput> = {}, broker: object = {}) =>
  checkConfiguration({ broker: { host: 'h', ...broker }, ...more });

describe('what two configurations differ in', () => {
  it('is named by keys, without any value', () => {
    const before = configure({ auth: { username: 'u', password: 'old' }, listened_topics: ['a'], filters: {} });
    const after = configure(
      {
        auth: { username: 'u', password: 'new' },
        tls: {},
        qos: 2,
        outbox: { max_age: 5 },
        filters: { outbound: { use: 'x' } },
      },
      { port: 1_884 },
    );
    expect(differences(before, before)).toEqual([]);
    expect(differences(before, { ...before, $schema: 'x' })).toEqual([]);
    expect(differences(before, after).toSorted()).toEqual([
      'auth.password',
      'broker.port',
      'filters.outbound',
      'listened_topics',
      'outbox.max_age',
      'qos',
      'tls',
    ]);
    expect(differences(before, after, ['outbox', 'dbus'])).toEqual(['outbox.max_age']);
  });
});

describe('a gateway service that gets another configuration', () => {
  it('goes on with it at once, names what needs a restart, and stays as it was when it is wrong', async () => {
    await using broker = await startBroker();
    await using bus = new MemoryEventBus();
    const seen: string[] = [];
    await using user = new MQTTConnector({ broker: broker.url, topics: ['#'] });
    user.onMessage = (_client, _userData, { topic, qos }) => void seen.push(`${topic} ${qos}`);
    await user.run();
    const at = { broker: { host: broker.url } };
    const started = { ...at, outbox: { max_messages: 10 } };
    await using service = new MQTTGatewayServiceObject(started, null, new Out('before'), {
      bus,
      outbox: new MemoryOutbox(),
    });
    await expect(service.reconfigure(at, null, new Out('early'))).rejects.toMatchObject({ code: 'closed' });
    await service.start();
    const emit = async (topic: string) => {
      await bus.emit('sensor', makeBasicEvent('motion', 'hall'));
      await waitFor(`the event on ${topic}`, () => seen.at(-1)?.startsWith(topic) === true);
    };
    await emit('before');

    const changed = { ...at, qos: 0 as const, outbox: { max_messages: 20 }, simulate: true };
    expect(await service.reconfigure(changed, new In(), new Out('after'))).toEqual({
      changed: ['qos', 'outbox.max_messages', 'simulate'],
      restartNeeded: ['outbox.max_messages', 'simulate'],
    });
    await emit('after');
    expect(seen).toEqual(['before 1', 'after 0']);

    const wrong: [GatewayConfigurationInput, Out[], string][] = [
      [{ ...at, qos: 7 as never }, [new Out('wrong')], 'expected 0, 1 or 2'],
      [{ broker: { host: 'h' }, tls: { ca_certs: '/nowhere/ca.pem' } }, [new Out('wrong')], "can't read"],
      [at, [], 'without any filter'],
    ];
    for (const [cfg, outbound, message] of wrong) {
      await expect(service.reconfigure(cfg, null, outbound)).rejects.toThrow(message);
    }
    await emit('after');

    expect(
      await service.reconfigure({ ...changed, outbox: started.outbox, simulate: undefined }, null, new Out('again')),
    ).toEqual({
      changed: ['outbox.max_messages', 'simulate'],
      restartNeeded: [],
    });
    await emit('again');
  });
});
