import type { Crossing, Explanation, FilterTrial, OutboundMessage, RuleTrial } from '@cstbox/mqtt-core';
import { harmless, type Paint, WIDTH, wrap } from '../terminal.js';
import type { Advice } from './advice.js';
import { payloadText } from './payload-text.js';

/** How an explanation is shown. */
export interface ExplainStyle {
  readonly paint: Paint;
  /** Whether every rule is shown, however many there are. */
  readonly all: boolean;
  /** When it was asked, in ms since the Epoch. */
  readonly now: number;
  /** Takes out of a text what nobody may read: before it is cut or broken, after which it would not be found. */
  readonly redact: (text: string) => string;
}

/** So many rules are shown as they are; of more, only those that match. */
const FEW = 10;

const OUTCOMES: Readonly<Record<RuleTrial['outcome'], string>> = {
  no_match: 'no match',
  not_applied: 'not applied',
  channel: 'channel',
  condition: 'condition',
  decides: 'decides',
  not_reached: 'not reached',
};

const FILTER_OUTCOMES: Readonly<Record<FilterTrial['outcome'], string>> = {
  channel: 'does not listen to this channel',
  passes_on: 'has nothing to say',
  decides: 'decides',
  not_reached: 'is not asked',
};

const NUMBER = 5;
const LABEL = 12;
/** A payload, and a captured text, is shown so far. */
const MAX_TEXT = 2_000;

/** What each filter and rule said, and what comes of it. */
export function explainText(
  { crossing, filters }: Explanation<Crossing>,
  advice: Advice | undefined,
  style: ExplainStyle,
): string {
  const lines = filters.flatMap((filter) => [...filterLines(filter, style), '']);
  return `${[...lines, ...outcomeLines(crossing, advice, style)].join('\n')}\n`;
}

function filterLines({ filter, outcome, rules, fault }: FilterTrial, style: ExplainStyle): string[] {
  const { redact } = style;
  const head = `${style.paint.bold(shown(filter, redact))} ${FILTER_OUTCOMES[outcome]}`;
  if (fault !== undefined) return [head, row('', 'fault', shown(fault, redact))];
  if (outcome === 'not_reached' || outcome === 'channel') return [head];
  if (!rules) return [head, row('', '', 'it does not say why')];
  const isShort = style.all || rules.length <= FEW;
  const listed = isShort ? rules : rules.filter(({ outcome: said }) => said !== 'no_match' && said !== 'not_reached');
  const count = (wanted: RuleTrial['outcome']) => rules.filter(({ outcome: said }) => said === wanted).length;
  const rest = (['no_match', 'not_reached'] as const)
    .map((each) => [each, count(each)] as const)
    .filter(([, number]) => !isShort && number > 0)
    .map(([each, number]) => row('', OUTCOMES[each], `${number} rules (--all shows them)`));
  return [head, ...listed.flatMap((rule) => ruleLines(rule, style)), ...rest];
}

function ruleLines(
  { rule, index, outcome, detail, groups = {} }: RuleTrial,
  { paint, redact }: ExplainStyle,
): string[] {
  const captured = Object.entries(groups).map(([name, text]) =>
    row('', '', `${name} = ${text === undefined ? '(took no part)' : shown(text, redact)}`),
  );
  const lines = [
    row(String(index), OUTCOMES[outcome], shown(rule, redact)),
    ...(detail === undefined ? [] : [row('', '', shown(detail, redact))]),
    ...captured,
  ];
  const tint =
    outcome === 'decides' ? paint.green : outcome === 'no_match' || outcome === 'not_reached' ? paint.dim : String;
  return lines.map((line) => tint(line));
}

function outcomeLines(crossing: Crossing, advice: Advice | undefined, style: ExplainStyle): string[] {
  const { paint, redact } = style;
  const isOut = crossing.direction === 'out';
  if (crossing.outcome === 'accepted') {
    const head = paint.green(isOut ? 'goes out' : 'comes in');
    if (crossing.direction === 'out') return [head, ...messageLines(crossing.message, crossing.throttleMs, style)];
    const events = crossing.events.map(({ channel, event: { varType, varName, data } }) =>
      row('', channel, `${shown(`${varType}:${varName}`, redact)} ${shown(JSON.stringify(data), redact)}`),
    );
    return [head, ...events];
  }
  const { why = '', remedy } = advice ?? {};
  return [
    paint.yellow(isOut ? 'stays in' : 'stays out'),
    row('', 'why', shown(why, redact)),
    ...(remedy === undefined ? [] : [row('', 'to do', shown(remedy, redact))]),
  ];
}

function messageLines(
  message: OutboundMessage,
  throttleMs: number | undefined,
  { now, redact }: ExplainStyle,
): string[] {
  const { topic, payload, qos, retain, expiresAt, userProperties = {}, latest } = message;
  const text = payloadText(payload);
  const expiry = expiresAt === undefined ? [] : [row('', 'expires', `after ${(expiresAt - now) / 1_000} s`)];
  return [
    row('', 'topic', shown(topic, redact)),
    row('', 'payload', text === undefined ? `${payload.length} bytes that are no text` : shown(text, redact)),
    row('', 'QoS', `${qos}, ${retain ? 'retained' : 'not retained'}`),
    ...expiry,
    ...Object.entries(userProperties).map(([name, value]) =>
      row('', 'property', `${shown(name, redact)} = ${shown(value, redact)}`),
    ),
    ...(throttleMs === undefined ? [] : [row('', 'throttle', `one per topic in ${throttleMs / 1_000} s`)]),
    ...(latest ? [row('', 'backlog', 'in an outage only the newest of its topic is kept')] : []),
  ];
}

function row(number: string, label: string, text: string): string {
  const head = number.padStart(NUMBER - 2).padEnd(NUMBER) + label.padEnd(LABEL);
  const lines = wrap(text, { width: WIDTH - head.length }).split('\n');
  return `${head}${lines.join(`\n${' '.repeat(head.length)}`)}`;
}

function shown(text: string, redact: ExplainStyle['redact']): string {
  const open = redact(text);
  return harmless(open.length > MAX_TEXT ? `${open.slice(0, MAX_TEXT)}… (${open.length} characters)` : open);
}
