import type { FilterRule } from './filter.js';
import { nonsense } from './filter-answer.js';
import type { InboundPolicy } from './inbound-policy.js';
import type { RateLimit } from './token-bucket.js';

/** A rule as it was when it was looked at, and the account in which it is booked. */
export interface KnownRule extends FilterRule {
  readonly account: string | undefined;
}

/** As they were when they were looked at. By the object that rules hold, in all filters: it is what they share. */
const LIMITS = new WeakMap<object, RateLimit>();

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
    if (!copy.policy) return copy;
    const { rateLimit } = copy.policy;
    const limit = rateLimit === undefined ? undefined : readLimit(rateLimit);
    const fault = policyFault(copy.policy) ?? (typeof limit === 'string' ? limit : undefined);
    if (fault !== undefined) throw new TypeError(`lastRule ${name.slice(0, 80)}: ${fault}`);
    return typeof limit === 'object' ? { ...copy, policy: { ...copy.policy, rateLimit: limit } } : copy;
  }
}

function policyFault({ retained, maxAgeMs, timestampField, idField }: InboundPolicy): string | undefined {
  if (![undefined, 'ignore', 'accept'].includes(retained)) return "policy.retained is 'ignore' or 'accept'";
  if (maxAgeMs !== undefined && !(typeof maxAgeMs === 'number' && maxAgeMs >= 0))
    return 'policy.maxAgeMs is a number of ms';
  const areNames = [timestampField, idField].every((field) => field === undefined || typeof field === 'string');
  return areNames ? undefined : 'policy.timestampField and policy.idField are names of fields';
}

/** The limit as it is now, or what is wrong with it. */
function readLimit(given: unknown): RateLimit | string {
  const fault = 'policy.rateLimit has messages, an integer from 1 on, and perMs, a number of ms above 0';
  if (typeof given !== 'object' || given === null) return fault;
  const known = LIMITS.get(given);
  if (known) return known;
  const { messages, perMs } = given as Record<keyof RateLimit, unknown>;
  if (typeof messages !== 'number' || !Number.isInteger(messages) || messages < 1) return fault;
  if (typeof perMs !== 'number' || !Number.isFinite(perMs) || perMs <= 0) return fault;
  const limit = Object.freeze({ messages, perMs });
  LIMITS.set(given, limit);
  return limit;
}
