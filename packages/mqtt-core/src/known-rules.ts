import type { FilterRule } from './filter.js';
import { nonsense } from './filter-answer.js';
import type { InboundPolicy } from './inbound-policy.js';

/** A rule as it was when it was looked at, and the account in which it is booked. */
export interface KnownRule extends FilterRule {
  readonly account: string | undefined;
}

/** The rules of one filter: each is looked at once, and what is found is kept, so that nothing odd in one is met later. */
export class KnownRules {
  readonly #accountOf: (rule: string) => string | undefined;
  readonly #known = new WeakMap<object, KnownRule>();
  #last: unknown;
  #lastKnown: KnownRule | undefined;

  constructor(accountOf: (rule: string) => string | undefined) {
    this.#accountOf = accountOf;
  }

  /**
   * What is known of what a filter has as its `lastRule`; `undefined` when it has none.
   *
   * @throws {TypeError} when it is no rule
   */
  look(rule: unknown): KnownRule | undefined {
    if (rule === this.#last) return this.#lastKnown;
    if (rule === undefined || rule === null) return undefined;
    if (typeof rule !== 'object') throw nonsense('lastRule', rule, 'a rule with a name');
    let known = this.#known.get(rule);
    if (!known) {
      known = this.#check(rule as Partial<FilterRule>);
      this.#known.set(rule, known);
    }
    this.#last = rule;
    this.#lastKnown = known;
    return known;
  }

  #check(rule: Partial<FilterRule>): KnownRule {
    const { name, policy, publish } = rule;
    if (typeof name !== 'string') throw nonsense('lastRule', rule, 'a rule with a name');
    for (const part of [policy, publish]) {
      if (part !== undefined && (typeof part !== 'object' || part === null)) {
        throw nonsense('lastRule', part, 'a rule whose policy and publish are objects');
      }
    }
    const account = this.#accountOf(name);
    const copy = {
      name,
      account,
      ...(policy && { policy: { ...policy } }),
      ...(publish && { publish: { ...publish } }),
    };
    const fault = copy.policy && policyFault(copy.policy);
    if (fault !== undefined) throw new TypeError(`lastRule ${name.slice(0, 80)}: ${fault}`);
    return copy;
  }
}

function policyFault({ retained, maxAgeMs, timestampField, idField }: InboundPolicy): string | undefined {
  if (![undefined, 'ignore', 'accept'].includes(retained)) return "policy.retained is 'ignore' or 'accept'";
  if (maxAgeMs !== undefined && !(typeof maxAgeMs === 'number' && maxAgeMs >= 0))
    return 'policy.maxAgeMs is a number of ms';
  const areNames = [timestampField, idField].every((field) => field === undefined || typeof field === 'string');
  return areNames ? undefined : 'policy.timestampField and policy.idField are names of fields';
}
