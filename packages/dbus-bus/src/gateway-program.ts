import type { ReportedFault } from './status-report.js';

/** What a reload has done. */
export interface ReloadReport {
  /** What differs from the configuration before, by keys. */
  readonly changed: readonly string[];
  /** What of it takes effect at the next start only, each with why. */
  readonly restartNeeded: readonly string[];
  /** What is worth a look in the new configuration, each with its place. */
  readonly warnings: readonly string[];
}

/** What only the program around the gateway knows, for those who ask over D-Bus. */
export interface GatewayProgram {
  readonly version?: string;
  /** The file of the configuration. */
  readonly configurationPath?: string;
  /** How the outbox keeps messages, where the program decides what the configuration leaves open. Default: as it says there. */
  readonly outbox?: { readonly durability: string; readonly directory?: string };
  /** The last warnings and errors of the log. Read at each status. */
  readonly faults?: readonly ReportedFault[];
  /**
   * Reads the configuration anew, and works by it from now on. Default: there is nothing to reload.
   *
   * @throws {ConfigurationError} with every problem; nothing has changed then
   */
  reload?(): Promise<ReloadReport>;
  /** Takes out of a text what nobody may read. Default: nothing is taken out. */
  redact?(text: string): string;
}
