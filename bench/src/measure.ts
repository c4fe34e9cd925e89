import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrokerKind, startBroker, startBus } from '@cstbox/test-peers';
import { FIRST_FLOOD_VALUE, FIRST_PACED_VALUE } from './event-payload.js';
import type { Emission, Emitted, EventSource } from './event-source.js';
import { type GatewayName, type Qos, type RunningGateway, startGateway } from './gateways.js';
import { type ProcessUsage, readUsage } from './process-usage.js';
import { Program } from './program.js';
import { percentile } from './statistics.js';
import type { Arrivals, Subscriber } from './subscriber.js';
import type { TallyFigures } from './tally.js';

/** What is measured, and how long. */
export interface Measurement {
  gateway: GatewayName;
  qos: Qos;
  broker: BrokerKind;
  /** Events of the flood. */
  events: number;
  variables: number;
  /** Events for the latency, and how many of them per second. */
  pacedEvents: number;
  pacedRate: number;
}

/** The raw figures of one run. */
export interface RunFigures {
  flood: TallyFigures & {
    /** From the first sent to the last arrived. */
    seconds: number;
    eventsPerSecond: number;
    /** How fast the bus took them: the gateway is the bottleneck where this is clearly more than it delivered. */
    emittedPerSecond: number;
    /** Over the events that arrived: who loses some does not become cheaper by it. Null when none did. */
    cpuUsPerEvent: number | null;
    /** Part of one core that the gateway had; the other processes share the same cores. */
    cpuShare: number;
    rssBytes: number;
    peakBytes: number;
  };
  paced: TallyFigures & {
    p50Ms: number | null;
    p99Ms: number | null;
    maxMs: number | null;
    cpuUsPerEvent: number | null;
    /** How late the generator itself was at worst. */
    sourceLatestMs: number;
  };
}

/** The run is over when nothing has come for so long. */
const IDLE_MS = 5_000;
/** After the last arrival, for acknowledgements and doubles that are still on their way; its CPU time is counted. */
const SETTLE_MS = 250;
const UP_WITHIN_MS = 20_000;

interface Peers {
  source: Program<EventSource>;
  subscriber: Program<Subscriber>;
  gateway: RunningGateway;
}

/** Measures once, on a fresh bus, a fresh broker and a fresh gateway; all is gone afterwards. */
export async function measure(measurement: Measurement, signal: AbortSignal): Promise<RunFigures> {
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  await using directory = await temporaryDirectory();
  await using bus = await startBus();
  await using broker = await startBroker({ kind: measurement.broker });
  await using subscriber = new Program<Subscriber>('subscriber', stop);
  await using source = new Program<EventSource>('event-source', stop);
  await subscriber.call('connect', broker.port);
  await source.call('connect', bus.address);
  const setting = { brokerPort: broker.port, qos: measurement.qos, directory: directory.path };
  await using gateway = await startGateway(measurement.gateway, bus.address, setting, (error) => failure.abort(error));
  const peers = { source, subscriber, gateway };
  await untilUp(peers, stop);

  const { events, variables, pacedEvents, pacedRate } = measurement;
  const flood = await emit(peers, { count: events, variables, firstValue: FIRST_FLOOD_VALUE, rate: 0 }, stop);
  const paced = await emit(
    peers,
    { count: pacedEvents, variables, firstValue: FIRST_PACED_VALUE, rate: pacedRate },
    stop,
  );
  return { flood: floodFigures(flood), paced: pacedFigures(paced) };
}

/** Probes until the gateway forwards: then it has joined the bus and the broker has taken its connection. */
async function untilUp({ source, subscriber, gateway }: Peers, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + UP_WITHIN_MS;
  const isUp = async () =>
    (await subscriber.call('probes')) > 0 &&
    (gateway.busName === undefined || (await source.call('isOwned', gateway.busName)));
  while (!(await isUp())) {
    if (performance.now() > deadline) throw new Error(`the gateway forwards nothing within ${UP_WITHIN_MS} ms`);
    await source.call('probe');
    await sleep(50, undefined, { signal: stop });
  }
  await sleep(SETTLE_MS, undefined, { signal: stop });
}

interface Phase {
  emitted: Emitted;
  arrivals: Arrivals;
  before: ProcessUsage;
  after: ProcessUsage;
}

async function emit({ source, subscriber, gateway }: Peers, emission: Emission, stop: AbortSignal): Promise<Phase> {
  await subscriber.call('expect', { ...emission, idleMs: IDLE_MS });
  const before = readUsage(gateway.pid);
  const [emitted] = await Promise.all([source.call('emit', emission), subscriber.call('finished')]);
  await sleep(SETTLE_MS, undefined, { signal: stop });
  return { emitted, before, after: readUsage(gateway.pid), arrivals: await subscriber.call('arrivals') };
}

function floodFigures({ emitted, arrivals, before, after }: Phase): RunFigures['flood'] {
  const { lastNs, latenciesMs, ...tally } = arrivals;
  const received = latenciesMs.length;
  const seconds = Math.max(0, Number(lastNs - emitted.startedNs) / 1e9);
  const cpuUs = after.cpuUs - before.cpuUs;
  return {
    ...tally,
    seconds,
    eventsPerSecond: received > 0 ? received / seconds : 0,
    emittedPerSecond: tally.count / (Number(emitted.takenNs - emitted.startedNs) / 1e9),
    cpuUsPerEvent: received > 0 ? cpuUs / received : null,
    cpuShare: received > 0 ? cpuUs / 1e6 / seconds : 0,
    rssBytes: after.rssBytes,
    peakBytes: after.peakBytes,
  };
}

function pacedFigures({ emitted, arrivals, before, after }: Phase): RunFigures['paced'] {
  const { lastNs: _, latenciesMs, ...tally } = arrivals;
  const received = latenciesMs.length;
  const at = (percent: number) => (received > 0 ? percentile(latenciesMs, percent) : null);
  return {
    ...tally,
    p50Ms: at(50),
    p99Ms: at(99),
    maxMs: at(100),
    cpuUsPerEvent: received > 0 ? (after.cpuUs - before.cpuUs) / received : null,
    sourceLatestMs: emitted.latestMs,
  };
}

async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'mqttgwd-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
