import { type IPublishPacket, type MqttClient, Store } from 'mqtt';

/**
 * Makes an MQTT.js client forget what it sent and nobody acknowledged; it would send it again after the next
 * connection, one after the other, before anything else.
 */
export function forgetAll(client: MqttClient): void {
  for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
  // With a clean session MQTT.js may have emptied `outgoing` itself, and left its store full.
  client.outgoingStore = new Store();
}

/** The same, but for QoS 2: those deliveries go on in the session, if the broker has kept it. */
export function forgetAllButQoS2(client: MqttClient): void {
  for (const id of Object.keys(client.outgoing).map(Number)) {
    if (!isQoS2(client, id)) client.removeOutgoingMessage(id);
  }
}

/** The same, for what the broker has not said to have received; the callback of each gets an error. */
export function forgetUnreceived(client: MqttClient): void {
  for (const id of Object.keys(client.outgoing).map(Number)) {
    if (stored(client, id)?.cmd === 'publish') client.removeOutgoingMessage(id);
  }
}

/** Marks what is about to be sent again as such (MQTT 3.1.1, section 3.3.1.1); MQTT.js does not. */
export function markDuplicates(client: MqttClient): void {
  for (const id of Object.keys(client.outgoing).map(Number)) {
    const packet = stored(client, id);
    if (packet?.cmd === 'publish') packet.dup = true;
  }
}

function isQoS2(client: MqttClient, id: number): boolean {
  const packet = stored(client, id);
  return packet?.cmd === 'publish' ? packet.qos === 2 : packet?.cmd === 'pubrel';
}

/** What the store, which answers at once, keeps under an identifier. */
function stored(client: MqttClient, messageId: number): IPublishPacket | { cmd: 'pubrel' } | undefined {
  let found: IPublishPacket | { cmd: 'pubrel' } | undefined;
  client.outgoingStore.get({ messageId } as IPublishPacket, (error, packet) => {
    if (!error) found = packet as typeof found;
  });
  return found;
}
