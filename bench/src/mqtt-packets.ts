/** Packet types of MQTT 3.1.1 that the subscriber meets, as they stand in a packet's first byte. */
export const PacketType = { CONNACK: 2, PUBLISH: 3, SUBACK: 9 } as const;

/** CONNECT with a clean session and no keep-alive. */
export function encodeConnect(clientId: string): Buffer {
  const [protocolLevel, cleanSession, keepAlive] = [4, 0x02, 0];
  const fixed = Buffer.from([protocolLevel, cleanSession, keepAlive >> 8, keepAlive & 0xff]);
  return packet(0x10, mqttString('MQTT'), fixed, mqttString(clientId));
}

/** SUBSCRIBE at QoS 0. */
export function encodeSubscribe(packetId: number, topicFilter: string): Buffer {
  return packet(0x82, Buffer.from([packetId >> 8, packetId & 0xff]), mqttString(topicFilter), Buffer.from([0]));
}

/** PUBLISH at QoS 0. */
export function encodePublish(topic: string, payload: string): Buffer {
  return packet(0x30, mqttString(topic), Buffer.from(payload));
}

function mqttString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.from([bytes.length >> 8, bytes.length & 0xff, ...bytes]);
}

function packet(firstByte: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length: number[] = [];
  let rest = content.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([firstByte, ...length]), content]);
}

/** Called with a packet's type and where its content (all that follows the length) stands within the buffer. */
export type OnPacket = (type: number, buffer: Buffer, start: number, end: number) => void;

/** Cuts a stream of bytes into MQTT packets, wherever its chunks end. */
export class PacketSplitter {
  #rest: Buffer | undefined;

  push(chunk: Buffer, onPacket: OnPacket): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (at < bytes.length) {
      let length = 0;
      let start = at + 1;
      let byte = 0x80;
      for (let shift = 0; byte & 0x80 && start < bytes.length; shift += 7) {
        byte = bytes[start++] as number;
        length |= (byte & 0x7f) << shift;
      }
      const end = start + length;
      if (byte & 0x80 || end > bytes.length) break;
      onPacket((bytes[at] as number) >> 4, bytes, start, end);
      at = end;
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
  }
}
