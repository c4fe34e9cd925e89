import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import {
  type DBusWriter,
  decodeMessage,
  encodeMessage,
  FrameSplitter,
  type IncomingMessage,
  MessageType,
  NO_REPLY_EXPECTED,
} from '@cstbox/test-peers/dbus-message';

export const BUS = 'org.freedesktop.DBus';

/** A call to make. `body` writes what `signature` says. */
export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: (writer: DBusWriter) => void;
}

/** One connection to the bus, by hand: for who must not share a mistake with the gateway. It ends when the bus does. */
export class BusSession {
  /** Called with each signal, in order. */
  onSignal: (signal: IncomingMessage) => void = () => {};
  /** Resolves when the bus is gone, or `close()` was called. */
  readonly closed: Promise<unknown>;

  readonly #socket: Socket;
  readonly #frames = new FrameSplitter();
  readonly #pending = new Map<number, { resolve(answer: IncomingMessage): void; reject(error: Error): void }>();
  #lastSerial = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#frames.push(chunk, (frame) => this.#receive(decodeMessage(frame))));
    this.closed = once(socket, 'close').then(() => {
      for (const { reject } of this.#pending.values()) reject(new Error('the bus is gone'));
      this.#pending.clear();
    });
  }

  /**
   * Joins the bus at the path of a socket.
   *
   * @throws when there is none
   */
  static async join(path: string): Promise<BusSession> {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect');
      const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
      socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
      const hello = once(socket, 'data');
      await Promise.race([hello, once(socket, 'close').then(() => Promise.reject(new Error('the bus hung up')))]);
      if (!String((await hello)[0]).startsWith('OK ')) throw new Error('the bus refuses this user');
      socket.write('BEGIN\r\n');
      const session = new BusSession(socket);
      await session.callBus('Hello');
      return session;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Calls a method; resolves with the answer, be it an error.
   *
   * @throws when the bus goes away first
   */
  call(call: BusCall): Promise<IncomingMessage> {
    const serial = ++this.#lastSerial;
    const answered = new Promise<IncomingMessage>((resolve, reject) => this.#pending.set(serial, { resolve, reject }));
    this.#socket.write(encodeMessage({ type: MessageType.CALL, serial, ...call }));
    return answered;
  }

  /** Calls a method of the bus itself. */
  callBus(member: string, ...strings: string[]): Promise<IncomingMessage> {
    const signature = 's'.repeat(strings.length);
    return this.call({
      destination: BUS,
      path: '/org/freedesktop/DBus',
      interface: BUS,
      member,
      ...(signature ? { signature, body: (writer) => strings.forEach((each) => void writer.string(each)) } : {}),
    });
  }

  /** Makes calls that nobody answers, in one write. */
  send(calls: readonly BusCall[]): void {
    const frames = calls.map((call) =>
      encodeMessage({ type: MessageType.CALL, flags: NO_REPLY_EXPECTED, serial: ++this.#lastSerial, ...call }),
    );
    this.#socket.write(Buffer.concat(frames));
  }

  #receive(message: IncomingMessage): void {
    if (message.type === MessageType.SIGNAL) {
      this.onSignal(message);
    } else if (message.replySerial !== undefined) {
      this.#pending.get(message.replySerial)?.resolve(message);
      this.#pending.delete(message.replySerial);
    }
  }
}

/** Reads what a message carries, one value after the other. */
export class BodyReader {
  #at = 0;

  constructor(private readonly body: Buffer) {}

  get hasMore(): boolean {
    return this.#at < this.body.length;
  }

  uint32(): number {
    this.align(4);
    this.#at += 4;
    return this.body.readUInt32LE(this.#at - 4);
  }

  uint64(): bigint {
    this.align(8);
    this.#at += 8;
    return this.body.readBigUInt64LE(this.#at - 8);
  }

  string(): string {
    const length = this.uint32();
    this.#at += length + 1;
    return this.body.toString('utf8', this.#at - length - 1, this.#at - 1);
  }

  strings(): string[] {
    const end = this.uint32() + this.#at;
    const strings: string[] = [];
    while (this.#at < end) strings.push(this.string());
    return strings;
  }

  align(boundary: number): void {
    this.#at = Math.ceil(this.#at / boundary) * boundary;
  }
}
