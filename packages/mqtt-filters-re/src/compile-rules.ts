import type { InboundPolicy } from '@cstbox/mqtt-core';
import type { Problems } from './problems.js';
import { type CompiledRegex, compileRegex } from './python-regex.js';
import { show } from './quote.js';
import type { Rule } from './rule.js';
import { Template } from './template.js';

/** Compiles what stands beside a rule's regex; the regex is `undefined` when it is wrong itself. */
export type CompileTarget<R> = (
  target: unknown,
  regex: CompiledRegex | undefined,
  problems: Problems,
) => Rule<R>['apply'] | undefined;

/** Compiles the third item of a rule, where it may have one. */
export type CompilePolicy = (options: unknown, problems: Problems) => InboundPolicy | undefined;

/**
 * Compiles rules that came from a stranger. All rules are checked; each thing that is wrong goes to the problems, with
 * the path from the list of rules on.
 *
 * @param shape what a rule looks like, for the messages
 * @returns the rules; not to be used when there are problems
 */
export function compileRules<R>(
  rules: Iterable<unknown>,
  shape: string,
  compileTarget: CompileTarget<R>,
  problems: Problems,
  compilePolicy?: CompilePolicy,
): Rule<R>[] {
  if (typeof rules?.[Symbol.iterator] !== 'function') {
    problems.add(`invalid rules (${show(rules)}) : rules are a list of ${shape}`);
    return [];
  }
  const compiled: Rule<R>[] = [];
  for (const [index, rule] of [...rules].entries()) {
    const here = problems.at(index);
    if (!Array.isArray(rule) || rule.length < 2 || rule.length > (compilePolicy ? 3 : 2)) {
      here.add(`invalid rule (${show(rule)}) : a rule is ${shape}`);
      continue;
    }
    const [source, target, options] = rule as [unknown, unknown, unknown?];
    const regex = checkRegex(source, here.at(0));
    const apply = compileTarget(target, regex, here.at(1));
    const policy = options === undefined ? undefined : compilePolicy?.(options, here.at(2));
    if (regex && apply) compiled.push({ info: { name: regex.source, ...(policy && { policy }) }, regex, apply });
  }
  return compiled;
}

function checkRegex(source: unknown, problems: Problems): CompiledRegex | undefined {
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
