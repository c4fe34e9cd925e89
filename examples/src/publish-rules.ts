import {
  type FilterRule,
  formatCounts,
  Gateway,
  MemoryEventBus,
  MQTTConnector,
  makeBasicEvent,
  OutboundFilter,
} from '@cstbox/mqtt-core';

/** The same object for every message: the gateway reads it once. The books are kept under its name. */
const POWER: FilterRule = { name: 'power', publish: { qos: 2, throttleMs: 1_000 } };
const BADGES: FilterRule = { name: 'badges stay in' };

class House extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {
    if (varType === 'badge') {
      this.lastRule = BADGES; // a no of a rule: other filters are not asked
      return null;
    }
    if (varType !== 'power') return null; // no rule: left to the next filter, if there is one
    this.lastRule = POWER;
    return `house/${varName}/power`;
  }
}

const bus = new MemoryEventBus();
const connector = new MQTTConnector({ broker: process.argv[2] ?? 'mqtt://127.0.0.1:1883' });
await using gateway = new Gateway({ bus, connector, outbound: new House() });

await gateway.start();
await connector.run();
await bus.emit('sensor', makeBasicEvent('badge', 'door', 'Ann'));
for (const watts of [100, 200, 300]) await bus.emit('sensor', makeBasicEvent('power', 'oven', watts, 'W'));
await gateway.stop();
for (const [name, counts] of Object.entries(gateway.counts.out.rules)) console.log(`${name}: ${formatCounts(counts)}`);
