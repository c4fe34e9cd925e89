import {
  CONTROL_EVENT_CHANNEL,
  type ConfigurationProblem,
  OutboundFilter,
  type RuleSection,
  type RuleSections,
} from '@cstbox/mqtt-core';
import { compileInboundRule } from '../inbound-rule.js';
import { compileOutboundRule } from '../outbound-rule.js';
import { Problems } from '../problems.js';
import { type Parameter, Template } from '../template.js';

/** The keys that lead to a place in the configuration. */
export type Path = readonly (string | number)[];

/** What a rule writes: the topic of an event, or type and name of an event. */
export interface Written {
  /** Of an event: type, colon, name. */
  readonly parts: readonly (string | Parameter)[];
  /** How many of the parts are the type of an event. */
  readonly typeParts: number;
  /** Where an event goes; `undefined` for a topic. */
  readonly channel: string | undefined;
}

/** A rule, as far as the analysis looks at it. */
export interface AnalysedRule {
  /** Its regex as it is written. */
  readonly name: string;
  /** Where it stands. */
  readonly path: Path;
  /** Where its regex stands. */
  readonly regexPath: Path;
  /** In the original's form. */
  readonly isTuple: boolean;
  /** Whether it depends on more than the text and the channel whether it decides. */
  readonly hasCondition: boolean;
  /** Which of its keys judge values, by their names: what they let through is not looked at. */
  readonly judgedBy: readonly string[];
  /** Whether it does not apply where any of its groups took no part in the match, also one that its topic does not name. */
  readonly needsAllGroups: boolean;
  /** The channels whose events it takes; an inbound rule: none. */
  readonly channels: readonly string[];
  readonly written: readonly Written[];
  /** Why a loop through it is meant to be. */
  readonly allowLoop: string | undefined;
  /** What it publishes, beside the topic: QoS, retain, shape of the payload. */
  readonly publishes: { readonly qos: number; readonly retain: boolean; readonly payload: string };
}

export interface OutRule extends AnalysedRule {
  readonly rule: NonNullable<ReturnType<typeof compileOutboundRule>>;
}

export interface InRule extends AnalysedRule {
  readonly rule: NonNullable<ReturnType<typeof compileInboundRule>>;
}

/** The rules of all sections of a direction, in the order in which they are asked. Those that do not load are left out. */
export function readOutbound({ outbound, qos }: RuleSections): OutRule[] {
  return outbound.flatMap((section) => {
    const rules = rulesOf(section);
    const channels = channelsOf(section, rules);
    return rules.flatMap(([path, given]) => readOutRule(path, given, channels, qos) ?? []);
  });
}

/** The same for the other direction. */
export function readInbound({ inbound }: RuleSections): InRule[] {
  return inbound.flatMap((section) => rulesOf(section).flatMap(([path, given]) => readInRule(path, given) ?? []));
}

function rulesOf({ path, options: { rules } }: RuleSection): (readonly [Path, unknown])[] {
  return Array.isArray(rules) ? rules.map((rule: unknown, index) => [[...path, 'rules', index], rule] as const) : [];
}

/** The channels that a filter listens to: those that it is told, or the usual ones and those that its rules name. */
function channelsOf({ options }: RuleSection, rules: readonly (readonly [Path, unknown])[]): readonly string[] {
  if (Array.isArray(options.channels)) return namesOf(options.channels);
  return [
    ...new Set([...new OutboundFilter().channels, ...rules.flatMap(([, rule]) => namesOf(Object(rule).channel))]),
  ];
}

function namesOf(channels: unknown): string[] {
  return [channels ?? []].flat().map((channel) => String(channel).trim());
}

function readOutRule(path: Path, given: unknown, channels: readonly string[], defaultQos: number): OutRule | undefined {
  const isTuple = Array.isArray(given);
  const options = isTuple ? { match: given[0], topic: given[1] } : Object(given);
  const { match, topic, channel, qos = defaultQos, retain = false, payload = 'event', when } = options;
  const rule = compiled(compileOutboundRule, [match, topic]);
  if (!rule) return undefined;
  return {
    ...common(path, rule.info.name, isTuple, options),
    hasCondition: when !== undefined,
    judgedBy: when === undefined ? [] : ['when'],
    needsAllGroups: typeof payload === 'object' || options.user_properties !== undefined,
    channels: channel === undefined ? channels : namesOf(channel),
    written: [{ parts: partsOf(topic), typeParts: 0, channel: undefined }],
    publishes: { qos, retain, payload: JSON.stringify(payload) },
    rule,
  };
}

function readInRule(path: Path, given: unknown): InRule | undefined {
  const isTuple = Array.isArray(given);
  const options = isTuple ? { match: given[0], emit: given[1] } : Object(given);
  const emit: unknown = Array.isArray(options.emit) ? options.emit.map(asTuple) : options.emit;
  const rule = compiled(compileInboundRule, [options.match, emit]);
  if (!rule) return undefined;
  const written = (emit as [string, string, string?][]).map(([varType, varName, channel]) => {
    const type = partsOf(varType);
    const to = channel?.trim() ?? CONTROL_EVENT_CHANNEL;
    return { parts: [...type, ':', ...partsOf(varName)], typeParts: type.length, channel: to };
  });
  return {
    ...common(path, rule.info.name, isTuple, options),
    hasCondition: false,
    judgedBy: ['value', 'read'].filter((key) => [options, ...options.emit].some((each) => each[key] !== undefined)),
    needsAllGroups: false,
    channels: [],
    written,
    publishes: { qos: 0, retain: false, payload: '' },
    rule,
  };
}

/** What becomes of a rule in the original's form, when nothing is wrong with it. */
function compiled<C>(
  compile: (rule: unknown, problems: Problems) => C | undefined,
  tuple: readonly unknown[],
): C | undefined {
  const problems: ConfigurationProblem[] = [];
  const rule = compile(tuple, new Problems(problems));
  return problems.length === 0 ? rule : undefined;
}

/** An event specification as `[varType, varName, channel]`, which may be written as an object. */
function asTuple(spec: unknown): unknown {
  if (Array.isArray(spec) || typeof spec !== 'object' || spec === null) return spec;
  const { type, name, channel } = spec as Record<string, unknown>;
  return channel === undefined ? [type, name] : [type, name, channel];
}

function common(path: Path, name: string, isTuple: boolean, { allow_loop: reason }: { allow_loop?: unknown }) {
  const allowLoop = typeof reason === 'string' && reason.trim() !== '' ? reason : undefined;
  return { name, path, regexPath: [...path, isTuple ? 0 : 'match'], isTuple, allowLoop };
}

function partsOf(template: string): readonly (string | Parameter)[] {
  return new Template(template.trim()).parts;
}
