import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dbusDaemonMissing } from '@cstbox/test-peers';
import { backlogScenario } from './backlog.js';
import { type Ceilings, measureCeilings } from './ceilings.js';
import { nameOf } from './durability.js';
import { floodScenario } from './flood.js';
import { frozenScenario } from './frozen.js';
import { subjectsOf } from './gateways.js';
import { ceilingLines, ceilingLoad, introduction, rulesIntroduction } from './introduction.js';
import { type MachineFacts, machineFacts } from './machine.js';
import { type BenchOptions, type GatewayOptions, parseOptions, type RulesOptions, USAGE } from './options.js';
import { type Row, renderFaults, renderTable } from './report.js';
import { measureRuleSets, type RuleSetRow, renderRuleSets } from './rules.js';
import type { Scenario, Setting } from './scenario.js';

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
  if (options.scenario === 'rules') return reportRules(options, signal);
  const missing = dbusDaemonMissing();
  if (missing) throw new Error(missing);
  switch (options.scenario) {
    case 'flood':
      return report(floodScenario, options.setting, options, signal);
    case 'backlog':
      return report(backlogScenario, options.setting, options, signal);
    case 'frozen':
      return report(frozenScenario, options.setting, options, signal);
  }
}

async function reportRules(options: RulesOptions, signal: AbortSignal): Promise<void> {
  const { setting, runs } = options;
  const machine = machineFacts();
  console.log(rulesIntroduction(options, machine));
  const rows = await measureRuleSets({ runs, ...setting }, signal);
  console.log(`\n${renderRuleSets(rows)}\n`);
  const file = await writeResults(options, { date: new Date().toISOString(), machine, options, rows });
  console.log(`Written: ${file}`);
}

async function report<S extends Setting, F>(
  scenario: Scenario<S, F>,
  setting: S,
  options: GatewayOptions,
  signal: AbortSignal,
): Promise<void> {
  const machine = machineFacts();
  console.log(introduction(options, machine));
  const load = ceilingLoad(options);
  const ceilings = load && (await measureCeilings(load, signal));
  if (ceilings) console.log(ceilingLines(setting, ceilings));
  console.log();
  const rows = await measureAll(scenario, setting, options, signal);
  console.log(`\n${renderTable(rows, scenario)}\n`);
  for (const fault of renderFaults(rows, scenario)) console.log(fault);
  const file = await writeResults(options, { date: new Date().toISOString(), machine, options, ceilings, rows });
  console.log(`Written: ${file}`);
}

/** Gateways take turns within each run, so that what else the machine does falls on all of them. */
async function measureAll<S extends Setting, F>(
  scenario: Scenario<S, F>,
  setting: S,
  { gateways, durabilities, qos, runs }: GatewayOptions,
  signal: AbortSignal,
): Promise<Row<F>[]> {
  const rows = subjectsOf(gateways, durabilities, qos).map((subject): Row<F> => ({ ...subject, runs: [] }));
  for (let run = 1; run <= runs; run++) {
    for (const row of rows) {
      const figures = await scenario.measure(row, setting, signal);
      row.runs.push(figures);
      console.error(`run ${run}/${runs}: ${nameOf(row)}: ${scenario.summary(figures)}`);
    }
  }
  return rows;
}

interface Results {
  date: string;
  machine: MachineFacts;
  options: BenchOptions;
  ceilings?: Ceilings | undefined;
  rows: Row<unknown>[] | RuleSetRow[];
}

async function writeResults({ json }: BenchOptions, results: Results): Promise<string> {
  const byDate = new URL(`../results/${results.date.replaceAll(':', '-')}.json`, import.meta.url);
  const file = json === undefined ? fileURLToPath(byDate) : resolve(json);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}
