import type { BrokerKind } from '@cstbox/test-peers';
import type { Subject } from './durability.js';
import type { Column } from './report.js';
import type { TallyFigures } from './tally.js';

/** What every scenario is told. */
export interface Setting {
  broker: BrokerKind;
  variables: number;
}

/** A way to measure: what is played, and how its figures read. */
export interface Scenario<S extends Setting, F> {
  /** Measures once, with fresh processes; all is gone afterwards. */
  measure(subject: Subject, setting: S, signal: AbortSignal): Promise<F>;
  /** The columns between the subject's and those of the faults. */
  columns: readonly Column<F>[];
  /** Every count of events that the run has taken. */
  tallies(figures: F): TallyFigures[];
  /** The run in a few words, for those who wait. */
  summary(figures: F): string;
}
