import { isObject } from './payload.js';

/** A record of a SenML pack with everything that the records before it said. */
export interface SenmlRecord {
  /** The base name and the record's own. */
  readonly name: string;
  /** The record's own name. */
  readonly ownName: string;
  /** `undefined`: it has none, a sum for instance. Data (`vd`) are the text that encodes them, in base64url. */
  readonly value: number | string | boolean | undefined;
  readonly unit: string | undefined;
  /** Seconds since the Epoch. */
  readonly time: number;
}

/** The version that is understood; a pack of a later one may mean something else (RFC 8428, section 4.4). */
const VERSION = 10;

/** Seconds from which on a time is absolute; below it is relative to now (RFC 8428, section 4.5.3). */
export const ABSOLUTE_FROM = 2 ** 28;

const VALUES: ReadonlySet<string> = new Set(['v', 'vs', 'vb', 'vd']);

/** What a name is made of (RFC 8428, section 4.5.1). */
export const SENML_NAME = /^[A-Za-z0-9][-A-Za-z0-9:./_]*$/;

/** The type that a label has where it is there (RFC 8428, section 4.3). */
const TYPES = new Map([
  ...['bn', 'bu', 'n', 'u', 'vs', 'vd'].map((label) => [label, 'string'] as const),
  ...['bt', 'bv', 'bs', 'bver', 'v', 's', 't', 'ut'].map((label) => [label, 'number'] as const),
  ['vb', 'boolean'],
]);

interface RawRecord {
  bn?: string;
  bt?: number;
  bu?: string;
  bv?: number;
  bver?: number;
  n?: string;
  u?: string;
  v?: number;
  vs?: string;
  vb?: boolean;
  vd?: string;
  t?: number;
}

/**
 * Resolves the records of a SenML pack in JSON (RFC 8428): names, units, times and values with what the bases add.
 *
 * @returns the records in their order; a text: why it is no pack
 */
export function resolveSenml(pack: unknown, now: number = Date.now()): SenmlRecord[] | string {
  if (!Array.isArray(pack)) return 'a SenML pack is a list of records';
  const records: SenmlRecord[] = [];
  let base: RawRecord = {};
  for (const [index, given] of pack.entries()) {
    const record = readRecord(given);
    if (typeof record === 'string') return `record ${index}: ${record}`;
    base = { ...base, ...record };
    if ((base.bver ?? VERSION) > VERSION) return `record ${index}: version ${base.bver} is not understood`;
    if (Object.keys(record).every((label) => label.startsWith('b'))) continue;
    const { n: ownName = '', u: unit = base.bu, t = 0, v, vs, vb, vd } = record;
    const name = `${base.bn ?? ''}${ownName}`;
    if (!SENML_NAME.test(name)) return `record ${index}: its name is empty or holds what no name may hold`;
    const value = v === undefined ? (vs ?? vb ?? vd) : v + (base.bv ?? 0);
    if (typeof value === 'number' && !Number.isFinite(value)) return `record ${index}: its value is beyond all numbers`;
    const time = (base.bt ?? 0) + t;
    records.push({ name, ownName, value, unit, time: time < ABSOLUTE_FROM ? now / 1_000 + time : time });
  }
  return records;
}

/** What a record says under the labels that are known; or why it is none. */
function readRecord(given: unknown): RawRecord | string {
  if (!isObject(given)) return 'it is no object';
  const record: Record<string, unknown> = {};
  let values = 0;
  for (const [label, value] of Object.entries(given)) {
    const type = TYPES.get(label);
    if (type === undefined) {
      // A label that ends so changes the meaning of the others: who does not know it must not use the pack.
      if (label.endsWith('_')) return 'it has a label that must be understood, and is not';
      continue;
    }
    if (type === 'number' ? !Number.isFinite(value) : typeof value !== type) return `its '${label}' is no ${type}`;
    if (VALUES.has(label) && ++values > 1) return 'it has several values';
    record[label] = value;
  }
  return record;
}
