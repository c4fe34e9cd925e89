import type { EventData, Refusal } from '@cstbox/mqtt-core';
import { NO_VALUE } from './outgoing-event.js';
import type { Problems } from './problems.js';
import { show } from './quote.js';
import { round } from './rounding.js';
import { areCompatible, type Convert, conversion, findUnit } from './unit-conversion.js';
import { ambiguity, type Unit, usualUnit } from './units.js';
import { fieldAt } from './when.js';

/** The unit to publish in, and that of events that name none. */
export type UnitSpec = string | { readonly from?: string; readonly to: string };

/** What a rule makes of an event's data before they are published; or why it can't. */
export type Shape = (data: EventData) => { readonly data: EventData } | { readonly refusal: Refusal };

/** What converts from the unit that an event names. */
type ConvertFrom = (said: unknown) => Convert | Refusal;

const VALUE = ['value'];
const UNIT = ['unit'];
/** Events name few units. What else they hold does not stay in memory. */
const MAX_REMEMBERED = 32;
const MAX_CHARS = 32;

const NO_UNIT: Refusal = Object.freeze({
  reason: 'unknown_unit',
  detail: 'the event names no unit; the rule may say which it is: unit: { from, to }',
});

/** Compiles the conversion and the rounding of a rule; `undefined`: data stay as they are. */
export function compileShape(
  unit: UnitSpec | undefined,
  decimals: number | undefined,
  problems: Problems,
): Shape | undefined {
  if (unit === undefined) return decimals === undefined ? undefined : (data) => ({ data: rounded(data, decimals) });
  const to = (typeof unit === 'string' ? unit : unit.to).trim();
  const convertFrom = compileUnit(to, typeof unit === 'string' ? undefined : unit.from, problems);
  if (!convertFrom) return undefined;
  return (data) => {
    const value = fieldAt(data, VALUE) ?? undefined;
    if (value === undefined) return { refusal: NO_VALUE };
    if (typeof value !== 'number') return notANumber(`${show(value)} is no number, and only numbers are converted`);
    const convert = convertFrom(fieldAt(data, UNIT));
    if (typeof convert !== 'function') return { refusal: convert };
    const converted = convert(value);
    if (!Number.isFinite(converted)) return notANumber('the value is beyond all numbers');
    return { data: { ...data, value: decimals === undefined ? converted : round(converted, decimals), unit: to } };
  };
}

function notANumber(detail: string): { readonly refusal: Refusal } {
  return { refusal: { reason: 'not_a_number', detail } };
}

/** What is no number has nothing to round. */
function rounded(data: EventData, decimals: number): EventData {
  const value = fieldAt(data, VALUE);
  return typeof value === 'number' ? { ...data, value: round(value, decimals) } : data;
}

function compileUnit(to: string, from: string | undefined, problems: Problems): ConvertFrom | undefined {
  const target = checkUnit(to, problems);
  const source = from === undefined ? undefined : checkUnit(from, problems);
  if (!target || (from !== undefined && !source)) return undefined;
  if (source && !areCompatible(source, target)) {
    return problems.add(`invalid unit (${show({ from, to })}) : ${from} can't be told in ${to}`);
  }
  const remembered = new Map<string, Convert | Refusal>();
  return (said) => {
    if (said === undefined || said === null || said === '') return source ? conversion(source, target) : NO_UNIT;
    if (typeof said !== 'string' || said.length > MAX_CHARS) return unknownUnit(said);
    let found = remembered.get(said);
    if (found === undefined) {
      found = find(said);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(said, found);
    }
    return found;
  };

  function find(said: string): Convert | Refusal {
    const unit =
      usualUnit(said) ?? [[to, target] as const, [from, source] as const].find(([name]) => name === said)?.[1];
    if (!unit) return unknownUnit(said);
    if (areCompatible(unit, target as Unit)) return conversion(unit, target as Unit);
    return { reason: 'incompatible_unit', detail: `${show(said)} can't be told in ${to}` };
  }
}

function unknownUnit(said: unknown): Refusal {
  const why = typeof said === 'string' ? ambiguity(said.trim()) : undefined;
  return { reason: 'unknown_unit', detail: why ?? `${show(said)} is no unit that is known here` };
}

function checkUnit(name: string, problems: Problems): Unit | undefined {
  const unit = findUnit(name);
  return 'reason' in unit ? problems.add(`invalid unit (${name}) : ${unit.detail}`) : unit;
}
