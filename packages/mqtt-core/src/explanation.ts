import type { InboundCrossing, OutboundCrossing } from './crossing.js';
import type { RuleTrial } from './filter.js';
import { describeError } from './logger.js';

/** What a filter in its place had to say. */
export interface FilterTrial {
  readonly filter: string;
  /** `channel`: it does not listen to the event's. `passes_on`: it leaves the answer to the next one. */
  readonly outcome: 'channel' | 'passes_on' | 'decides' | 'not_reached';
  /** `undefined`: it does not explain itself. */
  readonly rules: readonly RuleTrial[] | undefined;
  /** What went wrong when it was asked to explain itself. */
  readonly fault?: string | undefined;
}

/** What becomes of something, and why. */
export interface Explanation<C> {
  readonly crossing: C;
  /** In their order. */
  readonly filters: readonly FilterTrial[];
}

/** What a filter had to say, whatever its place. */
export type OwnTrial = Omit<FilterTrial, 'outcome'> & { readonly hears: boolean };

/** What a filter, which may be anybody's, says for itself. */
export function explained(
  explain: (() => readonly RuleTrial[] | undefined) | undefined,
): Pick<FilterTrial, 'rules' | 'fault'> {
  try {
    return { rules: explain?.() };
  } catch (error) {
    return { rules: undefined, fault: describeError(error) };
  }
}

/** The filter whose answer it is; a mere no is none. */
export function deciderOf(crossing: OutboundCrossing | InboundCrossing): string | undefined {
  if (!('filter' in crossing)) return undefined;
  return crossing.outcome === 'filtered' && crossing.rule === undefined ? undefined : crossing.filter;
}

/** @param isAsked whether any filter was asked */
export function inTheirPlaces(
  trials: readonly OwnTrial[],
  isAsked: boolean,
  decider: string | undefined,
): FilterTrial[] {
  let isOpen = isAsked;
  return trials.map(({ filter, hears, rules, fault }) => {
    if (!isOpen) return { filter, outcome: 'not_reached', rules: undefined };
    if (!hears) return { filter, outcome: 'channel', rules: undefined };
    isOpen = filter !== decider;
    return { filter, outcome: isOpen ? 'passes_on' : 'decides', rules, ...(fault !== undefined && { fault }) };
  });
}
