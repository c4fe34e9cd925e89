import type { Node, Pattern, RepeatNode } from './ast.js';
import { Budget } from './budget.js';
import { compile } from './compile.js';
import { matcher } from './matcher.js';
import { hasReference } from './node-facts.js';
import { Sampler } from './sampler.js';

/** Turns of a repetition that are tried, and twice as many. */
const TURNS = 12;
/**
 * By how much the steps may grow when the turns double. A polynomial of the sixth degree grows by 64; what grows by three
 * fifths with each turn, by 281.
 */
const GROWTH = 100;
/** Ten times what any text may cost. */
const BUDGET = 10 * new Budget().remaining;
/** Steps for all that is tried with one pattern: a bound for the time of loading. */
const TOTAL = 3 * BUDGET;
/** What no pattern is likely to go on with. */
const ENDS = ['\0', '!'];

/**
 * A short text on which a match takes so many steps that nobody can wait for it, if one is found. Only what refers back
 * can have one: of the rest, no choice is tried twice. The texts that are tried turn one of the repetitions, many times, and then
 * break off.
 */
export function findExplosion(pattern: Pattern): string | undefined {
  if (!hasReference(pattern.root)) return undefined;
  const program = compile(pattern);
  let total = TOTAL;
  const steps = (text: string) => {
    const budget = new Budget(BUDGET, Number.POSITIVE_INFINITY);
    matcher.match(program, text, budget);
    total -= BUDGET - budget.remaining;
    return budget.isSpent ? Number.POSITIVE_INFINITY : BUDGET - budget.remaining;
  };
  for (const repeat of repeatsIn(pattern.root)) {
    for (const option of [0, 1]) {
      const few = new Sampler(repeat, TURNS, option).upToTarget(pattern.root);
      const many = new Sampler(repeat, 2 * TURNS, option).upToTarget(pattern.root);
      if (few === undefined || many === undefined) continue;
      if (total < BUDGET) return undefined;
      const end = ENDS.find((end) => steps(many + end) > GROWTH * Math.min(steps(few + end), BUDGET / GROWTH));
      if (end !== undefined) return many + end;
    }
  }
  return undefined;
}

function repeatsIn(node: Node): RepeatNode[] {
  switch (node.kind) {
    case 'sequence':
      return node.items.flatMap(repeatsIn);
    case 'alternatives':
      return node.options.flatMap(repeatsIn);
    case 'repeat':
      return node.max > 2 * TURNS ? [node, ...repeatsIn(node.node)] : repeatsIn(node.node);
    case 'group':
    case 'look':
      return repeatsIn(node.node);
    default:
      return [];
  }
}
