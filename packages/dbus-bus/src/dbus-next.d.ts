// The parts of dbus-next that are used: its codec and its handshake. They are not in its public types.

declare module 'dbus-next/lib/handshake.js' {
  import type { Duplex } from 'node:stream';
  /** Authenticates; the callback gets an error or the server's GUID. */
  export default function handshake(
    stream: Duplex,
    options: { authMethods?: string[] },
    done: (error: unknown, guid?: string) => void,
  ): void;
}

declare module 'dbus-next/lib/message.js' {
  /** Reads frames whenever the stream is readable, and calls back for each. */
  export function unmarshalMessages(
    stream: { on(event: 'readable', listener: () => void): unknown; read(size: number): Buffer | null },
    onMessage: (message: object) => void,
    options: object,
  ): void;
}

declare module 'dbus-next/lib/variant.js' {
  /** A value with its type: how the codec takes and gives what has the signature `v`. */
  export class Variant {
    constructor(signature: string, value: unknown);
    readonly signature: string;
    readonly value: unknown;
  }
}

declare module 'dbus-next/lib/marshall-compat.js' {
  const codec: {
    messageToJsFmt(message: object): object;
    marshallMessage(message: object): [frame: Buffer, fileDescriptors: number[]];
  };
  export default codec;
}
