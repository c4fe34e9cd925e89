import { MQTTConnector } from '@cstbox/mqtt-core';
import { REInboundFilter, REOutboundFilter } from '@cstbox/mqtt-filters-re';

const outbound = new REOutboundFilter([
  ['temperature:(?P<room>\\w+)$', 'house/{room}/temperature'],
  ['switch:(?P<room>\\w+)_light$', 'house/{room}/light'],
]);

console.log(outbound.getMqttTopic(Date.now(), 'temperature', 'kitchen', { value: 21.5 })); // house/kitchen/temperature
console.log(outbound.getMqttTopic(Date.now(), 'energy', 'meter', { value: 7 })); // null: it stays in

const inbound = new REInboundFilter([
  ['house/nursery/', []], // nobody switches anything there
  ['house/(?P<room>[^/]+)/light/set$', [['switch', '{room}_light']]],
]);

const connector = new MQTTConnector({ broker: '127.0.0.1' }); // not connected: filters get it to look at
const arrive = (topic: string, text: string) =>
  inbound.acceptEvent(connector, undefined, { topic, payload: Buffer.from(text), qos: 1, retain: false });

const accepted = arrive('house/attic/light/set', '{ "value": "on", "by": "Ann" }');
for (const [event, channel] of accepted ?? []) console.log(channel, JSON.stringify(event)); // the switch attic_light

console.log(arrive('house/nursery/light/set', '"on"')); // null: blocked
