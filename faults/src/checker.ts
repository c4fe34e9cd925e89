import { COMMIT_INTERVAL_MS, SPILL_AFTER_MS } from './configuration.js';
import type { Life } from './gateway.js';
import { FIRST_TIMESTAMP, ROOMS } from './names.js';
import type { Setting } from './schedule.js';
import type { Arrival, Offered } from './witness.js';

/** What became of the events, or of the commands, of a run. */
export interface Figures {
  /** That the gateway has taken: events that it was seen to have read, commands that the broker has taken for it. */
  count: number;
  /** Taken, never arrived, and nothing excuses it. */
  lost: number;
  /** Taken and lost as the promise of this setting allows. */
  inWindow: number;
  /** Lost by the broker, which had acknowledged it. */
  byBroker: number;
  /** Arrivals beyond the first. */
  doubled: number;
  /** Among the doubled: by a broker that was killed and knew no more that it had delivered. */
  doubledByBroker: number;
  /** Came for the first time after a later one of the same variable. */
  outOfOrder: number;
  /** Came with another date, or as another variable, than it left with. */
  altered: number;
  /** Came, and nobody had sent it. */
  stray: number;
  /** Broadcast into the gateway's queue on the bus, never seen to be read, and never arrived: nobody's promise. */
  unheard: number;
}

/** What was seen of the events of a run. Times are those of `performance.now()`. */
export interface EventEvidence {
  readonly setting: Pick<Setting, 'durability' | 'qos'>;
  /** In the order in which they were broadcast. */
  readonly offered: readonly Offered[];
  /** In the order in which they arrived. */
  readonly arrivals: readonly Arrival[];
  /** By the broker, to the gateway. */
  readonly acknowledged: ReadonlySet<number>;
  readonly lives: readonly Pick<Life, 'number' | 'endedMs' | 'end' | 'frozen'>[];
  readonly brokerKillsMs: readonly number[];
  /** When connections between gateway and broker ended. */
  readonly breaksMs: readonly number[];
  /** How many messages the gateway says that a damaged store has cost. */
  readonly damaged: number;
}

/** What was seen of the commands of a run. */
export interface CommandEvidence {
  readonly setting: Pick<Setting, 'qos'>;
  /** In the order in which they were published; all were acknowledged by the broker. */
  readonly published: readonly { readonly number: number; readonly variable: string }[];
  /** At the event manager, in order. */
  readonly arrivals: readonly Arrival[];
  /** When the gateway acknowledged each to the broker. */
  readonly acknowledgedMs: ReadonlyMap<number, number>;
  /** Which the broker has handed over on a connection that stood at the end. */
  readonly isAtGateway: (number: number) => boolean;
  readonly brokerKillsMs: readonly number[];
  readonly busKillsMs: readonly number[];
}

/** A run's machine is busy: so much longer than promised may something take, before it counts as broken. */
const SLACK_MS = 300;
/** What the event manager has accepted may die in the bus for so long, before it is broadcast. */
const BUS_WINDOW_MS = 250;

export function checkEvents(evidence: EventEvidence): Figures {
  const { offered } = evidence;
  const numbers = new Set(offered.map(({ number }) => number));
  const arrived = countArrivals(evidence.arrivals);
  const figures: Figures = {
    ...emptyFigures(),
    ...checkArrivals(evidence.arrivals, numbers, evidence.brokerKillsMs, isEventAltered),
  };
  let damaged = evidence.damaged;
  for (const event of offered) {
    const isTaken = event.acceptedAtMs !== undefined;
    if (isTaken || arrived.has(event.number)) figures.count++;
    if (arrived.has(event.number)) continue;
    if (!isTaken) figures.unheard += event.life === undefined ? 0 : 1;
    else if (evidence.acknowledged.has(event.number)) figures.byBroker++;
    else if (isWithinWindow(event, evidence)) figures.inWindow++;
    else if (damaged-- > 0) figures.inWindow++;
    else figures.lost++;
  }
  return figures;
}

