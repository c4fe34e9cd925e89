import { Gateway, MemoryEventBus, MQTTConnector, makeBasicEvent, OutboundFilter } from '@cstbox/mqtt-core';

class Temperatures extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {
    return varType === 'temperature' ? `house/${varName}/temperature` : null;
  }
}

const bus = new MemoryEventBus();
const connector = new MQTTConnector({ broker: process.argv[2] ?? 'mqtt://127.0.0.1:1883', logger: console });
await using gateway = new Gateway({ bus, connector, outbound: new Temperatures(), logger: console });

await gateway.start();
await bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', 21.5, 'degC'));
await connector.run(); // The event waits for the broker, as long as it takes.
