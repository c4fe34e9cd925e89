import assert from 'node:assert/strict';
import { BasicEvent } from '../event.js';
import type { InboundFilter, OutboundFilter } from '../filter.js';
import { MQTTConnector } from '../mqtt-connector.js';
import { matchesTopicFilter, nameFault, topicFault } from '../topic.js';
import { type ContractCase, contractCase, shown } from './contract.js';
import { HOSTILE_NAMES } from './hostile.js';

/** What every outbound filter must do, whatever its rules. */
export function outboundFilterContract(create: () => OutboundFilter | Promise<OutboundFilter>): ContractCase[] {
  return [
    contractCase('gives a legal topic or null for any variable, and does not throw', async () => {
      const filter = await create();
      const hostile = [...HOSTILE_NAMES, '', '\0', '\ud800', 'x\udfff'];
      for (const varType of ['temperature', 'switch', ...hostile]) {
        for (const varName of ['kitchen', ...hostile]) {
          const topic = filter.getMqttTopic(0, varType, varName, {}, 'sensor');
          filter.takeRefusal();
          if (topic === null) continue;
          assert.equal(topicFault(topic), undefined, `${shown(varType)}:${shown(varName)} gives ${shown(topic)}`);
          const isCovered = filter.publishedTopics?.some((each) => matchesTopicFilter(each, topic)) ?? true;
          assert.ok(isCovered, `its publishedTopics cover ${shown(topic)}`);
        }
      }
    }),
    contractCase('gives the same answer for the same event', async () => {
      const filter = await create();
      for (const name of HOSTILE_NAMES) {
        const ask = () => filter.getMqttTopic(0, 'temperature', name, { value: 1 }, 'sensor');
        assert.equal(ask(), ask());
      }
    }),
    contractCase('names the channels that it listens to', async () => {
      const { channels } = await create();
      assert.ok(channels.length > 0 && channels.every((channel) => typeof channel === 'string' && channel !== ''));
    }),
  ];
}

/** What every inbound filter must do, whatever its rules. */
export function inboundFilterContract(create: () => InboundFilter | Promise<InboundFilter>): ContractCase[] {
  return [
    contractCase('gives legal events or nothing for any message, and does not throw', async () => {
      const filter = await create();
      await using connector = new MQTTConnector({ broker: 'localhost' });
      for (const topic of [
        'site/kitchen/set/light',
        ...HOSTILE_NAMES.filter((name) => topicFault(name) === undefined),
      ]) {
        for (const payload of HOSTILE_PAYLOADS) {
          const accepted = filter.acceptEvent(connector, undefined, { topic, payload, qos: 1, retain: false }) ?? [];
          filter.takeRefusal();
          for (const [event, channel] of accepted) {
            const [varType, varName] = event instanceof BasicEvent ? [event.varType, event.varName] : event;
            assert.equal(nameFault(varType) ?? nameFault(varName), undefined, `${shown(topic)} gives legal names`);
            assert.ok(typeof channel === 'string' && channel !== '', 'each event has a channel');
            assert.ok(filter.emitsOn?.includes(channel) ?? true, `its emitsOn has ${channel}`);
          }
        }
      }
    }),
  ];
}

const HOSTILE_PAYLOADS: readonly Uint8Array[] = [
  '',
  'on',
  '21.5',
  'null',
  '[]',
  '{}',
  '{"value":true,"timestamp":1}',
  '{"value":1,"__proto__":{"polluted":true}}',
  '{"value":',
  '['.repeat(100_000),
  '\0',
  '\ufeff{"value":1}',
]
  .map((text) => Buffer.from(text))
  .concat([Buffer.from([0xff, 0xfe]), Buffer.from([0xc0, 0x80]), Buffer.from([0xed, 0xa0, 0x80])]);
