import { PayloadTemplate, type Piece } from './payload-pieces.js';
import type { Problems } from './problems.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import { show } from './quote.js';
import type { Unfilled } from './template.js';

/** Deeper structures are a mistake, or contain themselves. */
const MAX_DEPTH = 32;

/** A part of the JSON: text, or a template for a string or for the key of an object. */
type Part = string | { readonly template: PayloadTemplate; readonly isKey: boolean };

/** JSON with templates for strings. Whatever stands for the parameters, the result is JSON of the same structure. */
export class JsonTemplate {
  readonly #parts: readonly Part[];

  private constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  /** Compiles a structure; what is wrong with it goes to the problems. */
  static compile(structure: unknown, regex: CompiledRegex | undefined, problems: Problems): JsonTemplate {
    const parts: Part[] = [];
    for (const part of partsOf(structure, regex, problems, MAX_DEPTH)) {
      const last = parts.at(-1);
      if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
      else parts.push(part);
    }
    return new JsonTemplate(parts);
  }

  get hasGroups(): boolean {
    return this.#parts.some((part) => typeof part !== 'string' && part.template.hasGroups);
  }

  bind(groups: Groups): readonly Piece[] | Unfilled {
    const pieces: Piece[] = [];
    for (const part of this.#parts) {
      const bound = typeof part === 'string' ? [part] : bindPart(part, groups);
      if ('why' in bound) return bound;
      pieces.push(...bound);
    }
    return pieces;
  }
}

function bindPart({ template, isKey }: Exclude<Part, string>, groups: Groups): readonly Piece[] | Unfilled {
  return isKey ? template.bindString(groups) : template.bindJson(groups);
}

function* partsOf(
  structure: unknown,
  regex: CompiledRegex | undefined,
  problems: Problems,
  depth: number,
): Generator<Part> {
  if (depth === 0) return problems.add(`invalid payload : it is nested more than ${MAX_DEPTH} levels deep`);
  if (typeof structure === 'string') {
    yield* templateOf(structure, false, regex, problems);
  } else if (Array.isArray(structure)) {
    yield '[';
    for (const [index, item] of structure.entries()) {
      if (index > 0) yield ',';
      yield* partsOf(item, regex, problems.at(index), depth - 1);
    }
    yield ']';
  } else if (isPlainObject(structure)) {
    yield '{';
    for (const [index, [key, item]] of Object.entries(structure).entries()) {
      if (index > 0) yield ',';
      yield* templateOf(key, true, regex, problems.at(key));
      yield ':';
      yield* partsOf(item, regex, problems.at(key), depth - 1);
    }
    yield '}';
  } else if (structure === null || typeof structure === 'boolean' || Number.isFinite(structure)) {
    yield JSON.stringify(structure);
  } else {
    problems.add(`invalid payload (${show(structure)}) : JSON has no such value`);
  }
}

function* templateOf(
  text: string,
  isKey: boolean,
  regex: CompiledRegex | undefined,
  problems: Problems,
): Generator<Part> {
  if (!/[%{}]/.test(text)) {
    yield JSON.stringify(text);
    return;
  }
  const template = PayloadTemplate.compile(text, regex, problems);
  if (template) yield { template, isKey };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
