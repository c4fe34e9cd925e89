import { ConfigurationFile, checkFile, inspectFilters, readTlsFiles, resolveTls, Secrets } from '@cstbox/dbus-bus';
import { ConfigurationError, type Logger } from '@cstbox/mqtt-core';
import { absentFiles } from './absent-files.js';
import { analyseFilters } from './analyse-filters.js';
import { sectionsOf } from './configuration-sections.js';
import { exposedSecrets } from './exposed-secrets.js';
import { modulesOf } from './filter-modules.js';
import { FindingCollector } from './finding-collector.js';
import { type FilterPlace, type Filters, loadFilter } from './load-filter.js';
import type { LoadedGateway } from './load-gateway.js';
import type { LocatedFinding } from './located-finding.js';
import { overhear } from './overhear.js';

/** What a configuration is loaded with. */
export interface LoadOptions {
  /** Makes the logger of a component: filters may say something while they are made. */
  readonly logger: (component: string) => Logger;
  /** What the configuration's `${env:NAME}` and credentials are taken from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes what no line may show from now on. Default: a collection of its own. */
  readonly secrets?: Secrets;
}

/** What was seen in a configuration. */
export interface Inspection {
  /** In the order of the file. No text holds a secret. */
  readonly findings: readonly LocatedFinding[];
  /** What can run; `undefined` when a finding is an error. Whoever takes it disposes of it: filters may hold resources. */
  readonly loaded?: LoadedGateway;
}

/**
 * Reads a configuration file and everything that it names: filter modules, certificates, keys. Looks at each part, also when
 * another one is wrong: whoever repairs the file sees everything at once. Connects to nothing.
 */
export async function inspectConfiguration(path: string, options: LoadOptions): Promise<Inspection> {
  const { environment, secrets = new Secrets() } = options;
  try {
    return await inspectFile(ConfigurationFile.read(path, { environment, secrets }), options);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const findings = error.problems.map((problem) => ({
      severity: 'error' as const,
      code: problem.line === undefined ? 'file' : 'syntax',
      ...problem,
    }));
    return { findings };
  }
}

async function inspectFile(file: ConfigurationFile, { logger }: LoadOptions): Promise<Inspection> {
  const findings = new FindingCollector(file);
  for (const problem of file.problems) findings.add({ severity: 'error', code: 'reference', ...problem });
  for (const finding of [...exposedSecrets(file), ...absentFiles(file)]) findings.add(finding);
  const configuration = await findings.attempt('schema', () => checkFile(file));
  const { tls, inbound: into, outbound: outOf } = sectionsOf(file);
  if (tls) await findings.attempt('tls', () => readTlsFiles(resolveTls(tls, file)));
  const loadAll = async <D extends keyof Filters>(places: readonly FilterPlace<D>[]): Promise<Filters[D][]> => {
    const filters: Filters[D][] = [];
    for (const place of places) {
      const { path } = place;
      const hear = (message: string) => findings.add({ severity: 'warning', code: 'filter_says', message, path });
      using overheard = overhear(logger('filter'), hear);
      const filter = await findings.attempt('filter', () => loadFilter(place, file, overheard));
      if (filter) filters.push(filter);
    }
    return filters;
  };
  const inbound = await loadAll(into);
  const outbound = await loadAll(outOf);
  const modules = modulesOf([...outOf, ...into], file);
  if (configuration && !configuration.filters?.inbound && !configuration.filters?.outbound) {
    const message = 'expected a filter: inbound, outbound or both; without any, nothing crosses';
    findings.add({ severity: 'error', code: 'no_filter', message, path: ['filters'] });
  }
  if (configuration && !findings.hasErrors) {
    for (const finding of await analyseFilters(modules, file, configuration)) findings.add(finding);
    const advice = await findings.attempt('topics', () => inspectFilters(configuration, inbound, outbound));
    for (const finding of advice ?? []) findings.add(finding);
  }
  const dispose = () => disposeAll([...inbound, ...outbound]);
  if (configuration && !findings.hasErrors) {
    const { secrets } = file;
    const loaded = { configuration, file, secrets, modules, inbound, outbound, [Symbol.asyncDispose]: dispose };
    return { findings: findings.all, loaded };
  }
  await dispose();
  return { findings: findings.all };
}

async function disposeAll(filters: readonly unknown[]): Promise<void> {
  const ends = filters.map(async (filter) => (filter as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.());
  // Each ends, also when another one can't.
  const faults = (await Promise.allSettled(ends)).filter(({ status }) => status === 'rejected');
  if (faults.length > 0) throw (faults[0] as PromiseRejectedResult).reason;
}
