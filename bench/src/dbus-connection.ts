import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import {
  type DBusWriter,
  decodeMessage,
  encodeMessage,
  FrameSplitter,
  type IncomingMessage,
  MessageType,
  type OutgoingMessage,
} from '@cstbox/test-peers/dbus-message';

const DAEMON = 'org.freedesktop.DBus';

/** A connection to a message bus that leaves its user close to the socket: whole frames in, whole frames out. */
export class DBusConnection {
  /** Called with each signal. Undecoded: most are only counted. */
  onSignal: (frame: Buffer) => void = () => {};
  /** Called with each method call; it has to be answered. */
  onCall: (call: IncomingMessage) => void = () => {};

  readonly #socket: Socket;
  readonly #frames = new FrameSplitter();
  readonly #pending = new Map<number, (answer: IncomingMessage) => void>();
  #lastSerial = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#frames.push(chunk, (frame) => this.#receive(frame)));
  }

  /** Reserves serial numbers for frames that the caller encodes. */
  takeSerials(count: number): number {
    const first = this.#lastSerial + 1;
    this.#lastSerial += count;
    return first;
  }

  /** Sends whole frames; resolves when the socket has room for more. */
  async write(frames: Buffer): Promise<void> {
    if (!this.#socket.write(frames)) await once(this.#socket, 'drain');
  }

  /** Calls a method of the bus daemon itself. */
  async call(member: string, signature?: string, body?: (writer: DBusWriter) => void): Promise<IncomingMessage> {
    const arguments_ = signature === undefined ? {} : { signature, body: body ?? (() => {}) };
    return this.#call({ path: '/org/freedesktop/DBus', interface: DAEMON, destination: DAEMON, member, ...arguments_ });
  }

  /**
   * Resolves when somebody on the bus has read all that this connection has sent before: the daemon keeps the order of
   * what it hands on, so the answer to this call comes after that.
   */
  async roundTrip(destination: string): Promise<void> {
    await this.#call({ path: '/', interface: 'org.freedesktop.DBus.Peer', destination, member: 'Ping' });
  }

  async #call(call: Omit<OutgoingMessage, 'type' | 'serial'>): Promise<IncomingMessage> {
    const serial = this.takeSerials(1);
    const answered = new Promise<IncomingMessage>((resolve) => this.#pending.set(serial, resolve));
    this.#socket.write(encodeMessage({ ...call, type: MessageType.CALL, serial }));
    const answer = await answered;
    if (answer.type === MessageType.ERROR) throw new Error(`${call.member} failed on the bus: ${answer.errorName}`);
    return answer;
  }

  #receive(frame: Buffer): void {
    if (frame[1] === MessageType.SIGNAL) {
      this.onSignal(frame);
      return;
    }
    const message = decodeMessage(frame);
    if (message.type === MessageType.CALL) {
      this.onCall(message);
    } else if (message.replySerial !== undefined) {
      this.#pending.get(message.replySerial)?.(message);
      this.#pending.delete(message.replySerial);
    }
  }
}

/** Connects to a bus at a `unix:path=` address, as the user that this process runs as. */
export async function connectToBus(address: string): Promise<DBusConnection> {
  const path = /^unix:path=([^,;]+)/.exec(address)?.[1];
  if (!path) throw new Error(`the bench connects to unix:path= only, not to ${address}`);
  const socket = createConnection(path);
  await once(socket, 'connect');
  await authenticate(socket);
  // Without its bus a program of the bench is of no use; the bench says which one ended.
  socket.on('error', () => {}).on('close', () => process.exit(1));
  const connection = new DBusConnection(socket);
  await connection.call('Hello');
  return connection;
}

/** SASL: the daemon compares the user id with what the kernel says about the socket. */
async function authenticate(socket: Socket): Promise<void> {
  const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString().startsWith('OK ')) throw new Error(`the bus refuses user ${process.getuid?.()}: ${answer}`);
  socket.write('BEGIN\r\n');
}