export function checkCommands(evidence: CommandEvidence): Figures {
  const variables = new Map(evidence.published.map(({ number, variable }) => [number, variable]));
  const arrived = countArrivals(evidence.arrivals);
  const isAltered = ({ number, variable }: Arrival) => variables.get(number) !== variable;
  const figures: Figures = {
    ...emptyFigures(),
    // A killed broker hands over again what it no longer knows to be acknowledged.
    ...checkArrivals(evidence.arrivals, new Set(variables.keys()), evidence.brokerKillsMs, isAltered),
    count: evidence.published.length,
  };
  for (const { number } of evidence.published) {
    if (arrived.has(number)) continue;
    const acknowledgedMs = evidence.acknowledgedMs.get(number);
    const isBrokersLoss =
      evidence.brokerKillsMs.length > 0 && acknowledgedMs === undefined && !evidence.isAtGateway(number);
    if (evidence.setting.qos === 0) figures.inWindow++;
    else if (isBrokersLoss) figures.byBroker++;
    else if (acknowledgedMs !== undefined && diedInBus(acknowledgedMs, evidence.busKillsMs)) figures.inWindow++;
    else figures.lost++;
  }
  return figures;
}

/** The numbers of the events that the gateway has read and that have not arrived, yet. */
export function missingEvents(offered: readonly Offered[], arrivals: readonly Arrival[]): number[] {
  const arrived = countArrivals(arrivals);
  return offered
    .filter(({ number, acceptedAtMs }) => acceptedAtMs !== undefined && !arrived.has(number))
    .map(({ number }) => number);
}

export function emptyFigures(): Figures {
  return {
    count: 0,
    lost: 0,
    inWindow: 0,
    byBroker: 0,
    doubled: 0,
    doubledByBroker: 0,
    outOfOrder: 0,
    altered: 0,
    stray: 0,
    unheard: 0,
  };
}

/** The promise of each durability, and that of QoS 0, which is none once a connection ends. */
function isWithinWindow({ life: number, acceptedAtMs = 0 }: Offered, evidence: EventEvidence): boolean {
  const { durability, qos } = evidence.setting;
  if (qos === 0 && evidence.breaksMs.some((breakMs) => breakMs > acceptedAtMs)) return true;
  const life = evidence.lives.find((each) => each.number === number);
  if (life?.endedMs === undefined) return false;
  if (durability === 'memory') return true;
  // What was taken is stored on SIGTERM, whatever its age.
  if (life.end === 'terminated') return false;
  const promisedMs = durability === 'always' ? COMMIT_INTERVAL_MS : SPILL_AFTER_MS + COMMIT_INTERVAL_MS;
  return awakeMs(acceptedAtMs, life.endedMs, life.frozen) < promisedMs + SLACK_MS;
}

/** How long the gateway could work between two moments: frozen, it can store nothing. */
function awakeMs(fromMs: number, toMs: number, frozen: Life['frozen']): number {
  let awake = toMs - fromMs;
  for (const interval of frozen) {
    awake -= Math.max(0, Math.min(interval.toMs, toMs) - Math.max(interval.fromMs, fromMs));
  }
  return awake;
}

function diedInBus(acknowledgedMs: number, busKillsMs: readonly number[]): boolean {
  return busKillsMs.some(
    (killMs) => acknowledgedMs <= killMs + BUS_WINDOW_MS && killMs - acknowledgedMs < BUS_WINDOW_MS,
  );
}

function countArrivals(arrivals: readonly Arrival[]): Set<number> {
  return new Set(arrivals.map(({ number }) => number));
}

function isEventAltered({ number, variable, timestamp }: Arrival): boolean {
  return timestamp !== FIRST_TIMESTAMP + number || variable !== `temperature:room${number % ROOMS}`;
}

/** What the arrivals show of themselves. */
function checkArrivals(
  arrivals: readonly Arrival[],
  sent: ReadonlySet<number>,
  brokerKillsMs: readonly number[],
  isAltered: (arrival: Arrival) => boolean,
): Pick<Figures, 'doubled' | 'doubledByBroker' | 'outOfOrder' | 'altered' | 'stray'> {
  const figures = { doubled: 0, doubledByBroker: 0, outOfOrder: 0, altered: 0, stray: 0 };
  const firstMs = new Map<number, number>();
  const latest = new Map<string, number>();
  for (const arrival of arrivals) {
    const { number, variable, atMs } = arrival;
    const before = firstMs.get(number);
    if (!sent.has(number)) {
      figures.stray++;
    } else if (before !== undefined) {
      figures.doubled++;
      if (brokerKillsMs.some((killMs) => killMs < atMs && before - killMs < SLACK_MS)) figures.doubledByBroker++;
    } else {
      firstMs.set(number, atMs);
      if (isAltered(arrival)) figures.altered++;
      if (number < (latest.get(variable) ?? 0)) figures.outOfOrder++;
      else latest.set(variable, number);
    }
  }
  return figures;
}
