import { type Refusal, silentLogger } from '@cstbox/mqtt-core';
import type { Problems } from './problems.js';
import { quote, show } from './quote.js';
import { type Rule, RuleTable } from './rule.js';

/** What examples of a direction look like. */
export interface ExampleKind<R> {
  /** Why nothing has this name, or `undefined`. */
  faultOf(text: string): string | undefined;
  /** Whether the result is what was expected. */
  fits(expected: unknown, result: R): boolean;
  /** Why the result refuses whatever it takes, or `undefined`. */
  refusalOf?(result: R): Refusal | undefined;
  /** The result, as it would stand in an example. */
  inExample(result: R): unknown;
}

type CompileAs<C> = (given: unknown, problems: Problems) => C | undefined;

interface RuleExamples<R> {
  readonly rule: Rule<R>;
  /** Texts, each with what the rule makes of it; `null`: it must not decide. */
  readonly expectations: Readonly<Record<string, unknown>>;
  readonly problems: Problems;
}

/** The examples of all rules, to be checked when all of them are known. */
export class Examples<R> {
  readonly #kind: ExampleKind<R>;
  readonly #all: RuleExamples<R>[] = [];

  constructor(kind: ExampleKind<R>) {
    this.#kind = kind;
  }

  /** The same way to compile a rule; keeps the rule's examples. */
  keepWhile<C extends Rule<R>>(compileRule: CompileAs<C>): CompileAs<C> {
    return (given, problems) => {
      const rule = compileRule(given, problems);
      const { examples: expectations } = Object(given) as { examples?: RuleExamples<R>['expectations'] };
      if (rule && expectations) this.#all.push({ rule, expectations, problems: problems.at('examples') });
      return rule;
    };
  }

  /**
   * Asks all the rules about each example. An example that fails goes to the problems of its place.
   *
   * @param rules every rule, in order, and nothing is wrong with any of them
   */
  check(rules: readonly Rule<R>[]): void {
    if (this.#all.length === 0) return;
    // One of its own: what is asked here must not be counted, nor remembered.
    const table = new RuleTable(rules, silentLogger, () => 0);
    const places = new Map(rules.map(({ info }, index) => [info, index]));
    for (const { rule, expectations, problems } of this.#all) {
      for (const [text, expected] of Object.entries(expectations)) {
        const fault = this.#kind.faultOf(text) ?? this.#failure(table, places, rule, text, expected);
        if (fault) problems.at(text).add(`failed example (${quote(text)}) : ${fault}`);
      }
    }
  }

  #failure(
    table: RuleTable<R>,
    places: ReadonlyMap<unknown, number>,
    { info, regex }: Rule<R>,
    text: string,
    expected: unknown,
  ): string | undefined {
    const { candidates } = table.decide(text);
    const own = candidates.find(({ rule }) => rule === info);
    const refusal = own?.refusal ?? (own?.result && this.#kind.refusalOf?.(own.result));
    const outcome = refusal
      ? `it refuses this: ${refusal.reason}, ${refusal.detail}`
      : own && `it gives ${show(own.result && this.#kind.inExample(own.result))}`;
    if (expected === null) return outcome && `expected that the rule does not decide, but ${outcome}`;
    if (!refusal && own?.result && this.#kind.fits(expected, own.result)) return undefined;
    if (outcome) return `expected ${show(expected)}, but ${outcome}`;
    if (!regex.match(text)) return `expected ${show(expected)}, but its regex does not match`;
    const decider = candidates.at(-1)?.rule;
    const place = decider && places.get(decider);
    return place !== undefined && place < (places.get(info) ?? 0)
      ? `expected ${show(expected)}, but rule ${place} (${decider?.name}) in front of it decides`
      : `expected ${show(expected)}, but a group that it needs takes no part in the match`;
  }
}
