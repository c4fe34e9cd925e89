/** Something that somebody saw who looked at all the rules together. */
export interface Finding {
  /** `error`: it must not run so. `warning`: most likely not what was meant. `info`: worth knowing. */
  readonly severity: 'error' | 'warning' | 'info';
  /** One of few words, fit for a program: `shadowed`, `possible_loop`, … */
  readonly code: string;
  /** The rule that it is about, by its name; see `FilterRule`. */
  readonly rule?: string;
  /** The keys that lead to it, from the root of what was looked at. */
  readonly path: readonly (string | number)[];
  /** What it is, and what to do. */
  readonly message: string;
  /** A text that shows it: a variable as `<varType>:<varName>`, or a topic. */
  readonly example?: string;
}

/** All the rules of a gateway, for a look at them together. */
export interface RuleSections {
  /** The filters of a direction, in their order, as they stand in the configuration, without their `use` key. */
  readonly outbound: readonly RuleSection[];
  readonly inbound: readonly RuleSection[];
  /** The topic filters that are subscribed to; `undefined`: those that the inbound filters ask for. */
  readonly listenedTopics?: readonly string[] | undefined;
  /** The QoS to publish with where a rule says nothing. */
  readonly qos: 0 | 1 | 2;
}

/** What one filter was given, and where that stands. */
export interface RuleSection {
  /** The keys that lead to it, from the root of the configuration. */
  readonly path: readonly (string | number)[];
  readonly options: Readonly<Record<string, unknown>>;
}
