import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type GatewayConfiguration, type ReconfigureReport, type ReloadReport, readTlsFiles } from '@cstbox/dbus-bus';
import { ConfigurationError, describeError, type Logger, MQTTGatewayError } from '@cstbox/mqtt-core';
import type { UsedModule } from './filter-modules.js';
import type { Inspection } from './inspect-configuration.js';
import type { LoadedGateway } from './load-gateway.js';
import { type LocatedFinding, logFindings } from './located-finding.js';

/** How long the filters of before may take to give back what they hold, in ms. */
const DISPOSE_TIMEOUT_MS = 5_000;

/** What a reload works with. */
export interface ReloaderOptions {
  /** What the gateway works by now. The reloader disposes of it, when another takes its place or at the end. */
  readonly loaded: LoadedGateway;
  /** Looks at the configuration as it is now. */
  inspect(): Promise<Inspection>;
  /** Has the gateway work by it; when that fails, by the one before. */
  apply(loaded: LoadedGateway): Promise<ReconfigureReport>;
  readonly logger: Logger;
}

/** The configuration that the gateway works by, and how it gets another. */
export class Reloader implements AsyncDisposable {
  readonly #options: ReloaderOptions;
  /** When the file of each module was written that this process has loaded: it keeps to that one. */
  readonly #modules = new Map<string, number>();
  #loaded: LoadedGateway;
  #tls: unknown;
  /** One that has not begun yet: it sees the file as it is when it begins, for all who ask until then. */
  #next: Promise<ReloadReport> | undefined;
  /** Ends when the one before has ended. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  /** Ends when no change is under way. Never rejects. */
  #applying: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#loaded = options.loaded;
    this.#tls = tlsOf(options.loaded.configuration);
    this.#remember(options.loaded.modules);
  }

  /** What the gateway works by. */
  get loaded(): LoadedGateway {
    return this.#loaded;
  }

  /**
   * Takes the configuration as it is in its file now. Of those who ask at once, each gets what became of a look at the file
   * after they asked.
   *
   * @throws {ConfigurationError} with every problem: nothing has changed
   * @throws {MQTTGatewayError} `closed`, when the gateway stops
   */
  reload(): Promise<ReloadReport> {
    if (!this.#next) {
      const next = this.#last.then(() => {
        this.#next = undefined;
        return this.#reload();
      });
      this.#next = next;
      this.#last = next.catch(() => {});
    }
    return this.#next;
  }

  /** Nothing is reloaded any more. A look at the configuration that is under way is not waited for, but for nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#applying;
    await this.#end(this.#loaded);
  }

  async #reload(): Promise<ReloadReport> {
    const { inspect, logger } = this.#options;
    try {
      this.#assertOpen();
      const { findings, loaded } = await inspect();
      if (!loaded) throw new ConfigurationError(findings.filter(({ severity }) => severity === 'error'));
      return await this.#take(loaded, findings);
    } catch (error) {
      if (!this.#isClosed) {
        logger.error('the configuration is not taken, and the gateway works by the one before:');
        for (const line of describeError(error).split('\n')) logger.error(line);
      }
      throw error;
    }
  }

  async #take(loaded: LoadedGateway, findings: readonly LocatedFinding[]): Promise<ReloadReport> {
    const { apply, logger } = this.#options;
    let applied: ReconfigureReport;
    let tls: unknown;
    try {
      this.#assertOpen();
      tls = tlsOf(loaded.configuration);
      const applying = apply(loaded);
      this.#applying = applying.catch(() => {});
      applied = await applying;
    } catch (error) {
      await loaded[Symbol.asyncDispose]();
      throw error;
    }
    const before = this.#loaded;
    const hasOtherFiles = before.configuration.tls && tls && !isDeepStrictEqual(this.#tls, tls);
    const changed = [...applied.changed, ...(hasOtherFiles ? ['the files of tls'] : [])];
    this.#tls = tls;
    this.#loaded = loaded;
    const report: ReloadReport = {
      changed,
      restartNeeded: [...applied.restartNeeded, ...this.#staleModules(loaded.modules)],
      warnings: findings
        .filter(({ severity }) => severity === 'warning')
        .map((finding) => new ConfigurationError([finding]).message),
    };
    logFindings(findings, logger);
    logger.info(`reloaded; ${changed.length > 0 ? `changed: ${changed.join(', ')}` : 'nothing has changed'}`);
    for (const each of report.restartNeeded) logger.warn(`takes effect at the next start only: ${each}`);
    await this.#end(before);
    return report;
  }

  /** Whatever filters of strangers do at their end, neither the next reload nor a stop waits for it for ever. */
  async #end(loaded: LoadedGateway): Promise<void> {
    const { logger } = this.#options;
    const late = new AbortController();
    const ended = Promise.resolve(loaded[Symbol.asyncDispose]()).catch((error: unknown) =>
      logger.error(`a filter did not end in order: ${describeError(error)}`),
    );
    const timeout = sleep(DISPOSE_TIMEOUT_MS, undefined, { signal: late.signal, ref: false }).then(
      () => logger.error(`a filter has not ended within ${DISPOSE_TIMEOUT_MS / 1_000} s: it is left to itself`),
      () => {},
    );
    await Promise.race([ended, timeout]);
    late.abort();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new MQTTGatewayError('closed', 'the gateway stops: nothing is reloaded');
  }

  #remember(modules: readonly UsedModule[]): void {
    for (const { url, mtimeMs } of modules) if (!this.#modules.has(url)) this.#modules.set(url, mtimeMs);
  }

  /** A module is loaded once in a process. */
  #staleModules(modules: readonly UsedModule[]): string[] {
    this.#remember(modules);
    return modules
      .filter(({ url, mtimeMs }) => this.#modules.get(url) !== mtimeMs)
      .map(({ use }) => `the filter module '${use}', whose file has changed since it was loaded`);
  }
}

function tlsOf({ tls }: GatewayConfiguration): unknown {
  return tls && readTlsFiles(tls);
}
