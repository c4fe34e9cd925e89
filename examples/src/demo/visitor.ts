import { MQTTConnector } from '@cstbox/mqtt-core';
import { pause } from './pause.js';

const FIRST_COMMAND_MS = 600;
const COMMAND_PERIOD_MS = 3_000;

/** What the visitor does, over and over. */
const COMMANDS: readonly (readonly [topic: string, payload: string])[] = [
  ['site/kitchen/set/light', 'on'],
  ['site/bedroom/set/lamp', '40'],
  ['site/all/set/light', 'off'],
  ['site/bedroom/set/lamp', '{"value":85,"by":"phone"}'],
];

/** Somebody on the MQTT side, who gives the house a command now and then. */
export async function startVisitor(brokerUrl: string): Promise<AsyncDisposable> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const connector = new MQTTConnector({ broker: brokerUrl, clientId: 'demo-visitor' });
  await connector.run();
  const commanding = (async () => {
    await pause(FIRST_COMMAND_MS, signal);
    for (let turn = 0; !signal.aborted; turn++) {
      const [topic, payload] = COMMANDS[turn % COMMANDS.length] as (typeof COMMANDS)[number];
      // While the broker is away nobody hears, as in life.
      await connector.publish(topic, payload, { qos: 1 }).catch(() => {});
      await pause(COMMAND_PERIOD_MS, signal);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await connector.shutdown();
      await commanding;
    },
  };
}
