import type { Refusal } from '@cstbox/mqtt-core';
import { eventUnit, eventValue, NO_VALUE, type OutgoingEvent } from './outgoing-event.js';
import { quote, show } from './quote.js';
import { ABSOLUTE_FROM, SENML_NAME } from './senml-pack.js';
import { areCompatible, type Convert, conversion } from './unit-conversion.js';
import { type Unit, usualUnit } from './units.js';

/**
 * The units that a pack of version 10 may name, of those that are known here: without those that should not be produced
 * (RFC 8428, section 12.1; RFC 8798, section 2). The first of a dimension stands for the others.
 */
const PRIMARY = `Cel K m kg s A cd rad Hz N Pa J W As V Ohm lm lx m2 m3 m/s m/s2 m3/s W/m2 cd/m2 kg/m3 J/m B bit bit/s
/ %RH dB pH count VA VAs var vars`.split(/\s+/);

/** A unit as SenML names it, and what takes values to it. */
interface SenmlUnit {
  readonly name: string;
  readonly convert: Convert;
}

const known = new WeakMap<Unit, SenmlUnit | 'none'>();

/** SenML's unit for another one; `undefined`: there is none that is compatible. */
export function senmlUnit(unit: Unit): SenmlUnit | undefined {
  let found = known.get(unit);
  if (!found) {
    found = findPrimary(unit) ?? 'none';
    known.set(unit, found);
  }
  return found === 'none' ? undefined : found;
}

function findPrimary(unit: Unit): SenmlUnit | undefined {
  const units = PRIMARY.map((name) => [name, usualUnit(name) as Unit] as const);
  const found = units.find(([, each]) => each === unit) ?? units.find(([, each]) => areCompatible(unit, each));
  if (!found) return undefined;
  const [name, primary] = found;
  // C is SenML's name for coulomb, and too ambiguous to be one of ours.
  return { name: name === 'As' ? 'C' : name, convert: conversion(unit, primary) };
}

/** Why a text can't be a name in SenML, or `undefined` when it can. */
export function senmlNameFault(name: string): string | undefined {
  return SENML_NAME.test(name)
    ? undefined
    : 'a name in SenML holds letters, digits and -:./_, and starts with one of the former';
}

/** Why nothing can be published under a name, or `undefined`. */
export function senmlNameRefusal(name: string): Refusal | undefined {
  const fault = senmlNameFault(name);
  return fault === undefined ? undefined : { reason: 'illegal_name', detail: `${fault}: ${quote(name)}` };
}

/** A pack of one record in JSON (RFC 8428, sections 4 and 5), under a name of its own. */
export function writeSenml(event: OutgoingEvent, name: string): string | Refusal {
  const refusal = senmlNameRefusal(name);
  if (refusal) return refusal;
  const value = eventValue(event);
  if (value === undefined) return NO_VALUE;
  const field = typeof value === 'number' ? measured(value, event) : fieldOf(value);
  if (typeof field !== 'string') return field;
  const seconds = Number(event.timestamp) / 1_000;
  // The clock was not set: without a time the record is of now, with this one it would be of the far future.
  const time = seconds < ABSOLUTE_FROM ? '' : `,"t":${seconds}`;
  return `[{"n":"${name}",${field}${time}}]`;
}

function measured(value: number, event: OutgoingEvent): string | Refusal {
  const said = eventUnit(event);
  if (said === undefined || said === '') return number(value);
  const unit = typeof said === 'string' ? usualUnit(said) : undefined;
  const primary = unit && senmlUnit(unit);
  if (!primary) return { reason: 'unknown_unit', detail: `SenML has no unit for ${show(said)}` };
  const field = number(primary.convert(value));
  return typeof field === 'string' ? `"u":"${primary.name}",${field}` : field;
}

function number(value: number): string | Refusal {
  if (!Number.isFinite(value)) return { reason: 'not_a_number', detail: 'the value is beyond all numbers' };
  return `"v":${JSON.stringify(value)}`;
}

function fieldOf(value: unknown): string | Refusal {
  if (typeof value === 'string') return `"vs":${JSON.stringify(value)}`;
  if (typeof value === 'boolean') return `"vb":${value}`;
  return { reason: 'illegal_value', detail: 'SenML carries a number, a text or a boolean' };
}
