import {
  ConfigurationFile,
  checkFile,
  type FilterSection,
  type GatewayConfiguration,
  readTlsFiles,
  resolveTls,
  type TLSFiles,
} from '@cstbox/dbus-bus';
import {
  ConfigurationError,
  type ConfigurationProblem,
  type InboundFilter,
  type Logger,
  type OutboundFilter,
} from '@cstbox/mqtt-core';
import { analyseFilters } from './analyse-filters.js';
import { loadFilter } from './load-filter.js';

/** Everything that a configuration file describes. Whoever loads it disposes of it: filters may hold resources. */
export interface LoadedGateway extends AsyncDisposable {
  configuration: GatewayConfiguration;
  inbound: InboundFilter | undefined;
  outbound: OutboundFilter | undefined;
}

/**
 * Reads a configuration file and everything that it names: filter modules, certificates, keys. Connects to nothing.
 *
 * @throws {ConfigurationError} with every problem of all of these, each with file, line and column
 */
export async function loadGateway(path: string, logger: (component: string) => Logger): Promise<LoadedGateway> {
  const file = ConfigurationFile.read(path);
  const problems: ConfigurationProblem[] = [];
  const collect = async <T>(check: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };

  // Each part is checked even when another is wrong: whoever repairs the file sees everything at once.
  const configuration = await collect(() => checkFile(file));
  const { tls, inbound: into, outbound: outOf } = sectionsOf(file);
  if (tls) await collect(() => readTlsFiles(resolveTls(tls, file)));
  const context = { logger: logger('filter') };
  const inbound = into && (await collect(() => loadFilter('inbound', into, file, context)));
  const outbound = outOf && (await collect(() => loadFilter('outbound', outOf, file, context)));
  const dispose = () => disposeAll([inbound, outbound]);
  if (configuration && !configuration.filters?.inbound && !configuration.filters?.outbound) {
    problems.push({
      path: ['filters'],
      message: 'expected a filter: inbound, outbound or both; without any, nothing crosses',
    });
  }
  if (configuration && problems.length === 0) await collect(() => analyseFilters(file, configuration, context.logger));
  if (configuration && problems.length === 0) {
    return { configuration, inbound, outbound, [Symbol.asyncDispose]: dispose };
  }
  await dispose();
  throw file.locate(new ConfigurationError(problems));
}

/** The sections that can be looked at on their own, of a file that may be wrong elsewhere. */
function sectionsOf(file: ConfigurationFile): { tls?: TLSFiles; inbound?: FilterSection; outbound?: FilterSection } {
  const { tls, filters } = Object(file.content) as { tls?: unknown; filters?: unknown };
  const { inbound, outbound } = Object(filters) as Record<string, unknown>;
  return {
    ...(isRecord(tls) && Object.values(tls).every((path) => typeof path === 'string') ? { tls } : {}),
    ...(isFilterSection(inbound) ? { inbound } : {}),
    ...(isFilterSection(outbound) ? { outbound } : {}),
  };
}

function isFilterSection(section: unknown): section is FilterSection {
  return isRecord(section) && typeof section.use === 'string' && section.use !== '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function disposeAll(filters: readonly unknown[]): Promise<void> {
  for (const filter of filters) await (filter as Partial<AsyncDisposable> | undefined)?.[Symbol.asyncDispose]?.();
}
