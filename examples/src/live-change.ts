import {
  ConfigurationError,
  formatCounts,
  Gateway,
  MemoryEventBus,
  MQTTConnector,
  makeBasicEvent,
  OutboundFilter,
} from '@cstbox/mqtt-core';

class Temperatures extends OutboundFilter {
  readonly #site: string;

  constructor(site: string) {
    super();
    this.#site = site;
  }

  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {
    return varType === 'temperature' ? `${this.#site}/${varName}` : null;
  }
}

const broker = process.argv[2] ?? 'mqtt://127.0.0.1:1883';
const bus = new MemoryEventBus();
const connector = new MQTTConnector({ broker });
await using gateway = new Gateway({ bus, connector, outbound: new Temperatures('house') });
await gateway.start();
await connector.run();
await bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', 21.5));

// What is on its way keeps its topic; what comes from now on has the new one.
await gateway.reconfigure({ outbound: new Temperatures('flat'), qos: 2 });
await bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', 22));
try {
  await gateway.reconfigure({ outbound: new Temperatures('nowhere'), connector: { broker, keepAlive: -1 } });
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.log(error.message); // and everything is as it was
}

await gateway.stop();
console.log(formatCounts(gateway.counts.out));
