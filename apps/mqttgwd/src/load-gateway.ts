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
import { type FilterPlace, type Filters, loadFilter } from './load-filter.js';

/** Everything that a configuration file describes. Whoever loads it disposes of it: filters may hold resources. */
export interface LoadedGateway extends AsyncDisposable {
  configuration: GatewayConfiguration;
  /** In their order; none where the direction is closed. */
  inbound: readonly InboundFilter[];
  outbound: readonly OutboundFilter[];
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
  const loadAll = async <D extends keyof Filters>(places: readonly FilterPlace<D>[]): Promise<Filters[D][]> => {
    const filters: Filters[D][] = [];
    for (const place of places) {
      const filter = await collect(() => loadFilter(place, file, context));
      if (filter) filters.push(filter);
    }
    return filters;
  };
  const inbound = await loadAll(into);
  const outbound = await loadAll(outOf);
  const dispose = () => disposeAll([...inbound, ...outbound]);
  if (configuration && !configuration.filters?.inbound && !configuration.filters?.outbound) {
    problems.push({
      path: ['filters'],
      message: 'expected a filter: inbound, outbound or both; without any, nothing crosses',
    });
  }
  if (configuration && problems.length === 0)
    await collect(() => analyseFilters([...outOf, ...into], file, configuration, context.logger));
  if (configuration && problems.length === 0) {
    return { configuration, inbound, outbound, [Symbol.asyncDispose]: dispose };
  }
  await dispose();
  throw file.locate(new ConfigurationError(problems));
}

/** The sections that can be looked at on their own, of a file that may be wrong elsewhere. */
interface Sections {
  readonly tls?: TLSFiles;
  readonly inbound: readonly FilterPlace<'inbound'>[];
  readonly outbound: readonly FilterPlace<'outbound'>[];
}

function sectionsOf(file: ConfigurationFile): Sections {
  const { tls, filters } = Object(file.content) as { tls?: unknown; filters?: unknown };
  const { inbound, outbound } = Object(filters) as Record<string, unknown>;
  return {
    ...(isRecord(tls) && Object.values(tls).every((path) => typeof path === 'string') ? { tls } : {}),
    inbound: placesOf('inbound', inbound),
    outbound: placesOf('outbound', outbound),
  };
}

/** One section, or a list of them. */
function placesOf<D extends FilterPlace['direction']>(direction: D, content: unknown): FilterPlace<D>[] {
  const path = ['filters', direction];
  if (!Array.isArray(content)) return isFilterSection(content) ? [{ direction, section: content, path }] : [];
  return content.flatMap((section, index) =>
    isFilterSection(section) ? [{ direction, section, path: [...path, index] }] : [],
  );
}

function isFilterSection(section: unknown): section is FilterSection {
  return isRecord(section) && typeof section.use === 'string' && section.use !== '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function disposeAll(filters: readonly unknown[]): Promise<void> {
  for (const filter of filters) await (filter as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
}
