import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dbusDaemonMissing } from '@cstbox/test-peers';
import { type Ceilings, measureCeilings } from './ceilings.js';
import { type MachineFacts, machineFacts } from './machine.js';
import { measure } from './measure.js';
import { type BenchOptions, parseOptions, USAGE } from './options.js';
import { decimals, type Row, renderFaults, renderTable } from './report.js';

const args = process.argv.slice(2).filter((argument) => argument !== '--');
if (args.includes('--help') || args.includes('-h')) {
  console.log(USAGE);
} else {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  try {
    await bench(options(args), stop.signal);
  } catch (error) {
    console.error(`bench: ${(stop.signal.aborted ? stop.signal.reason : error).message}`);
    process.exitCode = 1;
  }
}

function options(args: string[]): BenchOptions {
  try {
    return parseOptions(args);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`);
  }
}

async function bench(options: BenchOptions, signal: AbortSignal): Promise<void> {
  const missing = dbusDaemonMissing();
  if (missing) throw new Error(missing);
  const machine = machineFacts();
  console.log(introduction(options, machine));
  const ceilings = await measureCeilings(options, signal);
  console.log(`${ceilingLines(options, ceilings)}\n`);
  const rows = await measureAll(options, signal);
  console.log(`\n${renderTable(rows)}\n`);
  for (const fault of renderFaults(rows)) console.log(fault);
  const file = await writeResults(options, { date: new Date().toISOString(), machine, options, ceilings, rows });
  console.log(`Written: ${file}`);
}

function introduction(
  { gateways, broker, events, variables, pacedEvents, pacedRate, runs }: BenchOptions,
  machine: MachineFacts,
): string {
  const processes = broker === 'mosquitto' ? 'five processes' : 'four processes (aedes runs within the bench)';
  return [
    `${gateways.join(' against ')} on ${broker}, ${runs} ${runs === 1 ? 'run' : 'runs'} each: ${decimals(events, 0)} events in a flood over ` +
      `${variables} variables, then ${decimals(pacedEvents, 0)} at ${decimals(pacedRate, 0)}/s for the latency.`,
    `Source, dbus-daemon, gateway, broker and subscriber are ${processes} that share ${machine.cores} cores ` +
      `(${machine.cpu}, Node ${machine.node}, load before ${decimals(machine.loadBefore, 2)}).`,
  ].join('\n');
}

function ceilingLines({ broker }: BenchOptions, ceilings: Ceilings): string {
  return [
    'Without a gateway, in events/s:',
    `  ${decimals(ceilings.sourceAlone, 0)} from the source into a bus where nobody listens,`,
    `  ${decimals(ceilings.sourceToCounter, 0)} from the source through the bus to a listener that only counts,`,
    `  ${decimals(ceilings.brokerToSubscriber, 0)} prepared messages of QoS 0 through ${broker} to the subscriber.`,
  ].join('\n');
}

/** Gateways take turns within each run, so that what else the machine does falls on all of them. */
async function measureAll(options: BenchOptions, signal: AbortSignal): Promise<Row[]> {
  const { gateways, qos: levels, runs, json: _, ...setting } = options;
  const rows: Row[] = levels.flatMap((qos) => gateways.map((gateway) => ({ gateway, qos, runs: [] })));
  for (let run = 1; run <= runs; run++) {
    for (const row of rows) {
      const { gateway, qos } = row;
      const figures = await measure({ ...setting, gateway, qos }, signal);
      row.runs.push(figures);
      console.error(
        `run ${run}/${runs}: ${gateway}, QoS ${qos}: ${decimals(figures.flood.eventsPerSecond, 0)} events/s`,
      );
    }
  }
  return rows;
}

interface Results {
  date: string;
  machine: MachineFacts;
  options: BenchOptions;
  ceilings: Ceilings;
  rows: Row[];
}

async function writeResults({ json }: BenchOptions, results: Results): Promise<string> {
  const byDate = new URL(`../results/${results.date.replaceAll(':', '-')}.json`, import.meta.url);
  const file = json === undefined ? fileURLToPath(byDate) : resolve(json);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}
