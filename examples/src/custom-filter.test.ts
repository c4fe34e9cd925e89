import { MQTTConnector, makeBasicEvent } from '@cstbox/mqtt-core';
import { inboundFilterContract, outboundFilterContract } from '@cstbox/mqtt-core/testing';
import { describe, expect, it } from 'vitest';
import { createInboundFilter, createOutboundFilter } from './custom-filter.js';

describe('the alarms that go out', () => {
  // What every filter must do, whatever the names and topics that strangers think of.
  for (const { name, run } of outboundFilterContract(() => createOutboundFilter({ threshold: 3 }))) it(name, run);

  it('reach their level', () => {
    const filter = createOutboundFilter({ threshold: 3 });
    const topicOf = (value: unknown) => filter.getMqttTopic(0, 'alarm', 'boiler', { value }, 'sensor');
    expect([topicOf(2), topicOf(3)]).toEqual([null, 'site/alarms']);
    expect(topicOf('high')).toBeNull();
    expect(filter.takeRefusal()?.reason).toBe('no_level');
  });
});

describe('what comes in', () => {
  for (const { name, run } of inboundFilterContract(createInboundFilter)) it(name, run);

  it('is who has seen an alarm', () => {
    const connector = new MQTTConnector({ broker: '127.0.0.1' }); // not connected: the filter gets it to look at
    const arrive = (topic: string) =>
      createInboundFilter().acceptEvent(connector, undefined, {
        topic,
        payload: Buffer.from('Ann'),
        qos: 1,
        retain: false,
      });
    expect(arrive('site/alarms/boiler/seen')).toEqual([[makeBasicEvent('ack', 'boiler', 'Ann'), 'control']]);
    expect(arrive('site/alarms')).toBeNull();
  });
});
