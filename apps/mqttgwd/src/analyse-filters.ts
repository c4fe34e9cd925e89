import { Worker } from 'node:worker_threads';
import type { ConfigurationFile, GatewayConfiguration } from '@cstbox/dbus-bus';
import {
  ConfigurationError,
  type ConfigurationProblem,
  describeError,
  type FilterModule,
  type Finding,
  type Logger,
  type RuleSection,
  type RuleSections,
} from '@cstbox/mqtt-core';
import { type FilterPlace, locate } from './load-filter.js';

/** How long a module may take for the analysis of its rules, in ms: whoever keeps to a time of his own takes less. */
const TIMEOUT_MS = 15_000;
/** What the memory of an analysis may grow to: that of a small box is not to be filled by it. */
const MAX_HEAP_MB = 256;
/** Warnings of one code that are logged in full: whoever has more mends these first. */
const MAX_WARNINGS = 10;
/** What was not looked at: nothing to see in the log must mean that there is nothing. */
const NOT_LOOKED_AT = 'incomplete';
/** Loops that a configuration of the original may have: it loads, and the guard at run time ends what really goes round. */
const LOADED_BEFORE = 'possible_tuple_loop';

/** The rules of the filters of one module. */
interface ModuleRules {
  readonly use: string;
  readonly url: string;
  readonly outbound: RuleSection[];
  readonly inbound: RuleSection[];
}

/**
 * Lets the modules of the filters look at all their rules together, and writes what they find to the log.
 *
 * Each works in a thread of its own, whose memory is given back at its end. One that fails, or takes too long, costs its
 * findings and no more.
 *
 * @throws {ConfigurationError} with each error that they find
 */
export async function analyseFilters(
  places: readonly FilterPlace[],
  file: ConfigurationFile,
  configuration: GatewayConfiguration,
  logger: Logger,
): Promise<void> {
  const modules = modulesOf(places, file);
  const problems: ConfigurationProblem[] = [];
  const uses = modules.map(({ use }) => use);
  if (modules.length > 1) logger.info(`loops between filters of ${uses.join(' and ')} are not looked at`);
  const findings: Finding[] = [];
  const isAlone = modules.filter(({ inbound }) => inbound.length > 0).length < 2;
  for (const module of modules) {
    for (const finding of await findingsOf(module, file, configuration, logger)) {
      // What this module does not need, another one may.
      if (finding.code === 'dead_subscription' && !isAlone) continue;
      const { severity, code, message, path } = finding;
      if (severity === 'error' && code !== LOADED_BEFORE) problems.push({ path, message });
      else findings.push(finding);
    }
  }
  logAll(findings, file, logger);
  if (problems.length > 0) throw new ConfigurationError(problems);
}

/** Logs errors, the first warnings of each code, and the rest for debugging. */
function logAll(findings: readonly Finding[], file: ConfigurationFile, logger: Logger): void {
  const total = countByCode(findings);
  const logged = new Map<string, number>();
  for (const finding of findings) {
    const { severity, code, message, path } = finding;
    const line = file.locate(new ConfigurationError([{ path, message }])).message;
    if (severity === 'error') {
      logger.error(line);
      continue;
    }
    const count = isWarning(finding) ? (logged.get(code) ?? 0) + 1 : undefined;
    if (count === undefined || count > MAX_WARNINGS) logger.debug(line);
    else logger.warn(line);
    if (count === undefined) continue;
    logged.set(code, count);
    const more = (total.get(code) ?? 0) - count;
    if (count === MAX_WARNINGS && more > 0) {
      logger.warn(`and ${more} more of this kind (${code}): -L DEBUG shows them`);
    }
  }
}

function countByCode(findings: readonly Finding[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { code } of findings.filter(isWarning)) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}

function isWarning({ severity, code }: Finding): boolean {
  return severity === 'warning' || (severity === 'info' && code === NOT_LOOKED_AT);
}

async function findingsOf(
  { use, url, outbound, inbound }: ModuleRules,
  file: ConfigurationFile,
  { qos }: GatewayConfiguration,
  logger: Logger,
): Promise<readonly Finding[]> {
  // It has been loaded before: this costs nothing.
  const { analyseRules } = (await import(url)) as FilterModule;
  if (typeof analyseRules !== 'function') return [];
  const { listened_topics: listenedTopics } = file.content as { listened_topics?: readonly string[] };
  try {
    return checkFindings(await analyseInThread(url, { outbound, inbound, listenedTopics, qos }));
  } catch (error) {
    logger.warn(`the rules of '${use}' could not be looked at together: ${describeError(error)}`);
    return [];
  }
}

/** A thread that knows nothing but the module: there is no file of ours that it would have to find. */
const THREAD = `
const { parentPort, workerData: { url, sections } } = require('node:worker_threads');
import(url).then(({ analyseRules }) => analyseRules(sections)).then((findings) => parentPort.postMessage(findings));
`;

async function analyseInThread(url: string, sections: RuleSections): Promise<unknown> {
  const worker = new Worker(THREAD, {
    eval: true,
    // What stands on the daemon's own command line is none of its business.
    execArgv: [],
    workerData: { url, sections },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', resolve);
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('it ended without an answer')));
      timer = setTimeout(() => reject(new Error(`it took longer than ${TIMEOUT_MS / 1_000} s`)), TIMEOUT_MS);
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

/** A module may be anybody's. */
function checkFindings(findings: unknown): readonly Finding[] {
  const isList =
    Array.isArray(findings) &&
    findings.every(({ message, path }) => typeof message === 'string' && Array.isArray(path));
  if (!isList) throw new TypeError('it gave no list of findings');
  return findings;
}

/** The sections of all filters, by their modules. */
function modulesOf(places: readonly FilterPlace[], file: ConfigurationFile): ModuleRules[] {
  const modules = new Map<string, ModuleRules>();
  for (const { direction, section, path } of places) {
    const { use, ...options } = section;
    const url = locate(use, file);
    if (!url) continue;
    const module = modules.get(url) ?? { use, url, outbound: [], inbound: [] };
    modules.set(url, module);
    module[direction].push({ path, options });
  }
  return [...modules.values()];
}
