import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ConfigurationFile, FilterSection } from '@cstbox/dbus-bus';
import {
  ConfigurationError,
  describeError,
  type FilterContext,
  type FilterModule,
  type InboundFilter,
  type OutboundFilter,
} from '@cstbox/mqtt-core';
import { resolve as resolveModule } from 'import-meta-resolve';

/** What there is to know of each direction: the function that makes its filter, and the method that a filter has. */
const DIRECTIONS = {
  inbound: { factory: 'createInboundFilter', method: 'acceptEvent' },
  outbound: { factory: 'createOutboundFilter', method: 'getMqttTopic' },
} as const;

interface Filters {
  inbound: InboundFilter;
  outbound: OutboundFilter;
}

/**
 * Loads the module that a section of the configuration names, and makes its filter.
 *
 * @throws {ConfigurationError} with paths from the root of the configuration: the module is not there, is no filter
 *   module, or its filter refuses the section
 */
export async function loadFilter<D extends keyof Filters>(
  direction: D,
  section: FilterSection,
  file: ConfigurationFile,
  context: FilterContext,
): Promise<Filters[D]> {
  const { use, ...options } = section;
  const { factory, method } = DIRECTIONS[direction];
  const fail = (message: string, cause?: unknown) =>
    new ConfigurationError([{ path: ['filters', direction, 'use'], message }], { cause });

  const url = locate(use, file);
  if (!url) {
    const remedy = use.startsWith('.')
      ? 'paths are relative to this file'
      : `install it beside this file (npm install ${use})`;
    throw fail(`there is no module '${use}': ${remedy}`);
  }
  let module: FilterModule;
  try {
    module = (await import(url)) as FilterModule;
  } catch (error) {
    throw fail(`can't load '${use}': ${describeError(error)}`, error);
  }
  const create = module[factory];
  if (typeof create !== 'function') {
    throw fail(`'${use}' exports no ${factory}: it is no filter for the ${direction} direction`);
  }
  let filter: Filters[D];
  try {
    filter = (await create(options, context)) as Filters[D];
  } catch (error) {
    throw withinSection(direction, use, error);
  }
  // A package may carry a copy of mqtt-core of its own: what the filter can do counts, not its class.
  if (typeof (filter as unknown as Record<string, unknown> | null)?.[method] !== 'function') {
    throw fail(`${factory} of '${use}' returned no filter: it has no ${method}`);
  }
  return filter;
}

/** The URL of a module: beside the configuration file, or beside the daemon. */
function locate(use: string, file: ConfigurationFile): string | undefined {
  const isPath = /^\.{0,2}\//.test(use);
  const parents = isPath ? [file.path] : [file.path, import.meta.filename];
  for (const parent of parents) {
    try {
      const url = resolveModule(use, pathToFileURL(parent).href);
      if (existsSync(fileURLToPath(url))) return url;
    } catch {}
  }
  return undefined;
}

function withinSection(direction: string, use: string, error: unknown): ConfigurationError {
  const problems = (error as Partial<ConfigurationError> | null)?.problems;
  if (!Array.isArray(problems)) {
    const message = `'${use}' refuses its section: ${describeError(error)}`;
    return new ConfigurationError([{ path: ['filters', direction], message }], { cause: error });
  }
  return new ConfigurationError(
    problems.map((problem) => ({ ...problem, path: ['filters', direction, ...problem.path] })),
    { cause: error },
  );
}
