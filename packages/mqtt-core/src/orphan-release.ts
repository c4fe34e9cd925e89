import type { MqttClient } from 'mqtt';
import { PACKET_IDENTIFIERS } from './packet-identifiers.js';

/** What of MQTT.js is used beside its declared interface. */
interface SendingClient {
  _sendPacket(
    packet: { cmd: 'pubrel'; messageId: number; qos: 2 },
    cb: undefined,
    cbStorePut: undefined,
    noStore: true,
  ): void;
}

/**
 * Releases QoS 2 messages that were left in a session: somebody published them, and has forgotten under which identifiers.
 * The broker would take a new message under one of them for the old one, and count them all against what it allows to be under
 * way. What it releases it delivers, in the order of the identifiers: those messages come twice, since whoever published them
 * does so again.
 */
export class OrphanRelease {
  readonly #unanswered = new Set<number>();
  readonly #onDone: () => void;

  /** @param onDone called when the broker has answered for each identifier (MQTT 5, section 4.3.3) */
  constructor(client: MqttClient, onDone: () => void) {
    this.#onDone = onDone;
    for (let messageId = 1; messageId <= PACKET_IDENTIFIERS; messageId++) {
      this.#unanswered.add(messageId);
      const sending = client as unknown as SendingClient;
      sending._sendPacket({ cmd: 'pubrel', messageId, qos: 2 }, undefined, undefined, true);
    }
  }

  /** The broker completed a delivery. */
  completed(messageId: number): void {
    if (this.#unanswered.delete(messageId) && this.#unanswered.size === 0) this.#onDone();
  }
}
