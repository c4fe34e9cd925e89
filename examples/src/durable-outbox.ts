import { setTimeout } from 'node:timers/promises';
import { Gateway, MemoryEventBus, MQTTConnector, makeBasicEvent, OutboundFilter } from '@cstbox/mqtt-core';
import { LevelOutbox } from '@cstbox/mqtt-outbox-level';

class Temperatures extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {
    return varType === 'temperature' ? `house/${varName}/temperature` : null;
  }
}

const [broker = 'mqtt://127.0.0.1:1883', directory = './outbox'] = process.argv.slice(2);
const bus = new MemoryEventBus();
const connector = new MQTTConnector({ broker, logger: console });
const outbox = new LevelOutbox({ directory, durability: 'always', logger: console });
await using gateway = new Gateway({ bus, connector, outbox, outbound: new Temperatures(), logger: console });

await gateway.start(); // Sends what an earlier run has left. Another process in the directory: `outbox_locked`.
await bus.emit('sensor', makeBasicEvent('temperature', 'kitchen', 21.5, 'degC'));
// Without a broker by then, the event stays on disk, and the next run sends it.
await Promise.race([connector.run(), setTimeout(1_000, undefined, { ref: false })]);
