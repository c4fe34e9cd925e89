import { Worker } from 'node:worker_threads';
import type { ConfigurationFile, GatewayConfiguration } from '@cstbox/dbus-bus';
import { describeError, type FilterModule, type Finding, type RuleSections } from '@cstbox/mqtt-core';
import type { UsedModule } from './filter-modules.js';

/** How long a module may take for the analysis of its rules, in ms: whoever keeps to a time of his own takes less. */
const TIMEOUT_MS = 15_000;
/** What the memory of an analysis may grow to: that of a small box is not to be filled by it. */
const MAX_HEAP_MB = 256;
/** Loops that a configuration of the original may have: it loads, and the guard at run time ends what really goes round. */
const LOADED_BEFORE = 'possible_tuple_loop';

/**
 * Lets the modules of the filters look at all their rules together. A finding that is an error is one that nothing may run with.
 *
 * Each works in a thread of its own, whose memory is given back at its end. One that fails, or takes too long, costs its
 * findings and no more.
 */
export async function analyseFilters(
  modules: readonly UsedModule[],
  file: ConfigurationFile,
  configuration: GatewayConfiguration,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  if (modules.length > 1) {
    const uses = modules.map(({ use }) => use).join(' and ');
    const message = `loops between filters of ${uses} are not looked at`;
    findings.push({ severity: 'info', code: 'separate_modules', message, path: ['filters'] });
  }
  const isAlone = modules.filter(({ inbound }) => inbound.length > 0).length < 2;
  for (const module of modules) {
    for (const finding of await findingsOf(module, file, configuration)) {
      // What this module does not need, another one may.
      if (finding.code === 'dead_subscription' && !isAlone) continue;
      findings.push(finding.code === LOADED_BEFORE ? { ...finding, severity: 'warning' } : finding);
    }
  }
  return findings;
}

async function findingsOf(
  { use, url, outbound, inbound }: UsedModule,
  file: ConfigurationFile,
  { qos }: GatewayConfiguration,
): Promise<readonly Finding[]> {
  // It has been loaded before: this costs nothing.
  const { analyseRules } = (await import(url)) as FilterModule;
  if (typeof analyseRules !== 'function') return [];
  const { listened_topics: listenedTopics } = file.content as { listened_topics?: readonly string[] };
  try {
    return checkFindings(await analyseInThread(url, { outbound, inbound, listenedTopics, qos }));
  } catch (error) {
    const message = `the rules of '${use}' could not be looked at together: ${describeError(error)}`;
    const path = [...outbound, ...inbound][0]?.path ?? ['filters'];
    return [{ severity: 'warning', code: 'not_analysed', message, path }];
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
