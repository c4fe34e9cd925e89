import type { Refusal } from '@cstbox/mqtt-core';
import { convert } from './conversion.js';
import { FIELD_NAMES, fieldReader, NO_VALUE, type OutgoingEvent } from './outgoing-event.js';
import type { Problems } from './problems.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import { quote } from './quote.js';
import { type Parameter, Template, type Unfilled } from './template.js';

/** A piece of a payload: always the same, or written for each event. */
export type Piece = string | ((event: OutgoingEvent) => string | Refusal);

/** A parameter of a template in a payload: a group of the regex, or, with `read`, a part of the event. */
interface Slot extends Parameter {
  readonly read?: (event: OutgoingEvent) => unknown;
}

/** How what stands for a parameter is written. */
interface Notation {
  group(captured: string, slot: Slot): string | undefined;
  field(value: unknown, slot: Slot): string | Refusal;
}

/** A template in a payload, whose parameters are parts of the event and the regex's groups. */
export class PayloadTemplate {
  readonly #slots: readonly (string | Slot)[];

  private constructor(slots: readonly (string | Slot)[]) {
    this.#slots = slots;
  }

  /** Compiles a text; what is wrong with it goes to the problems. */
  static compile(text: string, regex: CompiledRegex | undefined, problems: Problems): PayloadTemplate | undefined {
    let template: Template;
    try {
      template = new Template(text);
    } catch (error) {
      return problems.add(`invalid payload (${text}) : ${(error as SyntaxError).message}`);
    }
    const slots = template.parts.map((part) =>
      typeof part === 'string' ? part : compileSlot(part, regex?.groups ?? NO_GROUPS, problems),
    );
    return slots.includes(undefined) ? undefined : new PayloadTemplate(slots as (string | Slot)[]);
  }

  /** Whether it needs the groups of a match. */
  get hasGroups(): boolean {
    return this.#slots.some((slot) => typeof slot !== 'string' && !slot.read);
  }

  /** The text with a 0 in each parameter's place. */
  sample(): string {
    return this.#slots.map((slot) => (typeof slot === 'string' ? slot : '0')).join('');
  }

  /** The pieces of a text: what is absent or null has none, and refuses the event. */
  bindText(groups: Groups): readonly Piece[] | Unfilled {
    return bind(this.#slots, groups, TEXT);
  }

  /** The pieces of JSON: a parameter that stands alone keeps its type and may be null; else it is a string. */
  bindJson(groups: Groups): readonly Piece[] | Unfilled {
    const [only] = this.#slots;
    if (this.#slots.length === 1 && typeof only === 'object') return bind(this.#slots, groups, JSON_VALUE);
    return this.bindString(groups);
  }

  /** The pieces of a string in JSON. */
  bindString(groups: Groups): readonly Piece[] | Unfilled {
    const pieces = this.bindText(groups);
    return 'why' in pieces ? pieces : [inQuotes(pieces)];
  }
}

const NO_GROUPS: ReadonlySet<string> = new Set();

function compileSlot(part: Parameter, groups: ReadonlySet<string>, problems: Problems): Slot | undefined {
  const { name } = part;
  const read = fieldReader(name);
  if (!groups.has(name)) {
    if (read) return { ...part, read };
    const known = [...FIELD_NAMES, ...groups].join(', ');
    return problems.add(`unknown parameter '${name}': there are ${known}`);
  }
  if (!read) return part;
  return problems.add(`'${name}' is a part of the event and a group of the regex: give the group another name`);
}

function bind(slots: readonly (string | Slot)[], groups: Groups, notation: Notation): readonly Piece[] | Unfilled {
  const pieces: Piece[] = [];
  for (const slot of slots) {
    if (typeof slot === 'string') {
      pieces.push(slot);
      continue;
    }
    const { read, name, conversion } = slot;
    if (read) {
      pieces.push((event) => notation.field(read(event), slot));
      continue;
    }
    const captured = groups[name];
    if (captured === undefined) return { why: `group '${name}' took no part in the match` };
    const written = notation.group(captured, slot);
    if (written === undefined) return { why: `group '${name}' is no number for %(${name})${conversion}` };
    pieces.push(written);
  }
  return pieces;
}

const TEXT: Notation = {
  group: (captured, { conversion }) => convert(captured, conversion),
  field(value, slot) {
    if (value === undefined || value === null) return { ...NO_VALUE, detail: `the event has no ${slot.name}` };
    const text = textOf(value);
    return slot.conversion === 's' ? text : (convert(text, slot.conversion) ?? noNumber(text, slot));
  },
};

const JSON_VALUE: Notation = {
  group(captured, { conversion }) {
    const text = convert(captured, conversion);
    return text === undefined || isNumeric(conversion) ? text : JSON.stringify(text);
  },
  field(value, slot) {
    const { conversion } = slot;
    if (value === undefined || value === null) return 'null';
    if (conversion === 's') return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
    const text = convert(textOf(value), conversion);
    if (text === undefined) return noNumber(textOf(value), slot);
    return isNumeric(conversion) ? text : JSON.stringify(text);
  },
};

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isNumeric(conversion: Parameter['conversion']): boolean {
  return conversion === 'd' || conversion === 'f';
}

function noNumber(text: string, { name, conversion }: Slot): Refusal {
  return { reason: 'not_a_number', detail: `${name} is no number for %(${name})${conversion}: ${quote(text)}` };
}

function inQuotes(pieces: readonly Piece[]): Piece {
  const write = joined(pieces);
  if (typeof write === 'string') return JSON.stringify(write);
  return (event) => {
    const text = write(event);
    return typeof text === 'string' ? JSON.stringify(text) : text;
  };
}

/** Pieces, one after the other. */
export function joined(pieces: readonly Piece[]): Piece {
  const merged = merge(pieces);
  const [first = ''] = merged;
  if (merged.length <= 1) return first;
  return (event) => {
    let text = '';
    for (const piece of merged) {
      if (typeof piece === 'string') {
        text += piece;
        continue;
      }
      const written = piece(event);
      if (typeof written !== 'string') return written;
      text += written;
    }
    return text;
  };
}

/** As few pieces as possible: neighbours that are always the same are one. */
function merge(pieces: readonly Piece[]): readonly Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') merged[merged.length - 1] = last + piece;
    else merged.push(piece);
  }
  return merged;
}

/** Characters that the pieces hold for one variable. */
export function charsOf(pieces: readonly Piece[]): number {
  return pieces.reduce<number>((sum, piece) => sum + (typeof piece === 'string' ? piece.length : 0), 0);
}
