import {
  ConfigurationFile,
  checkConfiguration,
  connectorOptions,
  type FilterSection,
  type GatewayConfiguration,
  loadConfiguration,
} from '@cstbox/dbus-bus';
import {
  ConfigurationError,
  type ConfigurationProblem,
  type InboundFilter,
  type Logger,
  MQTTConnector,
  type OutboundFilter,
} from '@cstbox/mqtt-core';
import { loadFilter } from './load-filter.js';

/** Everything that a configuration file describes. */
export interface LoadedGateway {
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

  const configuration = await collect(() => checkConfiguration(file.content));
  // The rules are checked even when something else is wrong: whoever repairs the file sees everything at once.
  const context = { logger: logger('filter') };
  const [into, outOf] = [sectionOf(file, 'inbound'), sectionOf(file, 'outbound')];
  const inbound = into && (await collect(() => loadFilter('inbound', into, file, context)));
  const outbound = outOf && (await collect(() => loadFilter('outbound', outOf, file, context)));
  if (configuration) {
    const loaded = loadConfiguration(path);
    await collect(() => new MQTTConnector(connectorOptions(loaded)));
    if (!into && !outOf) {
      problems.push({
        path: ['filters'],
        message: 'expected a filter: inbound, outbound or both; without any, nothing crosses',
      });
    }
    if (problems.length === 0) return { configuration: loaded, inbound, outbound };
  }
  throw file.locate(new ConfigurationError(problems));
}

/** A filter's section of a file that may be wrong elsewhere. */
function sectionOf(file: ConfigurationFile, direction: 'inbound' | 'outbound'): FilterSection | undefined {
  const content = file.content as { filters?: Record<string, Partial<FilterSection> | null> | null } | null;
  const section = content?.filters?.[direction];
  return typeof section?.use === 'string' && section.use !== '' ? (section as FilterSection) : undefined;
}
