import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CommandEvidence,
  checkCommands,
  checkEvents,
  type EventEvidence,
  type Figures,
  missingEvents,
} from './checker.js';
import { judge } from './expectations.js';
import { House } from './house.js';
import { Injector } from './inject.js';
import { Random } from './random.js';
import { describeFault, describeSetting, type Schedule } from './schedule.js';
import { pump } from './traffic.js';

/** What came of a schedule. */
export interface RunResult {
  readonly schedule: Schedule;
  readonly events: Figures;
  readonly commands: Figures;
  /** What should not have been; none when all promises were kept. */
  readonly problems: readonly string[];
  /** What happened when, and what the gateway said. */
  readonly story: readonly string[];
  readonly seconds: number;
}

/** Everything has to be quiet again so long after the last fault. */
const DRAIN_WITHIN_MS = 30_000;
/** Nothing has arrived for so long: nothing more will. */
const QUIET_MS = 800;
/** The same while something is missing that nothing excuses: a gateway that has not read its store yet says that nothing waits. */
const QUIET_AT_A_LOSS_MS = 10_000;
const ASK_EVERY_MS = 200;

/** Runs a schedule: opens a house, breaks it, mends it, waits until it is quiet, and counts. */
export async function runSchedule(schedule: Schedule, signal: AbortSignal): Promise<RunResult> {
  const startMs = performance.now();
  const story: string[] = [];
  const problems: string[] = [];
  const say = (line: string) => void story.push(`${((performance.now() - startMs) / 1_000).toFixed(3)} ${line}`);
  const complain = (problem: string) => {
    problems.push(problem);
    say(`PROBLEM ${problem}`);
  };
  say(describeSetting(schedule.setting));
  await using house = await House.open({
    setting: schedule.setting,
    wantsSmallDisk: schedule.faults.some(({ name }) => name === 'diskFull'),
    onLine: say,
    onProblem: complain,
  });
  signal.throwIfAborted();
  say('everything is up: traffic begins');
  await breakIt(house, schedule, say);
  signal.throwIfAborted();
  say('everything is mended');
  await mend(house);
  await untilQuiet(house, schedule, complain, signal);
  // Before the gateway ends: that end excuses no loss.
  const evidence = collect(house, schedule);
  await house.gateway.terminate();
  say('the gateway has ended');
  const [events, commands] = [checkEvents(evidence.events), checkCommands(evidence.commands)];
  for (const problem of judge(schedule, events, commands, house.gateway.lives)) complain(problem);
  if (events.lost > 0)
    say(`lost: ${describeNumbers(missingEvents(evidence.events.offered, evidence.events.arrivals))}`);
  return { schedule, events, commands, problems, story, seconds: (performance.now() - startMs) / 1_000 };
}

async function breakIt(house: House, schedule: Schedule, say: (line: string) => void): Promise<void> {
  const injector = new Injector(house, new Random(schedule.seed ^ 0x5eed), say);
  const asking = setInterval(() => house.gateway.askCounts(), ASK_EVERY_MS);
  try {
    await Promise.all([
      pump(schedule.events, (count) => house.source.emit(count)),
      pump(schedule.commands, (count) => house.command(count)),
      ...schedule.faults.map(async (fault) => {
        await sleep(fault.atMs);
        say(`FAULT ${describeFault(fault)}`);
        await injector.inject(fault);
        say(`over: ${fault.name}`);
      }),
    ]);
  } finally {
    clearInterval(asking);
  }
}

/** Whatever ended by its own fault is started again: what it owes is asked of its next life. */
async function mend(house: House): Promise<void> {
  house.proxy.heal();
  house.gateway.thaw();
  await house.startBus();
  await house.gateway.start();
}

/** Waits until nothing waits anywhere, or nothing moves any more. */
async function untilQuiet(
  house: House,
  schedule: Schedule,
  complain: (problem: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + DRAIN_WITHIN_MS;
  for (;;) {
    signal.throwIfAborted();
    house.gateway.askCounts();
    await sleep(ASK_EVERY_MS);
    const waits = whatWaits(house, schedule);
    if (waits === '') return;
    if (performance.now() > deadlineMs) return complain(`not quiet after ${DRAIN_WITHIN_MS / 1_000} s: ${waits}`);
    if (!house.gateway.isRunning) await house.gateway.start();
  }
}

function whatWaits(house: House, schedule: Schedule): string {
  const { witness, gateway, arrivals, untakenCommands } = house;
  const nowMs = performance.now();
  const { startedMs, counts } = gateway.life;
  const quietMs = nowMs - Math.max(startedMs, arrivals.at(-1)?.atMs ?? 0, witness.commands.at(-1)?.atMs ?? 0);
  const [out, into] = [counts['bus to MQTT'], counts['MQTT to bus']];
  const isFresh = out !== undefined && into !== undefined && out.atMs > nowMs - 2 * ASK_EVERY_MS;
  const waits = [
    !witness.hasProof && 'the gateway does not listen to the bus, or does not answer a ping',
    untakenCommands > 0 && `the broker has not taken ${untakenCommands} commands`,
    !isFresh && 'the gateway gives no account on SIGUSR1',
    isFresh && out.waiting > 0 && `${out.waiting} events wait in the gateway`,
    isFresh && into.waiting > 0 && `${into.waiting} commands wait in the gateway`,
    quietMs < QUIET_MS && 'something still arrives',
    quietMs < QUIET_AT_A_LOSS_MS && isAtALoss(house, schedule) && 'something is missing',
  ];
  return waits.filter(Boolean).join('; ');
}

function isAtALoss(house: House, schedule: Schedule): boolean {
  const { events, commands } = collect(house, schedule);
  return checkEvents(events).lost + checkCommands(commands).lost > 0;
}

/** Whether the broker has handed a command over on a connection that still stands. */
function handedOver({ wire }: House): (number: number) => boolean {
  const open = new Set(wire.openConnections);
  return (number) => open.has(wire.handedCommands.get(number) ?? 0);
}

/** What has been seen up to now. */
function collect(house: House, { setting }: Schedule): { events: EventEvidence; commands: CommandEvidence } {
  const { witness, wire, gateway, brokerKillsMs, busKillsMs } = house;
  const damaged = gateway.lives.reduce(
    (sum, { counts }) => sum + (counts['bus to MQTT']?.reasons.outbox_damaged ?? 0),
    0,
  );
  return {
    events: {
      setting,
      offered: [...witness.offered.values()],
      arrivals: [...house.arrivals],
      acknowledged: wire.acknowledgedEvents,
      lives: structuredClone(gateway.lives),
      brokerKillsMs,
      breaksMs: wire.breaksMs,
      damaged,
    },
    commands: {
      setting,
      published: house.commands,
      arrivals: witness.commands.filter(({ number }) => number > 0),
      acknowledgedMs: wire.acknowledgedCommands,
      isAtGateway: handedOver(house),
      brokerKillsMs,
      busKillsMs,
    },
  };
}

/** `3, 7–12, 20 and 14 more` */
export function describeNumbers(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  const shown = ranges.slice(0, 20).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
  return ranges.length > 20 ? `${shown.join(', ')} and ${ranges.length - 20} ranges more` : shown.join(', ');
}
