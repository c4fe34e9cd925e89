import { DBusWriter } from './dbus-writer.js';

export type { DBusWriter };

export const MessageType = { CALL: 1, RETURN: 2, ERROR: 3, SIGNAL: 4 } as const;

/** Flag of a message: its sender does not wait for an answer. */
export const NO_REPLY_EXPECTED = 1;

/** Where the serial number stands in every message. */
export const SERIAL_OFFSET = 8;

/** Header fields, by the names and codes that the D-Bus specification gives them. */
interface HeaderFields {
  path?: string;
  interface?: string;
  member?: string;
  errorName?: string;
  replySerial?: number;
  destination?: string;
  sender?: string;
  signature?: string;
}

const FIELDS: readonly [code: number, type: 'o' | 's' | 'u' | 'g', name: keyof HeaderFields][] = [
  [1, 'o', 'path'],
  [2, 's', 'interface'],
  [3, 's', 'member'],
  [4, 's', 'errorName'],
  [5, 'u', 'replySerial'],
  [6, 's', 'destination'],
  [7, 's', 'sender'],
  [8, 'g', 'signature'],
];

/** A message to encode. `body` writes what `signature` says. */
export interface OutgoingMessage extends HeaderFields {
  type: number;
  serial: number;
  flags?: number;
  body?: (writer: DBusWriter) => void;
}

/** A message received; the body is left as it came. */
export interface IncomingMessage extends HeaderFields {
  type: number;
  serial: number;
  flags: number;
  body: Buffer;
}

export function encodeMessage(message: OutgoingMessage): Buffer {
  const writer = new DBusWriter();
  writer
    .byte(0x6c)
    .byte(message.type)
    .byte(message.flags ?? 0)
    .byte(1);
  writer.uint32(0).uint32(message.serial).uint32(0);
  const fieldsStart = writer.length;
  for (const [code, type, name] of FIELDS) {
    const value = message[name];
    if (value === undefined) continue;
    writer.align(8).byte(code).signature(type);
    if (typeof value === 'number') writer.uint32(value);
    else if (type === 'g') writer.signature(value);
    else writer.string(value);
  }
  writer.patchUint32(12, writer.length - fieldsStart);
  writer.align(8);
  const bodyStart = writer.length;
  message.body?.(writer);
  writer.patchUint32(4, writer.length - bodyStart);
  return writer.bytes();
}

/** Decodes one whole message, as {@link FrameSplitter} gives it. */
export function decodeMessage(frame: Buffer): IncomingMessage {
  if (frame[0] !== 0x6c) throw new Error('a big-endian D-Bus message; tests speak to peers on their own machine only');
  const fieldsEnd = 16 + frame.readUInt32LE(12);
  const fields: HeaderFields = {};
  for (let at = 16; at < fieldsEnd; ) {
    const code = frame.readUInt8(at);
    const type = String.fromCharCode(frame.readUInt8(at + 2));
    at += 4;
    const name = FIELDS.find(([known]) => known === code)?.[2];
    if (type === 'u') {
      if (name === 'replySerial') fields.replySerial = frame.readUInt32LE(at);
      at += 4;
    } else {
      const prefix = type === 'g' ? 1 : 4;
      const length = type === 'g' ? frame.readUInt8(at) : frame.readUInt32LE(at);
      if (name && name !== 'replySerial') fields[name] = frame.toString('utf8', at + prefix, at + prefix + length);
      at += prefix + length + 1;
    }
    at = padded(at, 8);
  }
  return {
    type: frame.readUInt8(1),
    flags: frame.readUInt8(2),
    serial: frame.readUInt32LE(SERIAL_OFFSET),
    body: frame.subarray(bodyOffset(frame)),
    ...fields,
  };
}

/** Where the body of a little-endian message starts. */
export function bodyOffset(frame: Buffer, start = 0): number {
  return padded(16 + frame.readUInt32LE(start + 12), 8);
}

function padded(length: number, boundary: number): number {
  return Math.ceil(length / boundary) * boundary;
}

/** Cuts a stream of bytes into D-Bus messages, wherever its chunks end. */
export class FrameSplitter {
  #rest: Buffer | undefined;

  /** `onFrame` may keep the frame: no later chunk is written over it. */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= 16) {
      const end = at + bodyOffset(bytes, at) + bytes.readUInt32LE(at + 4);
      if (end > bytes.length) break;
      onFrame(bytes.subarray(at, end));
      at = end;
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
  }
}
