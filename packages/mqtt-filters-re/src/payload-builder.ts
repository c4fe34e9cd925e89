import { eventToJson, type Refusal } from '@cstbox/mqtt-core';
import { type BuildPayload, eventValue, NO_VALUE, type OutgoingEvent } from './outgoing-event.js';
import { JsonTemplate } from './payload-json.js';
import { charsOf, joined, PayloadTemplate, type Piece } from './payload-pieces.js';
import { senmlNameFault, senmlNameRefusal, writeSenml } from './payload-senml.js';
import type { Problems } from './problems.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import type { Unfilled } from './template.js';

/** What a rule publishes: a named form, or a template. */
export type PayloadSpec =
  | 'event'
  | 'value'
  | 'raw'
  | 'senml'
  | { readonly json: unknown }
  | { readonly text: string }
  | { readonly senml: string };

/** What builds the payloads of one variable. */
export interface PayloadBuilder {
  readonly build: BuildPayload;
  /** Why it can't build any for this variable. */
  readonly refusal?: Refusal | undefined;
  /** Characters that it holds for this variable alone. */
  readonly chars: number;
}

/** Makes the builder for a variable from the groups of its match. */
export type BindPayload = (groups: Groups) => PayloadBuilder | Unfilled;

/** The event as it is, as JSON. */
export function buildEvent({ timestamp, varType, varName, data }: OutgoingEvent): string {
  return eventToJson(timestamp, varType, varName, data);
}

/** JSON has no way to write a number beyond all others: it would say null. */
function plainJson(value: unknown): string | Refusal {
  if (typeof value !== 'number' || Number.isFinite(value)) return JSON.stringify(value);
  return { reason: 'not_a_number', detail: 'the value is beyond all numbers' };
}

/** Names for forms without parameters. */
const FORMS: Readonly<Record<'event' | 'value' | 'raw' | 'senml', BuildPayload>> = {
  event: buildEvent,
  value(event) {
    const value = eventValue(event);
    return value === undefined ? NO_VALUE : plainJson(value);
  },
  raw(event) {
    const value = eventValue(event);
    if (value === undefined) return NO_VALUE;
    return typeof value === 'string' ? value : plainJson(value);
  },
  senml: (event) => writeSenml(event, `${event.varType}:${event.varName}`),
};

/** Compiles what a rule publishes; its form was checked. */
export function compilePayload(
  spec: PayloadSpec,
  regex: CompiledRegex | undefined,
  problems: Problems,
): BindPayload | undefined {
  if (typeof spec === 'string') {
    const builder = { build: FORMS[spec], chars: 0 };
    return () => builder;
  }
  if ('json' in spec) {
    const template = JsonTemplate.compile(spec.json, regex, problems.at('json'));
    return binder(template.hasGroups, (groups) => template.bind(groups), build);
  }
  const [key, text] = 'text' in spec ? (['text', spec.text] as const) : (['senml', spec.senml] as const);
  const template = PayloadTemplate.compile(text, regex, problems.at(key));
  if (!template) return undefined;
  if (key === 'text') return binder(template.hasGroups, (groups) => template.bindText(groups), build);
  const fault = senmlNameFault(template.sample());
  if (fault) problems.at(key).add(`invalid payload (${text}) : ${fault}`);
  return binder(template.hasGroups, (groups) => template.bindText(groups), buildNamed, refusalOfName);
}

/** Without groups, one builder serves all variables. */
function binder(
  hasGroups: boolean,
  bind: (groups: Groups) => readonly Piece[] | Unfilled,
  make: (piece: Piece) => BuildPayload,
  refusalOf?: (piece: Piece) => Refusal | undefined,
): BindPayload {
  const bindOne: BindPayload = (groups) => {
    const pieces = bind(groups);
    if ('why' in pieces) return pieces;
    const piece = joined(pieces);
    return { build: make(piece), refusal: refusalOf?.(piece), chars: hasGroups ? charsOf(pieces) : 0 };
  };
  if (hasGroups) return bindOne;
  const builder = bindOne({});
  return () => builder;
}

function build(piece: Piece): BuildPayload {
  return typeof piece === 'string' ? () => piece : piece;
}

/** A name that no event adds to is known to be wrong beforehand. */
function refusalOfName(name: Piece): Refusal | undefined {
  return typeof name === 'string' ? senmlNameRefusal(name) : undefined;
}

function buildNamed(name: Piece): BuildPayload {
  if (typeof name === 'string') return (event) => writeSenml(event, name);
  return (event) => {
    const written = name(event);
    return typeof written === 'string' ? writeSenml(event, written) : written;
  };
}
