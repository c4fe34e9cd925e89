/**
 * An event manager that only emits: it owns `fr.cstb.cstbox.EventManager`, so that a gateway takes its signals as
 * genuine, says yes to whoever announces an event, and broadcasts counted events, in a flood or at a fixed rate.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { encodeMessage, type IncomingMessage, MessageType, NO_REPLY_EXPECTED } from '@cstbox/test-peers/dbus-message';
import { connectToBus, type DBusConnection } from './dbus-connection.js';
import { EVENT_MANAGER, EventFrames } from './event-frames.js';
import { FIRST_PROBE_VALUE } from './event-payload.js';
import { obey } from './obey.js';

/** Events per write: large enough to save system calls, small enough to let calls be answered in between. */
const BATCH = 100;

/** Events that the bus holds at most for a reader who is followed: some 5 MB. */
const AHEAD = 20_000;

export interface Emission {
  count: number;
  /** The events go round the variables `room0` … in turns. */
  variables: number;
  firstValue: number;
  /** Events per second; 0: as fast as the bus takes them. */
  rate: number;
  /** A name on the bus whose owner is never left far behind, however many the events. Default: wait for nobody. */
  follow?: string | undefined;
}

export interface Emitted {
  /** CLOCK_MONOTONIC before the first event. */
  startedNs: bigint;
  /** CLOCK_MONOTONIC when the bus, or who is followed, had taken the last one. */
  takenNs: bigint;
  /** With a rate: how late the latest event was sent, by the generator's own fault. */
  latestMs: number;
}

export interface EventSource {
  connect(busAddress: string): Promise<void>;
  /** Whether anybody owns the name on the bus. */
  isOwned(name: string): Promise<boolean>;
  /** Emits one event that is no part of any count. */
  probe(): Promise<void>;
  emit(emission: Emission): Promise<Emitted>;
}

let bus: DBusConnection;
let probes = 0;
const probeFrames = new EventFrames(['probe'], FIRST_PROBE_VALUE);

obey<EventSource>({
  async connect(busAddress) {
    bus = await connectToBus(busAddress);
    bus.onCall = answer;
    const doNotQueue = 4;
    const reply = await bus.call('RequestName', 'su', (body) => body.string(EVENT_MANAGER).uint32(doNotQueue));
    if (reply.body.readUInt32LE(0) !== 1) throw new Error(`${EVENT_MANAGER} is taken`);
  },

  async isOwned(name) {
    const reply = await bus.call('NameHasOwner', 's', (body) => body.string(name));
    return reply.body.readUInt32LE(0) === 1;
  },

  async probe() {
    await bus.write(encode(probeFrames, probes++, 1));
  },

  async emit({ count, variables, firstValue, rate, follow }) {
    const names = Array.from({ length: variables }, (_, i) => `room${i}`);
    const frames = new EventFrames(names, firstValue);
    const startedNs = process.hrtime.bigint();
    const latestMs = rate > 0 ? await pace(frames, count, rate) : await flood(frames, count, follow);
    // A round trip: the daemon reads its connections in order, so it has taken everything before.
    await (follow === undefined ? bus.call('GetId') : bus.roundTrip(follow));
    return { startedNs, takenNs: process.hrtime.bigint(), latestMs };
  },
});

async function flood(frames: EventFrames, count: number, follow: string | undefined): Promise<number> {
  for (let first = 0; first < count; first += BATCH) {
    if (follow !== undefined && first > 0 && first % AHEAD === 0) await bus.roundTrip(follow);
    await bus.write(encode(frames, first, Math.min(BATCH, count - first)));
    await nextTurn();
  }
  return 0;
}

/** Sends what is due at each turn; does not wait for anybody, so a slow gateway does not slow its own test down. */
async function pace(frames: EventFrames, count: number, rate: number): Promise<number> {
  const start = performance.now();
  let sent = 0;
  let latestMs = 0;
  while (sent < count) {
    const dueMs = (sent * 1000) / rate;
    const elapsedMs = performance.now() - start;
    if (elapsedMs < dueMs) {
      await sleep(dueMs - elapsedMs);
      continue;
    }
    latestMs = Math.max(latestMs, elapsedMs - dueMs);
    const due = Math.min(count, Math.floor((elapsedMs * rate) / 1000) + 1) - sent;
    await bus.write(encode(frames, sent, due));
    sent += due;
  }
  return latestMs;
}

function encode(frames: EventFrames, first: number, count: number): Buffer {
  const firstSerial = bus.takeSerials(count);
  return frames.encode({ first, count, firstSerial, timestampMs: Date.now(), stampNs: process.hrtime.bigint() });
}

function answer(call: IncomingMessage): void {
  if (call.flags & NO_REPLY_EXPECTED) return;
  const reply = { serial: bus.takeSerials(1), replySerial: call.serial, destination: call.sender ?? '' };
  const isEmission = call.member === 'emitEvent' || call.member === 'emitFullEvent';
  const frame = isEmission
    ? encodeMessage({ ...reply, type: MessageType.RETURN, signature: 'b', body: (writer) => writer.boolean(true) })
    : encodeMessage({ ...reply, type: MessageType.ERROR, errorName: 'org.freedesktop.DBus.Error.UnknownMethod' });
  void bus.write(frame);
}
