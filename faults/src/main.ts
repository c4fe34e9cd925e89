import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brokerKinds, dbusDaemonMissing } from '@cstbox/test-peers';
import { daemonMissing } from './gateway.js';
import { type FaultsOptions, parseOptions, USAGE } from './options.js';
import { renderFailure, renderRun, renderSettings, renderTable } from './report.js';
import { type RunResult, runSchedule } from './run.js';
import { logOfAWeek } from './week.js';

/** Here goes the story of each broken run. */
const STORIES = fileURLToPath(new URL('../results/', import.meta.url));

const args = process.argv.slice(2).filter((argument) => argument !== '--');
if (args.includes('--help') || args.includes('-h')) {
  console.log(USAGE);
} else if (args.includes('--log-of-a-week')) {
  try {
    console.log(await logOfAWeek());
  } catch (error) {
    console.error(`faults: ${(error as Error).message}`);
    process.exitCode = 1;
  }
} else {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  try {
    const results = await runAll(options(), stop.signal);
    if (results.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
  } catch (error) {
    console.error(`faults: ${(stop.signal.aborted ? stop.signal.reason : error).message}`);
    process.exitCode = 1;
  }
}

function options(): FaultsOptions {
  const missing =
    dbusDaemonMissing() ??
    (brokerKinds.includes('mosquitto') ? undefined : 'Mosquitto is not installed: install the package mosquitto') ??
    daemonMissing();
  if (missing) throw new Error(missing);
  try {
    return parseOptions(args);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`);
  }
}

async function runAll({ schedules, jobs, verbose }: FaultsOptions, signal: AbortSignal): Promise<RunResult[]> {
  const startMs = performance.now();
  const queue = [...schedules];
  const results: RunResult[] = [];
  const failure = new AbortController();
  const work = async () => {
    for (let schedule = queue.shift(); schedule; schedule = queue.shift()) {
      const result = await runSchedule(schedule, AbortSignal.any([signal, failure.signal]));
      results.push(result);
      if (verbose) console.log(`${result.story.join('\n')}\n`);
      if (result.problems.length > 0) await keepStory(result);
      console.error(`${results.length}/${schedules.length} ${renderRun(result)}`);
    }
  };
  await Promise.all(
    Array.from({ length: jobs }, () =>
      work().catch((error) => {
        failure.abort(error);
        throw error;
      }),
    ),
  );
  console.log(`\n${renderSettings(results)}\n\n${renderTable(results)}`);
  console.log('\nA run with several faults stands in the row of each.');
  const broken = results.filter(({ problems }) => problems.length > 0);
  if (broken.length > 0) console.log('What is broken:');
  for (const result of broken) console.log(`\n${renderFailure(result)}`);
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  console.log(`\n${results.length} runs in ${seconds} s, ${broken.length} broken.`);
  if (broken.length > 0) console.log(`What happened in them: ${STORIES}`);
  return results;
}

/** A fault that comes once in ten runs of its seed is understood from the run in which it came. */
async function keepStory({ schedule, story }: RunResult): Promise<void> {
  await mkdir(STORIES, { recursive: true });
  await writeFile(join(STORIES, `seed-${schedule.seed}.log`), `${story.join('\n')}\n`);
}
