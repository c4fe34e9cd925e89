/** dbus-next's own codec, which its public interface does not show: what the tests hold ours against. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const marshalling = require('dbus-next/lib/message.js') as { unmarshall(frame: Buffer): Record<string, unknown> };
const compatible = require('dbus-next/lib/marshall-compat.js') as {
  messageToJsFmt(message: Record<string, unknown>): PlainMessage;
  marshallMessage(message: PlainMessage): [frame: Buffer, fileDescriptors: unknown[]];
};

/** A message with its body in plain JavaScript values. */
export type PlainMessage = Record<string, unknown> & { body: unknown[] };

export function decodeWithDbusNext(frame: Buffer): PlainMessage {
  return compatible.messageToJsFmt(marshalling.unmarshall(frame));
}

export function encodeWithDbusNext(message: PlainMessage): Buffer {
  // It writes into the message that it is given.
  return compatible.marshallMessage({ ...message })[0];
}
