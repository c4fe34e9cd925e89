export { consoleLogger, LOG_LEVELS, type LogLevel } from './console-logger.js';
export { type DaemonOptions, runEventManager, runGateway } from './daemon.js';
export { ExitCode } from './exit-codes.js';
export { type LoadedGateway, loadGateway } from './load-gateway.js';
