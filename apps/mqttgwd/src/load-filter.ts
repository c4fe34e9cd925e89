import { statSync } from 'node:fs';
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

/** The function of a module that makes the filter of a direction. */
const FACTORIES = { inbound: 'createInboundFilter', outbound: 'createOutboundFilter' } as const;

/** Modules that could not be loaded: Node.js remembers that, and does not read them again. */
const failedBefore = new Set<string>();

export interface Filters {
  inbound: InboundFilter;
  outbound: OutboundFilter;
}

/** A section of the configuration that makes a filter, and where it stands. */
export interface FilterPlace<D extends keyof Filters = keyof Filters> {
  readonly direction: D;
  readonly section: FilterSection;
  /** The keys that lead to it, from the root of the configuration. */
  readonly path: readonly (string | number)[];
}

/**
 * Loads the module that a section of the configuration names, and makes its filter.
 *
 * @throws {ConfigurationError} with paths from the root of the configuration: the module is not there, is no filter
 *   module, or its filter refuses the section
 */
export async function loadFilter<D extends keyof Filters>(
  { direction, section, path }: FilterPlace<D>,
  file: ConfigurationFile,
  context: FilterContext,
): Promise<Filters[D]> {
  const { use, ...options } = section;
  const factory = FACTORIES[direction];
  const fail = (message: string, cause?: unknown) =>
    new ConfigurationError([{ path: [...path, 'use'], message }], { cause });

  const url = locate(use, file);
  if (!url) {
    const remedy = use.startsWith('.')
      ? 'paths are relative to this file'
      : `install it beside this file, or write './${use}' if you mean a file`;
    throw fail(`there is no module '${use}': ${remedy}`);
  }
  let module: FilterModule;
  try {
    module = (await import(url)) as FilterModule;
  } catch (error) {
    const again = failedBefore.has(url)
      ? '; it failed before in this process, which does not look at it again: restart it'
      : '';
    failedBefore.add(url);
    throw fail(`can't load '${use}': ${describeError(error)}${again}`, error);
  }
  const create = module[factory];
  if (typeof create !== 'function') {
    throw fail(`'${use}' exports no ${factory}: it is no filter for the ${direction} direction`);
  }
  let filter: Filters[D];
  try {
    filter = (await create(options, context)) as Filters[D];
  } catch (error) {
    throw withinSection(path, use, error);
  }
  // A package may carry a copy of mqtt-core of its own: what the filter can do counts, not its class.
  const lack = lackOf(direction, filter);
  if (lack) throw fail(`${factory} of '${use}' returned no filter: ${lack}`);
  // One that can't be given a name is called by its class.
  if (filter.name === undefined) Reflect.set(filter, 'name', use);
  return filter;
}

/** What a filter of the direction lacks, or `undefined` when it has everything. */
function lackOf(direction: keyof Filters, filter: unknown): string | undefined {
  const candidate = Object(filter) as Record<string, unknown>;
  const methods = direction === 'inbound' ? ['acceptEvent'] : ['getMqttTopic', 'makePayload'];
  const missing = methods.find((method) => typeof candidate[method] !== 'function');
  if (missing) return `it has no ${missing}()`;
  if (direction === 'inbound') return undefined;
  const { channels } = candidate;
  const isList = Array.isArray(channels) && channels.length > 0 && channels.every((each) => typeof each === 'string');
  return isList ? undefined : 'it has no channels, the list of those that it wants to hear';
}

/** The URL of a module: beside the configuration file, where there is one, or beside the daemon. */
export function locate(use: string, file?: ConfigurationFile): string | undefined {
  const isPath = /^\.{0,2}\//.test(use);
  const beside = file ? [file.path] : [];
  const parents = isPath ? beside : [...beside, import.meta.filename];
  for (const parent of parents) {
    try {
      const url = resolveModule(use, pathToFileURL(parent).href);
      if (statSync(fileURLToPath(url)).isFile()) return url;
    } catch {}
  }
  return undefined;
}

function withinSection(path: FilterPlace['path'], use: string, error: unknown): ConfigurationError {
  const problems = (error as Partial<ConfigurationError> | null)?.problems;
  if (!Array.isArray(problems)) {
    const message = `'${use}' refuses its section: ${describeError(error)}`;
    return new ConfigurationError([{ path, message }], { cause: error });
  }
  return new ConfigurationError(
    problems.map((problem) => ({ ...problem, path: [...path, ...problem.path] })),
    { cause: error },
  );
}
