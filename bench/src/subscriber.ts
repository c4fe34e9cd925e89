/** Receives what a gateway publishes, over a bare socket: an MQTT client of its own would need more CPU than it tests. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { FIRST_PROBE_VALUE, NumberFinder, STAMP_KEY, VALUE_KEY } from './event-payload.js';
import { encodeConnect, encodeSubscribe, PacketSplitter, PacketType } from './mqtt-packets.js';
import { obey } from './obey.js';
import { Tally, type TallyFigures } from './tally.js';

/** Topics are `site/room<number>/temperature`. */
const TOPIC_FILTER = 'site/#';
const ROOM = Buffer.from('site/room');

export interface Expectation {
  count: number;
  variables: number;
  firstValue: number;
}

export interface Arrivals extends TallyFigures {
  /** CLOCK_MONOTONIC; 0 when nothing came. */
  firstNs: bigint;
  /** Likewise. */
  lastNs: bigint;
  /** From sending to arrival, in order of arrival. */
  latenciesMs: Float64Array;
}

export interface Subscriber {
  /** Resolves when the broker has taken the subscription. */
  connect(port: number): Promise<void>;
  /** How many probes have arrived so far. */
  probes(): Promise<number>;
  /** Starts a new count. */
  expect(expectation: Expectation): Promise<void>;
  /** Resolves when every event has arrived, or none for so many milliseconds from now on. */
  finished(idleMs: number): Promise<void>;
  /** What has arrived of the present count up to now. */
  arrivals(): Promise<Arrivals>;
}

let probes = 0;
let expectation: Expectation = { count: 0, variables: 1, firstValue: 0 };
let tally = new Tally(0, 1);
let latenciesMs = new Float64Array();
let arrived = 0;
let firstNs = 0n;
let lastNs = 0n;
let quietSinceMs = 0;
const values = new NumberFinder(VALUE_KEY);
const stamps = new NumberFinder(STAMP_KEY);

obey<Subscriber>({
  async connect(port) {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    await subscribe(socket);
    // Without its broker it is of no use; the bench says which program ended.
    socket.on('error', () => {}).on('close', () => process.exit(1));
  },

  async probes() {
    return probes;
  },

  async expect(expected) {
    expectation = expected;
    tally = new Tally(expected.count, expected.variables);
    latenciesMs = new Float64Array(expected.count);
    arrived = 0;
    firstNs = 0n;
    lastNs = 0n;
  },

  finished(idleMs) {
    quietSinceMs = performance.now();
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        if (!tally.isComplete && performance.now() - quietSinceMs < idleMs) return;
        clearInterval(timer);
        resolve();
      }, 20);
    });
  },

  async arrivals() {
    return { ...tally.figures(), firstNs, lastNs, latenciesMs: latenciesMs.slice(0, arrived) };
  },
});

function subscribe(socket: Socket): Promise<void> {
  const packets = new PacketSplitter();
  socket.write(encodeConnect('bench-subscriber'));
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk) => {
      const nowNs = process.hrtime.bigint();
      const now = Number(nowNs);
      packets.push(chunk, (type, buffer, start, end) => {
        if (type === PacketType.PUBLISH) {
          if (receive(buffer, start, end, now)) {
            if (firstNs === 0n) firstNs = nowNs;
            lastNs = nowNs;
          }
        } else if (type === PacketType.CONNACK) {
          if (buffer[start + 1] !== 0) reject(new Error(`the broker refuses the connection: ${buffer[start + 1]}`));
          socket.write(encodeSubscribe(1, TOPIC_FILTER));
        } else if (type === PacketType.SUBACK) {
          if (buffer[start + 2] === 0) resolve();
          else reject(new Error('the broker refuses the subscription'));
        }
      });
    });
  });
}

/** Takes one PUBLISH of QoS 0; returns whether it is an event that had not come before. */
function receive(buffer: Buffer, start: number, end: number, nowNs: number): boolean {
  const topicStart = start + 2;
  const payloadStart = topicStart + buffer.readUInt16BE(start);
  const value = values.find(buffer, payloadStart, end);
  if (value >= FIRST_PROBE_VALUE) {
    probes++;
    return false;
  }
  if (!tally.record(value - expectation.firstValue, roomOf(buffer, topicStart, payloadStart))) return false;
  quietSinceMs = performance.now();
  latenciesMs[arrived++] = (nowNs - stamps.find(buffer, payloadStart, end)) / 1e6;
  return true;
}

/** The number of the room that the topic names, or -1. */
function roomOf(buffer: Buffer, start: number, end: number): number {
  const digitsStart = start + ROOM.length;
  if (buffer.compare(ROOM, 0, ROOM.length, start, Math.min(digitsStart, end)) !== 0) return -1;
  let room = -1;
  for (let at = digitsStart; at < end && buffer[at] !== 0x2f; at++) {
    const digit = (buffer[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    room = Math.max(room, 0) * 10 + digit;
  }
  return room;
}
