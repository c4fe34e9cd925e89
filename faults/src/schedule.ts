import { type FaultName, faultKind, faultNames } from './fault-kinds.js';
import { Random } from './random.js';

export const durabilities = ['memory', 'spill', 'always'] as const;
export type Durability = (typeof durabilities)[number];
export type Qos = 0 | 1 | 2;
export type Protocol = 'auto' | '5' | '3.1.1';

/** How the gateway is configured in a run. */
export interface Setting {
  readonly durability: Durability;
  readonly qos: Qos;
  readonly protocol: Protocol;
}

/** A fault of a schedule. Times are in ms from the start of the traffic. */
export interface Fault {
  readonly name: FaultName;
  readonly atMs: number;
  readonly durationMs: number;
  /** In the unit of its kind; 0 where that has none. */
  readonly amount: number;
}

/** Events or commands, spread evenly over a time; 0: all at once. */
export interface Burst {
  readonly atMs: number;
  readonly count: number;
  readonly overMs: number;
}

/** One run: what is sent, and what breaks meanwhile. */
export interface Schedule {
  readonly seed: number;
  readonly setting: Setting;
  readonly durationMs: number;
  /** By their times. */
  readonly faults: readonly Fault[];
  readonly events: readonly Burst[];
  readonly commands: readonly Burst[];
}

const QOS: readonly Qos[] = [1, 2, 0];
const DURATION_MS = [1_800, 2_600] as const;
const EVENTS_PER_SECOND = [60, 400] as const;
const COMMANDS_PER_SECOND = [10, 60] as const;
const BURSTS = [1, 3] as const;
const BURST_EVENTS = [50, 400] as const;
const FURTHER_FAULTS = [0, 2] as const;
/** No fault before: the gateway should have something to lose. */
const CALM_MS = 150;
/** More at a time would only hide each other. */
const MOST_AT_A_TIME = 2;

/**
 * The schedule of a seed: the same on every machine. Seeds that follow each other go round all settings, and then all
 * faults: each schedule is led by one fault, and chance adds others.
 */
export function generateSchedule(seed: number): Schedule {
  const random = new Random(seed);
  const settings = durabilities.length * QOS.length;
  const setting: Setting = {
    durability: durabilities[seed % durabilities.length] as Durability,
    qos: QOS[Math.floor(seed / durabilities.length) % QOS.length] as Qos,
    protocol: random.pick<Protocol>(['auto', '5', '3.1.1']),
  };
  const applicable = faultNames.filter((name) => setting.durability !== 'memory' || !faultKind(name).needsStore);
  const durationMs = random.integer(DURATION_MS);
  const faults = [
    createFault(applicable[Math.floor(seed / settings) % applicable.length] as FaultName, durationMs, random),
  ];
  for (let further = random.integer(FURTHER_FAULTS); further > 0; further--) {
    const fault = createFault(random.pick(applicable), durationMs, random);
    if (fits(fault, faults)) faults.push(fault);
  }
  const steady = (perSecond: number): Burst => ({
    atMs: 0,
    count: Math.round((perSecond * durationMs) / 1_000),
    overMs: durationMs,
  });
  const bursts = Array.from({ length: random.integer(BURSTS) }, (): Burst => {
    return { atMs: random.integer([0, durationMs]), count: random.integer(BURST_EVENTS), overMs: 0 };
  });
  // The event manager is to be restarted in a burst.
  for (const { name, atMs } of faults) if (name === 'managerRestart') bursts.push({ atMs, count: 300, overMs: 100 });
  return {
    seed,
    setting,
    durationMs,
    faults: faults.sort((a, b) => a.atMs - b.atMs),
    events: [steady(random.integer(EVENTS_PER_SECOND)), ...bursts],
    commands: [steady(random.integer(COMMANDS_PER_SECOND))],
  };
}

/** One line for each thing that happens, for `--verbose` and for the log of a failure. */
export function describeFault({ name, atMs, durationMs, amount }: Fault): string {
  const { says, amount: meaning } = faultKind(name);
  const extra = [durationMs > 0 && `${durationMs} ms`, meaning && `${amount} ${meaning.unit}`].filter(Boolean);
  return `+${atMs} ms ${name}${extra.length > 0 ? ` (${extra.join(', ')})` : ''}: ${says}`;
}

/** `spill, QoS 1, MQTT auto` */
export function describeSetting({ durability, qos, protocol }: Setting): string {
  return `${durability}, QoS ${qos}, MQTT ${protocol}`;
}

function createFault(name: FaultName, runMs: number, random: Random): Fault {
  const { durationMs, amount } = faultKind(name);
  return {
    name,
    atMs: random.integer([CALM_MS, Math.round(runMs * 0.8)]),
    durationMs: random.integer(durationMs),
    amount: amount ? random.integer(amount.bounds) : 0,
  };
}

function fits(fault: Fault, others: readonly Fault[]): boolean {
  const atTheSameTime = others.filter((other) => fault.atMs <= endOf(other) && other.atMs <= endOf(fault));
  const { targets } = faultKind(fault.name);
  const holds = (other: Fault) => faultKind(other.name).targets.some((target) => targets.includes(target));
  return (
    atTheSameTime.length < MOST_AT_A_TIME &&
    !atTheSameTime.some(holds) &&
    !others.some((other) => excludes(other, fault))
  );
}

function endOf({ atMs, durationMs }: Fault): number {
  return atMs + durationMs;
}

/** With a full disk nothing can be stored: ending the gateway then loses what no one promised to keep. */
function excludes(one: Fault, other: Fault): boolean {
  const names = [one.name, other.name];
  return names.includes('diskFull') && names.some((name) => name !== 'diskFull' && endsGateway(name));
}

/** Whether the gateway is ended by the fault, and started again. */
export function endsGateway(name: FaultName): boolean {
  return ['gatewayKill', 'gatewayTerm', 'storeTruncate', 'storeFlip'].includes(name);
}
