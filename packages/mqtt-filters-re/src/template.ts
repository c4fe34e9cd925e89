import { type Conversion, convert } from './conversion.js';
import type { Groups } from './python-regex.js';
import { Scanner } from './scanner.js';

/** A place in a template that a captured group fills. */
export interface Parameter {
  readonly name: string;
  readonly conversion: Conversion;
}

/** A parameter could not be filled in. */
export interface Unfilled {
  /** Which one, and why. */
  readonly why: string;
}

/** Makes a captured text harmless. `atStart`: it would be the first in the result. */
export type Escape = (captured: string, atStart: boolean) => string;

const LITERAL = /(?:[^%{}]|%(?![%(]))+/uy;
const DOUBLED = /%%|\{\{|\}\}/uy;
const PERCENT_PARAMETER = /%\(([^)]*)\)([sdfx])/uy;
const PERCENT_FAULT = /%\([^)]*(?:\)[-#0 +\d.]*.?)?/suy;
const BRACE_PARAMETER = /\{([^{}]*)\}/uy;

/** A text with parameters: `%(room)s`, also with `d`, `f`, `x`, or `{room}`. `%%`, `{{` and `}}` are single characters. */
export class Template {
  readonly #parts: readonly (string | Parameter)[];

  /** @throws {SyntaxError} with what is wrong, and what to write instead */
  constructor(text: string) {
    this.#parts = parse(text);
  }

  /** Its literal parts and its parameters, in their order. */
  get parts(): readonly (string | Parameter)[] {
    return this.#parts;
  }

  /** The names of the parameters. */
  get parameters(): ReadonlySet<string> {
    return new Set(this.#parts.flatMap((part) => (typeof part === 'string' ? [] : [part.name])));
  }

  /**
   * The text with the captured groups in the parameters' places.
   *
   * @param enough the rest is left out where the text has more characters: for those who refuse it then
   */
  expand(
    groups: Groups,
    sanitize: Escape = (captured) => captured,
    enough = Number.POSITIVE_INFINITY,
  ): string | Unfilled {
    let text = '';
    for (const part of this.#parts) {
      if (text.length > enough) break;
      if (typeof part === 'string') {
        text += part;
        continue;
      }
      const captured = groups[part.name];
      if (captured === undefined) return { why: `group '${part.name}' took no part in the match` };
      const converted = convert(captured, part.conversion);
      if (converted === undefined)
        return { why: `group '${part.name}' is no number for %(${part.name})${part.conversion}` };
      text += sanitize(converted, text === '');
    }
    return text;
  }

  /** The text with the same harmless character in every parameter's place: what can be checked beforehand. */
  sample(): string {
    return this.#parts.map((part) => (typeof part === 'string' ? part : '0')).join('');
  }
}

function parse(text: string): (string | Parameter)[] {
  const scanner = new Scanner(text);
  const parts: (string | Parameter)[] = [];
  let literal = '';
  while (!scanner.done) {
    const plain = scanner.take(LITERAL)?.[0] ?? scanner.take(DOUBLED)?.[0][0];
    if (plain !== undefined) {
      literal += plain;
      continue;
    }
    const [, name, conversion = 's'] = scanner.take(PERCENT_PARAMETER) ?? scanner.take(BRACE_PARAMETER) ?? [];
    if (name === undefined) throw new SyntaxError(fault(scanner));
    if (name === '') throw new SyntaxError('a parameter has a name, as in %(room)s or {room}');
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ name, conversion: conversion as Conversion });
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

function fault(scanner: Scanner): string {
  const percent = scanner.take(PERCENT_FAULT)?.[0];
  if (percent !== undefined) {
    return `unsupported parameter '${percent}': write %(name)s, or d, f, x in the place of s, or %% for a plain %`;
  }
  const brace = scanner.next();
  return `unmatched '${brace}': write {name} for a parameter, ${brace}${brace} for a plain ${brace}`;
}
