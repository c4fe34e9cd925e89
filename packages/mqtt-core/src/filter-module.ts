import type { InboundFilter, OutboundFilter } from './filter.js';
import type { Finding, RuleSections } from './finding.js';
import type { Logger } from './logger.js';

/** What a filter gets from the program that loads it. */
export interface FilterContext {
  /** Where the filter may say what it sees. */
  readonly logger: Logger;
}

/**
 * What a filter package exports, so that the daemon can load it by the name in `use`, in a section of `filters.<direction>`.
 *
 * Each function gets the section of the configuration without its `use` key, as it stands in the file: check it whole
 * and throw one {@link ConfigurationError} with every problem, each with its path within the section
 * (`['rules', 3, 0]`); the daemon adds file and line. A module may serve one direction only. A filter that holds a
 * resource (a timer, a connection) has a `[Symbol.asyncDispose]()` that gives it back: the daemon calls it at its end. A
 * filter without a `name` is called by what stands in `use`.
 */
export interface FilterModule {
  createInboundFilter?(
    options: Readonly<Record<string, unknown>>,
    context: FilterContext,
  ): InboundFilter | Promise<InboundFilter>;
  createOutboundFilter?(
    options: Readonly<Record<string, unknown>>,
    context: FilterContext,
  ): OutboundFilter | Promise<OutboundFilter>;
  /**
   * Looks at all the rules of a gateway together that this module has made the filters for, after it has made them. The
   * findings' paths start at the root of the configuration, with those of the sections. The daemon asks in a thread that
   * ends, where the module is loaded a second time.
   */
  analyseRules?(sections: RuleSections): readonly Finding[] | Promise<readonly Finding[]>;
  /**
   * What the module's sections look like, for editors: the JSON Schema (draft 2020-12) of an inbound and of an outbound section, without its
   * `use` key. Give it `properties`, a `description` in each, and let it refuse nothing that the module takes. What is a number in it
   * can't be written as `${env:NAME}`; what is a word or has a `pattern` can, and the daemon adds that.
   */
  readonly configurationSchema?: {
    readonly inbound?: Readonly<Record<string, unknown>>;
    readonly outbound?: Readonly<Record<string, unknown>>;
  };
}
