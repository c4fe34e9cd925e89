import type { Problems } from './problems.js';
import { type CompiledRegex, compileRegex } from './python-regex.js';
import { show } from './quote.js';
import type { Rule } from './rule.js';
import { Template } from './template.js';

/** Compiles a rule; nothing, and what is wrong goes to the problems. */
export type CompileRule<R> = (rule: unknown, problems: Problems) => Rule<R> | undefined;

/**
 * Compiles rules that came from a stranger. All rules are checked; each thing that is wrong goes to the problems, with
 * the path from the list of rules on.
 *
 * @param shape what a rule looks like, for the messages
 * @returns the rules; not to be used when there are problems
 */
export function compileRules<C>(
  rules: Iterable<unknown>,
  shape: string,
  compileRule: (rule: unknown, problems: Problems) => C | undefined,
  problems: Problems,
): C[] {
  if (typeof rules?.[Symbol.iterator] !== 'function') {
    problems.add(`invalid rules (${show(rules)}) : rules are a list of ${shape}`);
    return [];
  }
  return [...rules].flatMap((rule, index) => compileRule(rule, problems.at(index)) ?? []);
}

/** Compiles a rule's regex, which came from a stranger. */
export function checkRegex(source: unknown, problems: Problems): CompiledRegex | undefined {
  if (typeof source !== 'string' && source !== undefined && source !== null) {
    return problems.add(`invalid regex (${show(source)}) : a regex is a string`);
  }
  const stripped = source?.trim();
  if (!stripped) return problems.add('missing regex in rule');
  return problems.attempt(() => compileRegex(stripped));
}

/**
 * Compiles a template whose parameters are the regex's groups.
 *
 * @param faultOf why a text is nothing that the template may give
 * @param invalid the head of the message
 */
export function compileTemplate(
  text: string,
  regex: CompiledRegex | undefined,
  faultOf: (text: string) => string | undefined,
  invalid: string,
  problems: Problems,
): Template | undefined {
  let template: Template;
  try {
    template = new Template(text.trim());
  } catch (error) {
    return problems.add(`${invalid} : ${(error as SyntaxError).message}`);
  }
  const fault = faultOf(template.sample());
  if (fault) problems.add(`${invalid} : ${fault}`);
  const missing = regex ? [...template.parameters].filter((name) => !regex.groups.has(name)) : [];
  if (missing.length > 0) problems.add(`parameters not found in rule regex (${missing.join(', ')})`);
  return template;
}
