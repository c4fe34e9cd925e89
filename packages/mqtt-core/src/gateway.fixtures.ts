import { keepLog } from './connector.fixtures.js';
import type { BasicEvent } from './event.js';
import { Gateway } from './gateway.js';
import type { GatewayOptions } from './gateway-options.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';

/** A gateway whose broker is away: what it lets out waits, what comes in is handed to it here. */
export async function startLonely({
  bus = new MemoryEventBus(),
  ...options
}: Omit<GatewayOptions, 'bus' | 'connector'> & { bus?: MemoryEventBus }) {
  const connector = new MQTTConnector({ broker: '127.0.0.1', port: 1 });
  const log = keepLog();
  const gateway = new Gateway({ bus, connector, logger: log, stopTimeoutMs: 100, ...options });
  await gateway.start();
  return {
    bus,
    gateway,
    log,
    /** An event on the bus. */
    emit: (event: BasicEvent, channel = 'sensor') => bus.emit(channel, event),
    /** A message from the broker. */
    receive: async (topic: string, more: Partial<MQTTMessage> = {}) =>
      connector.onMessage(connector, undefined, { topic, payload: Buffer.from('x'), qos: 1, retain: false, ...more }),
    /** What was let out, in order. */
    topics: topicsOf(gateway),
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}

function topicsOf(gateway: Gateway): string[] {
  const topics: string[] = [];
  gateway.observe((crossing) => {
    if (crossing.direction === 'out' && crossing.outcome === 'accepted') topics.push(crossing.message.topic);
  });
  return topics;
}
