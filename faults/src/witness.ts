import { setTimeout as sleep } from 'node:timers/promises';
import { type IncomingMessage, MessageType } from '@cstbox/test-peers/dbus-message';
import { BodyReader, BUS, BusSession } from './bus-session.js';
import { EVENT_MANAGER, EVENT_SIGNAL, GATEWAY, readContent } from './names.js';

/** An event that the event manager broadcast. */
export interface Offered {
  readonly number: number;
  readonly atMs: number;
  /** Which life of the gateway listened then; none when it was away. */
  readonly life: number | undefined;
  /**
   * When that life was seen to have read it: it answered a ping that the bus had put behind it. Without, the event may have
   * died in a socket.
   */
  acceptedAtMs?: number;
}

/** A command that arrived at the event manager, and was broadcast by it. */
export interface Arrival {
  readonly number: number;
  /** The variable that it arrived as. */
  readonly variable: string;
  readonly atMs: number;
  readonly timestamp?: number | undefined;
}

interface ListeningGateway {
  readonly unique: string;
  readonly life: number;
  /** The bus has its match rule: what is broadcast from now on is put into its queue. */
  listens: boolean;
  readonly unproven: Offered[];
}

const PING_PAUSE_MS = 10;
const REJOIN_PAUSE_MS = 5;

/** Listens on the bus beside the gateway, and knows what the gateway must have heard. Joins again when the bus is back. */
export class Witness implements AsyncDisposable {
  readonly offered = new Map<number, Offered>();
  readonly commands: Arrival[] = [];
  /** The life of the gateway that may own its name now; `undefined`: none, or one that is about to end. */
  life: number | undefined;

  readonly #path: string;
  readonly #running: Promise<void>;
  #isClosed = false;
  #session: BusSession | undefined;
  #isAttached = false;
  #manager: string | undefined;
  #gateway: ListeningGateway | undefined;

  /** @param path of the bus's socket */
  constructor(path: string) {
    this.#path = path;
    this.#running = this.#run();
  }

  /** It hears whatever is broadcast from now on. */
  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** There is an event manager. */
  get seesManager(): boolean {
    return this.#manager !== undefined;
  }

  /** The gateway listens to the present bus. */
  get seesGateway(): boolean {
    return this.#gateway?.listens === true && this.#gateway.life === this.life;
  }

  /** The gateway has read whatever it could hear. */
  get hasProof(): boolean {
    return this.seesGateway && this.#gateway?.unproven.length === 0;
  }

  /** Nothing that the gateway answers from now on counts: it is about to end. */
  gatewayEnds(): void {
    this.life = undefined;
    this.#gateway = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#session?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const session = await BusSession.join(this.#path);
        this.#session = session;
        // Disposed of meanwhile.
        if (this.#isClosed) session.close();
        await this.#attach(session);
        await session.closed;
      } catch {
        // The bus is away: it will be back.
      }
      this.#session = undefined;
      this.#isAttached = false;
      this.#manager = undefined;
      this.#gateway = undefined;
      if (!this.#isClosed) await sleep(REJOIN_PAUSE_MS);
    }
  }

  async #attach(session: BusSession): Promise<void> {
    session.onSignal = (signal) => this.#onSignal(signal, session);
    for (const path of ['/sensor', '/control']) {
      await session.callBus('AddMatch', `type='signal',interface='${EVENT_MANAGER}',path='${path}'`);
    }
    for (const name of [EVENT_MANAGER, GATEWAY]) {
      await session.callBus('AddMatch', `type='signal',sender='${BUS}',member='NameOwnerChanged',arg0='${name}'`);
      const answer = await session.callBus('GetNameOwner', name);
      if (answer.type === MessageType.RETURN) this.#onOwner(name, new BodyReader(answer.body).string(), session);
    }
    this.#isAttached = true;
  }

  #onSignal({ member, path, sender, body }: IncomingMessage, session: BusSession): void {
    const reader = new BodyReader(body);
    if (member === 'NameOwnerChanged') {
      const name = reader.string();
      reader.string();
      this.#onOwner(name, reader.string(), session);
    } else if (member === EVENT_SIGNAL && sender === this.#manager) {
      reader.uint64();
      const variable = `${reader.string()}:${reader.string()}`;
      const content = readContent(reader.string());
      if (!content) return;
      const atMs = performance.now();
      if (path === '/sensor') this.#offer(content.number, atMs);
      else this.commands.push({ number: content.number, variable, atMs });
    }
  }

  #offer(number: number, atMs: number): void {
    const gateway = this.#gateway?.listens ? this.#gateway : undefined;
    const offered: Offered = { number, atMs, life: gateway?.life };
    this.offered.set(number, offered);
    gateway?.unproven.push(offered);
  }

  #onOwner(name: string, unique: string, session: BusSession): void {
    if (name === EVENT_MANAGER) {
      this.#manager = unique || undefined;
    } else if (this.#gateway?.unique !== unique) {
      this.#gateway = undefined;
      if (!unique || this.life === undefined) return;
      this.#gateway = { unique, life: this.life, listens: false, unproven: [] };
      this.#watch(this.#gateway, session).catch(() => {});
    }
  }

  async #watch(gateway: ListeningGateway, session: BusSession): Promise<void> {
    while (this.#gateway === gateway && this.#session === session) {
      if (!gateway.listens) gateway.listens = await listens(gateway.unique, session);
      else if (gateway.unproven.length > 0) await this.#prove(gateway, session);
      await sleep(PING_PAUSE_MS);
    }
  }

  /** The bus keeps the order: who answers a ping has read every signal that was broadcast before we sent it. */
  async #prove(gateway: ListeningGateway, session: BusSession): Promise<void> {
    const count = gateway.unproven.length;
    const { sender } = await session.call({
      destination: gateway.unique,
      path: '/',
      interface: 'org.freedesktop.DBus.Peer',
      member: 'Ping',
    });
    // The bus answers in place of somebody who is gone; and one that is ending reads without accepting.
    if (sender !== gateway.unique || this.#gateway !== gateway) return;
    const acceptedAtMs = performance.now();
    for (const offered of gateway.unproven.splice(0, count)) offered.acceptedAtMs = acceptedAtMs;
  }
}

/** Whether the bus has a match rule of this connection for the sensors' channel. */
async function listens(unique: string, session: BusSession): Promise<boolean> {
  const answer = await session.call({
    destination: BUS,
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus.Debug.Stats',
    member: 'GetAllMatchRules',
  });
  if (answer.type !== MessageType.RETURN) throw new Error(`dbus-daemon shows no match rules: ${answer.errorName}`);
  const reader = new BodyReader(answer.body);
  reader.uint32();
  reader.align(8);
  while (reader.hasMore) {
    const name = reader.string();
    const rules = reader.strings();
    if (name === unique && rules.some((rule) => rule.includes(EVENT_SIGNAL) && rule.includes("path='/sensor'")))
      return true;
    reader.align(8);
  }
  return false;
}
