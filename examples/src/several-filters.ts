import {
  formatCounts,
  Gateway,
  MemoryEventBus,
  MQTTConnector,
  makeBasicEvent,
  OutboundFilter,
} from '@cstbox/mqtt-core';

/** Alarms go out; what it has nothing to say about is left to the next filter. */
class Alarms extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {
    return varType === 'alarm' ? `house/alarms/${varName}` : null;
  }
}

/** Everything else goes out too, but for what is nobody's business. */
class House extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {
    if (varType === 'badge') return this.refuse('private', 'who comes and goes stays in the house');
    return `house/${varName}/${varType}`;
  }
}

const bus = new MemoryEventBus();
const connector = new MQTTConnector({ broker: process.argv[2] ?? 'mqtt://127.0.0.1:1883' });
await using gateway = new Gateway({ bus, connector, outbound: [new Alarms(), new House()] });

await gateway.start();
await connector.run();
for (const varType of ['alarm', 'power', 'badge']) await bus.emit('sensor', makeBasicEvent(varType, 'cellar'));
await gateway.stop();
for (const [name, counts] of Object.entries(gateway.counts.out.filters)) console.log(name, formatCounts(counts));
