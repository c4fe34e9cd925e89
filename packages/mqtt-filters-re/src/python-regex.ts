import { ConfigurationError } from '@cstbox/mqtt-core';
import type { Pattern } from './regex/ast.js';
import { Budget } from './regex/budget.js';
import { compile } from './regex/compile.js';
import { findExplosion } from './regex/explosion.js';
import { matcher } from './regex/matcher.js';
import { parsePattern } from './regex/parse.js';
import type { Program } from './regex/program.js';
import { sizeBound } from './regex/size-bound.js';

/** The named groups of a match; `undefined` for a group that took no part in it. */
export type Groups = Readonly<Record<string, string | undefined>>;

/** A regular expression of a rule, ready for use. */
export interface CompiledRegex {
  /** As it stands in the rule. */
  readonly source: string;
  readonly pattern: Pattern;
  /** The names of its groups. */
  readonly groups: ReadonlySet<string>;
  /**
   * The groups of the match at the start of the text, which need not reach its end; `null`: no match, or the budget is
   * spent.
   *
   * @param budget what it may cost; default: the steps of one text, without a clock
   */
  match(text: string, budget?: Budget): Groups | null;
}

/** Instructions of a program that is made when its rule is loaded. */
const LARGE = 500;
/** Steps for each number in a program that is made when a text has come. */
const COMPILING = 4;

const NO_GROUPS: Groups = Object.freeze(Object.create(null));

/**
 * Compiles a pattern as Python's `re` understands it. JavaScript's way to write named groups works, too.
 *
 * @throws {ConfigurationError} `invalid regex (<source>) : <why>`
 */
export function compileRegex(source: string): CompiledRegex {
  const { pattern, program: large } = prepare(source);
  const groups = [...pattern.groups];
  let program = large;
  return {
    source,
    pattern,
    groups: new Set(pattern.groups.keys()),
    match(text, budget = new Budget(undefined, Number.POSITIVE_INFINITY)) {
      program ??= compileOn(budget, pattern);
      if (matcher.match(program, text, budget) < 0) return null;
      return groups.length === 0 ? NO_GROUPS : capture(groups, text, matcher.slots);
    },
  };
}

/** Most programs are not made before a text comes that may match; those that take long to make are made at once. */
function prepare(source: string): { pattern: Pattern; program?: Program } {
  try {
    const pattern = parsePattern(source);
    const explosion = findExplosion(pattern);
    if (explosion !== undefined) {
      throw new SyntaxError(
        `it takes too long on a text such as ${JSON.stringify(explosion)}: repetitions before a reference back multiply; ` +
          'make them one, as in (a+)\\1, or keep apart what they match',
      );
    }
    return sizeBound(pattern.root) > LARGE ? { pattern, program: compile(pattern) } : { pattern };
  } catch (error) {
    throw new ConfigurationError(`invalid regex (${source}) : ${why(error)}`, { cause: error });
  }
}

function compileOn(budget: Budget, pattern: Pattern): Program {
  const program = compile(pattern);
  // Once for each rule, whatever texts come: without a clock, what was compiled before makes no difference.
  if (budget.hasClock) budget.left -= COMPILING * program.code.length;
  return program;
}

function capture(groups: readonly (readonly [name: string, index: number])[], text: string, slots: Int32Array): Groups {
  const captured: Record<string, string | undefined> = Object.create(null);
  for (const [name, index] of groups) {
    const [start = -1, end = -1] = [slots[2 * index], slots[2 * index + 1]];
    captured[name] = start < 0 || end < 0 ? undefined : text.slice(start, end);
  }
  return captured;
}

/** The reason alone: V8's message cites a pattern that nobody wrote. */
function why(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^Invalid regular expression: .*: /s, '');
}
