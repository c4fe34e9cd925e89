import { createRequire } from 'node:module';
import type { Refusal } from '@cstbox/mqtt-core';
import { quote } from './quote.js';
import { ambiguity, plain, similarUnits, type Unit, usualUnit } from './units.js';

/** Takes a value from one unit to another. */
export type Convert = (value: number) => number;

/** What is used of the library. */
interface Quantities {
  (unit: string): { isCompatible(other: unknown): boolean };
  swiftConverter(from: string, to: string): Convert;
}

let library: Quantities | undefined;

/** Loaded by the first rule that needs it: a box without one does not pay for it. */
function quantities(): Quantities {
  library ??= createRequire(import.meta.url)('js-quantities') as Quantities;
  return library;
}

/** A unit that a configuration names: any that the library knows. Or why it is none. */
export function findUnit(name: string): Unit | Refusal {
  const unit = usualUnit(name);
  if (unit) return unit;
  const fault = ambiguity(name.trim());
  const expression = plain(name);
  // The library takes a number for one, and an empty text.
  if (!fault && /^[A-Za-zΩ°%]/.test(expression) && isKnown(expression)) return { expression };
  return { reason: 'unknown_unit', detail: fault ?? `${quote(name)} is no unit that is known here${hint(expression)}` };
}

/** What was probably meant. */
function hint(expression: string): string {
  const near = similarUnits(expression);
  return near.length > 0 ? `: did you mean ${near.map((name) => `'${name}'`).join(' or ')}?` : '';
}

function isKnown(expression: string): boolean {
  try {
    return quantities()(expression) !== undefined;
  } catch {
    return false;
  }
}

/** Whether values of one unit can be told in another. */
export function areCompatible(from: Unit, to: Unit): boolean {
  if (from.kind !== to.kind) return false;
  if (from.expression === to.expression) return true;
  return quantities()(from.expression).isCompatible(quantities()(to.expression));
}

/** By both expressions: thousands of rules use the same few. Events bring none that are not in the table of usual units. */
const conversions = new Map<string, Convert>();

/** What takes values from one unit to another that is compatible with it. */
export function conversion(from: Unit, to: Unit): Convert {
  const pair = `${from.expression} → ${to.expression}`;
  let convert = conversions.get(pair);
  if (!convert) {
    convert = compileConversion(from, to);
    conversions.set(pair, convert);
  }
  return convert;
}

function compileConversion(from: Unit, to: Unit): Convert {
  const there = linear(from, to);
  const back = linear(to, from);
  // 1/3.6 has no end and 3.6 is exact: of the two factors, the one that is short is used.
  if (length(there.scale) <= length(back.scale)) {
    const { scale, offset } = there;
    if (offset === 0) return scale === 1 ? (value) => value : (value) => value * scale;
    return scale === 1 ? (value) => value + offset : (value) => value * scale + offset;
  }
  const { scale, offset } = back;
  return offset === 0 ? (value) => value / scale : (value) => (value - offset) / scale;
}

/** All conversions of units are linear functions; the library's results are exact to some 12 digits with an offset, else to 15. */
function linear(from: Unit, to: Unit): { scale: number; offset: number } {
  if (from.expression === to.expression) return { scale: 1, offset: 0 };
  const convert = quantities().swiftConverter(from.expression, to.expression);
  const offset = Number(convert(0).toPrecision(12));
  return offset === 0
    ? { offset, scale: Number(convert(1).toPrecision(15)) }
    : { offset, scale: Number(((convert(1_000) - convert(0)) / 1_000).toPrecision(12)) };
}

/** How long a factor is as a text; integers are the shortest. */
function length(scale: number): number {
  return Number.isInteger(scale) ? 0 : String(scale).length;
}
