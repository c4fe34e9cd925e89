import { CONTROL_EVENT_CHANNEL, type EventData, nameFault } from '@cstbox/mqtt-core';
import { channelFault } from './channels.js';
import { compileTemplate } from './compile-rules.js';
import type { Limit } from './inbound-rule-limits.js';
import type { Reader } from './inbound-rule-read.js';
import type { Problems } from './problems.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import { quote, show } from './quote.js';
import type { Verdict } from './rule.js';
import type { Template } from './template.js';

/** An event to make of a message. Channel: letters, digits and `_`; default `control`. */
export type EventSpec = readonly [varType: string, varName: string, channel?: string];

/** What an event takes from the message, where that differs from the usual. */
export interface EventDetails {
  /** More for the event's data. */
  readonly data?: EventData;
  /** Reads the payload. Default: the filter's own way. */
  readonly read?: Reader;
  /** What the value must be. */
  readonly limit?: Limit;
}

/** Where an event goes, and what goes there. */
export interface EventTarget extends EventDetails {
  readonly varType: string;
  readonly varName: string;
  readonly channel: string;
}

/** An event specification, compiled. */
export interface CompiledSpec extends EventDetails {
  readonly varType: Template;
  readonly varName: Template;
  readonly channel: string;
}

/** Compiles an event specification. */
export type CompileSpec = (
  spec: unknown,
  regex: CompiledRegex | undefined,
  problems: Problems,
) => CompiledSpec | undefined;

/** A list of event specifications, compiled. */
export interface CompiledDispatch {
  /** Where its events go, each channel once. */
  readonly channels: readonly string[];
  /** The events' targets for a match. */
  fill(groups: Groups): Verdict<readonly EventTarget[]>;
}

/** Compiles a list of event specifications. */
export function compileDispatch(
  dispatch: unknown,
  regex: CompiledRegex | undefined,
  problems: Problems,
  compileSpec: CompileSpec = compileTuple,
): CompiledDispatch | undefined {
  if (!Array.isArray(dispatch)) {
    return problems.add(`invalid rule (${show(dispatch)}) : its second item is a list of event specifications`);
  }
  const specs = dispatch.flatMap((spec: unknown, index) => compileSpec(spec, regex, problems.at(index)) ?? []);
  const channels = [...new Set(specs.map(({ channel }) => channel))];
  return { channels, fill: (groups) => fillAll(specs, groups) };
}

/** Compiles an event specification that is a tuple. */
export const compileTuple: CompileSpec = (spec, regex, problems) => {
  const invalid = `invalid event specification (${show(spec)})`;
  if (!Array.isArray(spec) || spec.length < 2 || spec.length > 3) {
    return problems.add(`${invalid} : it is [varType, varName, channel?]`);
  }
  return compileParts({ ...spec }, [0, 1, 2], invalid, regex, problems);
};

/**
 * Compiles type, name and channel of an event specification.
 *
 * @param keys where they stand in it
 * @param invalid the head of the messages
 */
export function compileParts(
  spec: Readonly<Record<string | number, unknown>>,
  keys: readonly [varType: string | number, varName: string | number, channel: string | number],
  invalid: string,
  regex: CompiledRegex | undefined,
  problems: Problems,
): CompiledSpec | undefined {
  const [varType, varName] = keys.slice(0, 2).map((key) => {
    const text = spec[key];
    if (typeof text !== 'string') return problems.at(key).add(`${invalid} : types and names are strings`);
    return compileTemplate(text, regex, nameFault, invalid, problems.at(key));
  });
  const channel = checkChannel(spec[keys[2]], invalid, problems.at(keys[2]));
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
    targets.push({ ...spec, varType, varName });
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
