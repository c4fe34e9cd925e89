import { parseArgs } from 'node:util';
import { type FaultName, faultNames } from './fault-kinds.js';
import { generateSchedule, type Schedule } from './schedule.js';

/** What the command line says, complete. */
export interface FaultsOptions {
  readonly schedules: readonly Schedule[];
  readonly jobs: number;
  readonly verbose: boolean;
}

const RUNS = 216;
const JOBS = 2;

export const USAGE = `usage: pnpm faults [options]

  --runs N        schedules, by the seeds from --first on (default ${RUNS})
  --first N       the first seed (default 0)
  --seed N        this one schedule, as often as it is named
  --fault NAME    only schedules in which this happens: ${faultNames.join(', ')}
  --jobs N        how many at the same time (default ${JOBS})
  --verbose       what happens when, and what the gateway says; with several jobs, run by run
  --log-of-a-week runs the gateway through a week of faults instead, in some minutes, and prints its log`;

/** @throws Error that says which option is wrong */
export function parseOptions(args: readonly string[]): FaultsOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: String(RUNS) },
      first: { type: 'string', default: '0' },
      seed: { type: 'string', multiple: true },
      fault: { type: 'string' },
      jobs: { type: 'string', default: String(JOBS) },
      verbose: { type: 'boolean', default: false },
    },
  });
  const wanted = values.fault;
  if (wanted !== undefined && !faultNames.includes(wanted as FaultName)) {
    throw new Error(`--fault: ${wanted} is none of ${faultNames.join(', ')}`);
  }
  const runs = count('runs', values.runs, 1);
  const schedules = values.seed
    ? values.seed.map((seed) => generateSchedule(count('seed', seed, 0)))
    : select(count('first', values.first, 0), runs, wanted as FaultName | undefined);
  return { schedules, jobs: count('jobs', values.jobs, 1), verbose: values.verbose };
}

function select(first: number, runs: number, wanted: FaultName | undefined): Schedule[] {
  const schedules: Schedule[] = [];
  for (let seed = first; schedules.length < runs; seed++) {
    const schedule = generateSchedule(seed);
    if (wanted === undefined || schedule.faults.some(({ name }) => name === wanted)) schedules.push(schedule);
  }
  return schedules;
}

function count(option: string, text: string, least: number): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(number) || number < least) {
    throw new Error(`--${option}: ${text} is no whole number from ${least} on`);
  }
  return number;
}
