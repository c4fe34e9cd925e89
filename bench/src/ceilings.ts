import { once } from 'node:events';
import { createConnection } from 'node:net';
import { type BrokerKind, startBroker, startBus } from '@cstbox/test-peers';
import type { EventCounter } from './event-counter.js';
import { BLANK_DATA, FIRST_FLOOD_VALUE } from './event-payload.js';
import type { EventSource } from './event-source.js';
import { IDLE_MS } from './live-phase.js';
import { encodeConnect, encodePublish } from './mqtt-packets.js';
import { Program } from './program.js';
import type { Subscriber } from './subscriber.js';

/** What no gateway can exceed here: the speed of the bench's own halves, in events per second. */
export interface Ceilings {
  /** The source gets them into a bus where nobody listens. */
  sourceAlone: number;
  /** The source gets them through the bus to a listener who only counts them. */
  sourceToCounter: number;
  /** Prepared PUBLISH packets of QoS 0 go through the broker to the subscriber. */
  brokerToSubscriber: number;
}

/** What the ceilings are measured with. */
export interface Load {
  broker: BrokerKind;
  events: number;
  variables: number;
}

/** Measures generator, bus, broker and subscriber without any gateway. */
export async function measureCeilings(load: Load, signal: AbortSignal): Promise<Ceilings> {
  return { ...(await measureBus(load, signal)), brokerToSubscriber: await measureBroker(load, signal) };
}

async function measureBus({ events, variables }: Load, signal: AbortSignal) {
  await using bus = await startBus();
  await using source = new Program<EventSource>('event-source', signal);
  await source.call('connect', bus.address);
  const emission = { count: events, variables, firstValue: FIRST_FLOOD_VALUE, rate: 0 };
  const alone = await source.call('emit', emission);

  await using counter = new Program<EventCounter>('event-counter', signal);
  await counter.call('connect', bus.address);
  const [emitted, countedNs] = await Promise.all([source.call('emit', emission), counter.call('count', events)]);
  return {
    sourceAlone: perSecond(events, alone.takenNs - alone.startedNs),
    sourceToCounter: perSecond(events, countedNs - emitted.startedNs),
  };
}

async function measureBroker({ broker: kind, events, variables }: Load, signal: AbortSignal): Promise<number> {
  await using broker = await startBroker({ kind });
  await using subscriber = new Program<Subscriber>('subscriber', signal);
  await subscriber.call('connect', broker.port);
  const packets = preparePackets(events, variables);
  const socket = createConnection({ port: broker.port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect', { signal });
    socket.write(encodeConnect('bench-ceiling'));
    await once(socket, 'data', { signal });
    await subscriber.call('expect', { count: events, variables, firstValue: FIRST_FLOOD_VALUE });
    const startedNs = process.hrtime.bigint();
    for (const batch of packets) {
      if (!socket.write(batch)) await once(socket, 'drain', { signal });
    }
    await subscriber.call('finished', IDLE_MS);
    const { lastNs, count, lost } = await subscriber.call('arrivals');
    return perSecond(count - lost, lastNs - startedNs);
  } finally {
    socket.destroy();
  }
}

/** All packets of the flood, encoded beforehand, as large as a gateway's would be. */
function preparePackets(events: number, variables: number): Buffer[] {
  const batches: Buffer[] = [];
  let batch: Buffer[] = [];
  for (let i = 0; i < events; i++) {
    const room = i % variables;
    const data = BLANK_DATA.replace(/\d+/, String(FIRST_FLOOD_VALUE + i));
    const payload = `{"timestamp":${Date.now()},"var_type":"temperature","var_name":"room${room}","data":${data}}`;
    batch.push(encodePublish(`site/room${room}/temperature`, payload));
    if (batch.length === 100 || i === events - 1) {
      batches.push(Buffer.concat(batch));
      batch = [];
    }
  }
  return batches;
}

function perSecond(events: number, ns: bigint): number {
  return events / (Number(ns) / 1e9);
}
