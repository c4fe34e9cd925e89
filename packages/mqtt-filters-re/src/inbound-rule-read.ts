import type { Refusal } from '@cstbox/mqtt-core';
import { compileJmespath } from './jmespath.js';
import { compilePointer } from './json-pointer.js';
import { type EventPayload, type Payload, readJson } from './payload.js';
import type { Problems } from './problems.js';
import { quote, show } from './quote.js';
import { resolveSenml, type SenmlRecord } from './senml-pack.js';

/** The ways to read a payload that have a name. */
export const READINGS = ['auto', 'json', 'text', 'number', 'boolean', 'senml'] as const;

/** A word in a payload; a number or boolean stands for the text that it is written as. */
export type Word = string | number | boolean;

/**
 * How a payload is read.
 *
 * - `auto`: a JSON object with a key `value` gives that value, its other keys go into the event's data, `timestamp` is left
 *   out; other JSON gives its value; anything else is a text.
 * - `json`: the same, and what is no JSON is refused as `not_json`.
 * - `text`: the text as it is.
 * - `number`: as `auto`, and the value must be a number, also in a text, in decimal digits: else `not_a_number`.
 * - `boolean`: as `auto`, and the value must be `true`, `on`, `yes` or 1, `false`, `off`, `no` or 0, in any case of the
 *   letters: else `not_a_boolean`. Or with words of one's own.
 * - `senml`: a pack of SenML records (RFC 8428) of one name; of several, with the one that is named. The latest gives value
 *   and unit. What is none is refused as `not_senml`.
 * - `pointer`: what a JSON Pointer (RFC 6901) leads to; `jmespath`: what a JMESPath expression finds. Nothing, or `null`, is
 *   refused as `no_value`.
 *
 * Bytes that are no UTF-8 are refused as `not_utf8`.
 */
export type ReadSpec =
  | (typeof READINGS)[number]
  | { readonly boolean: { readonly true: readonly Word[]; readonly false: readonly Word[] } }
  | { readonly senml: string }
  | { readonly pointer: string }
  | { readonly jmespath: string };

/** Reads a payload, or says why it can't be read. */
export type Reader = (payload: Payload) => EventPayload | Refusal;

const DEFAULT_WORDS = { true: ['true', 'on', 'yes', '1'], false: ['false', 'off', 'no', '0'] };

/** Digits as people write them: no hexadecimal, no infinity, nothing empty. Each digit fits in one place only: linear. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Characters of a payload that a JMESPath expression is applied to. */
const MAX_SEARCHED = 65_536;

const NOT_UTF8: Refusal = { reason: 'not_utf8', detail: 'the payload is no UTF-8' };

/** Compiles a way to read payloads; `auto` is the filter's own, and none of these. */
export function compileRead(spec: Exclude<ReadSpec, 'auto'>, problems: Problems): Reader | undefined {
  switch (spec) {
    case 'json':
      return json((document) => readJson(document));
    case 'text':
      return ({ text }) => (text === null ? NOT_UTF8 : [text]);
    case 'number':
      return ({ content }) => (content ? toNumber(content) : NOT_UTF8);
    case 'boolean':
      return words(DEFAULT_WORDS, problems);
    case 'senml':
      return senml();
  }
  if ('boolean' in spec) return words(spec.boolean, problems.at('boolean'));
  if ('senml' in spec) return senml(spec.senml);
  return 'pointer' in spec
    ? path(compilePointer, spec.pointer, problems.at('pointer'))
    : noLargerThan(MAX_SEARCHED, path(compileJmespath, spec.jmespath, problems.at('jmespath')));
}

/** An expression may go over the document many times: only small ones are searched. */
function noLargerThan(chars: number, read: Reader | undefined): Reader | undefined {
  return (
    read &&
    ((payload) =>
      payload.text !== null && payload.text.length > chars
        ? { reason: 'unreadable', detail: `a payload of more than ${chars} characters is not searched` }
        : read(payload))
  );
}

function json(read: (document: unknown) => EventPayload | Refusal): Reader {
  return (payload) => {
    if (payload.text === null) return NOT_UTF8;
    return payload.json
      ? read(payload.json.value)
      : { reason: 'not_json', detail: `the payload is no JSON: ${quote(payload.text)}` };
  };
}

function toNumber([value, extra]: EventPayload): EventPayload | Refusal {
  const text = typeof value === 'string' ? value.trim() : '';
  const number = DECIMAL.test(text) ? Number(text) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return extra ? [number, extra] : [number];
  return { reason: 'not_a_number', detail: `no number in decimal digits: ${show(value)}` };
}

function words(given: { true: readonly Word[]; false: readonly Word[] }, problems: Problems): Reader {
  const meanings = new Map<string, boolean>();
  for (const meaning of [true, false]) {
    for (const [index, word] of given[`${meaning}`].entries()) {
      const text = normalize(word);
      if (meanings.has(text))
        problems.at(`${meaning}`, index).add(`invalid word (${show(word)}) : it stands here twice`);
      meanings.set(text, meaning);
    }
  }
  const known = [...meanings.keys()].join(', ');
  return ({ content }) => {
    if (!content) return NOT_UTF8;
    const [value, extra] = content;
    const meaning = isWord(value) ? meanings.get(normalize(value)) : undefined;
    if (meaning === undefined) return { reason: 'not_a_boolean', detail: `${show(value)} is none of ${known}` };
    return extra ? [meaning, extra] : [meaning];
  };
}

function isWord(value: unknown): value is Word {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function normalize(word: Word): string {
  return String(word).trim().toLowerCase();
}

function senml(wanted?: string): Reader {
  const refusal = (reason: string, detail: string): Refusal => ({ reason, detail });
  return json((document) => {
    const records = resolveSenml(document);
    if (typeof records === 'string') return refusal('not_senml', records);
    const found = records.filter(({ name, ownName }) => wanted === undefined || name === wanted || ownName === wanted);
    const other = found.find(({ name }) => name !== found[0]?.name);
    if (other) {
      const names = `${quote(found[0]?.name ?? '')} and ${quote(other.name)}`;
      return refusal('not_senml', `records of several names, ${names}, and the rule does not say which`);
    }
    // Of two of the same time, the one further back. One with a sum alone says nothing of the value.
    const latest = found
      .filter(({ value }) => value !== undefined)
      .reduce<SenmlRecord | undefined>((a, b) => (a === undefined || b.time >= a.time ? b : a), undefined);
    if (latest?.value === undefined) return refusal('no_value', `no record with a value${wanted ? `, ${wanted}` : ''}`);
    return latest.unit === undefined ? [latest.value] : [latest.value, { unit: latest.unit }];
  });
}

function path(
  compile: (expression: string) => (document: unknown) => unknown,
  expression: string,
  problems: Problems,
): Reader | undefined {
  let find: (document: unknown) => unknown;
  try {
    find = compile(expression);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return problems.add(`invalid expression (${show(expression)}) : ${error.message}`);
  }
  return json((document) => {
    let value: unknown;
    try {
      value = find(document);
    } catch (error) {
      return { reason: 'unreadable', detail: `${expression}: ${quote((error as Error).message)}` };
    }
    return value === undefined || value === null
      ? { reason: 'no_value', detail: `there is nothing at ${expression}` }
      : [value];
  });
}
