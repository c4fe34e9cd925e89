export { type DaemonOptions, runEventManager, runGateway } from './daemon.js';
export { ExitCode } from './exit-codes.js';
export type { UsedModule } from './filter-modules.js';
export { type Inspection, inspectConfiguration, type LoadOptions } from './inspect-configuration.js';
export { type LoadedGateway, loadGateway } from './load-gateway.js';
export type { LocatedFinding } from './located-finding.js';
export { createLog, LOG_LEVELS, type Log, type LogLevel, type LogOptions, type LogRecord } from './log.js';
