import type { ConfigurationFile, GatewayConfiguration, Secrets } from '@cstbox/dbus-bus';
import { ConfigurationError, type InboundFilter, type OutboundFilter } from '@cstbox/mqtt-core';
import type { UsedModule } from './filter-modules.js';
import { inspectConfiguration, type LoadOptions } from './inspect-configuration.js';
import { logFindings } from './located-finding.js';

/** Everything that a configuration file describes. Whoever loads it disposes of it: filters may hold resources. */
export interface LoadedGateway extends AsyncDisposable {
  configuration: GatewayConfiguration;
  /** The file, to say where something stands. */
  file: ConfigurationFile;
  /** What no line may show. */
  secrets: Secrets;
  /** The modules that made the filters. */
  modules: readonly UsedModule[];
  /** In their order; none where the direction is closed. */
  inbound: readonly InboundFilter[];
  outbound: readonly OutboundFilter[];
}

/** What the gateway says itself when it starts, and what filters have said. */
const SAID_ELSEWHERE = ['subscriptions', 'unknown_channel', 'filter_says'];

/**
 * Reads a configuration file and everything that it names: filter modules, certificates, keys. Connects to nothing. What is
 * worth a warning goes to the log.
 *
 * @throws {ConfigurationError} with every problem of all of these, each with file, line and column
 */
export async function loadGateway(path: string, options: LoadOptions): Promise<LoadedGateway> {
  const { findings, loaded } = await inspectConfiguration(path, options);
  logFindings(
    findings.filter(({ code }) => !SAID_ELSEWHERE.includes(code)),
    options.logger('Configuration'),
  );
  if (!loaded) throw new ConfigurationError(findings.filter(({ severity }) => severity === 'error'));
  return loaded;
}
