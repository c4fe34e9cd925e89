import { CONTROL_EVENT_CHANNEL, nameFault } from '@cstbox/mqtt-core';
import { channelFault } from './channels.js';
import { type CompileTarget, compileTemplate } from './compile-rules.js';
import type { Problems } from './problems.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import { quote, show } from './quote.js';
import type { Verdict } from './rule.js';
import type { Template } from './template.js';

/** An event to make of a message. Channel: letters, digits and `_`; default `control`. */
export type EventSpec = readonly [varType: string, varName: string, channel?: string];

/** Where an event goes. */
export interface EventTarget {
  readonly varType: string;
  readonly varName: string;
  readonly channel: string;
}

interface CompiledSpec {
  readonly varType: Template;
  readonly varName: Template;
  readonly channel: string;
}

/** Compiles a list of event specifications into what makes the events' targets from a match. */
export const compileDispatch: CompileTarget<readonly EventTarget[]> = (dispatch, regex, problems) => {
  if (!Array.isArray(dispatch)) {
    return problems.add(`invalid rule (${show(dispatch)}) : its second item is a list of event specifications`);
  }
  const specs = dispatch.flatMap((spec: unknown, index) => compileSpec(spec, regex, problems.at(index)) ?? []);
  return (groups) => fillAll(specs, groups);
};

function compileSpec(spec: unknown, regex: CompiledRegex | undefined, problems: Problems): CompiledSpec | undefined {
  const invalid = `invalid event specification (${show(spec)})`;
  if (!Array.isArray(spec) || spec.length < 2 || spec.length > 3) {
    return problems.add(`${invalid} : it is [varType, varName, channel?]`);
  }
  const [varType, varName] = [0, 1].map((index) => {
    const text: unknown = spec[index];
    if (typeof text !== 'string') return problems.at(index).add(`${invalid} : types and names are strings`);
    return compileTemplate(text, regex, nameFault, invalid, problems.at(index));
  });
  const channel = checkChannel(spec[2], invalid, problems.at(2));
  return varType && varName && channel !== undefined ? { varType, varName, channel } : undefined;
}

function checkChannel(given: unknown, invalid: string, problems: Problems): string | undefined {
  if (given === undefined || given === null) return CONTROL_EVENT_CHANNEL;
  const channel = typeof given === 'string' ? given.trim() : given;
  const fault = channelFault(channel);
  return fault ? problems.add(`${invalid} : ${fault}`) : (channel as string);
}

function fillAll(specs: readonly CompiledSpec[], groups: Groups): Verdict<readonly EventTarget[]> {
  const targets: EventTarget[] = [];
  for (const spec of specs) {
    const varType = spec.varType.expand(groups);
    if (typeof varType !== 'string') return varType;
    const varName = spec.varName.expand(groups);
    if (typeof varName !== 'string') return varName;
    targets.push({ varType, varName, channel: spec.channel });
  }
  // Only now: a rule that does not apply refuses nothing.
  for (const [index, { varType, varName }] of targets.entries()) {
    const fault = nameFault(varType) ?? colonFault(specs[index]?.varType, groups) ?? nameFault(varName);
    if (fault) {
      return { refusal: { reason: 'illegal_name', detail: `${fault}: ${quote(varType)}, ${quote(varName)}` } };
    }
  }
  return { result: targets };
}

/** The first colon of `type:name` ends the type: a stranger must not move it. */
function colonFault(varType: Template | undefined, groups: Groups): string | undefined {
  const moved = [...(varType?.parameters ?? [])].some((name) => groups[name]?.includes(':'));
  return moved ? "a captured type holds no ':'" : undefined;
}
