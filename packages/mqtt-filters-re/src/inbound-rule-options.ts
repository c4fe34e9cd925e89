import type { InboundPolicy } from '@cstbox/mqtt-core';
import { checkKeys } from './check-keys.js';
import type { Problems } from './problems.js';
import { show } from './quote.js';

/** What holds for the messages that a rule lets in, under the names that it has in a configuration. */
export interface InboundRuleOptions {
  /** What becomes of a message that the broker kept from earlier: it may be stale. */
  readonly retained?: 'ignore' | 'accept';
  /** How old a message may be by its own date, in seconds. */
  readonly max_age?: number;
  /** The field of a JSON payload that holds the date, in ms since the Epoch. */
  readonly timestamp_field?: string;
  /** The user property or field of a JSON payload that tells commands apart. */
  readonly id_field?: string;
}

const KEYS = ['retained', 'max_age', 'timestamp_field', 'id_field'] satisfies (keyof InboundRuleOptions)[];

/** Checks the options of an inbound rule. */
export function compileInboundOptions(options: unknown, problems: Problems): InboundPolicy | undefined {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return problems.add(`invalid rule (${show(options)}) : its third item, the options, is an object`);
  }
  checkKeys(options as Record<string, unknown>, KEYS, problems);
  const {
    retained,
    max_age: maxAge,
    timestamp_field: timestampField,
    id_field: idField,
  } = options as InboundRuleOptions;
  if (retained !== undefined && retained !== 'ignore' && retained !== 'accept') {
    problems.at('retained').add(`invalid option (${show(retained)}) : retained is 'ignore' or 'accept'`);
  }
  if (maxAge !== undefined && !(typeof maxAge === 'number' && maxAge > 0)) {
    problems.at('max_age').add(`invalid option (${show(maxAge)}) : max_age is a number of seconds above 0`);
  }
  for (const [key, field] of Object.entries({ timestamp_field: timestampField, id_field: idField })) {
    if (field !== undefined && (typeof field !== 'string' || field === '')) {
      problems.at(key).add(`invalid option (${show(field)}) : ${key} is the name of a field`);
    }
  }
  return toPolicy(options as InboundRuleOptions);
}

/** What the engine is told of options that were checked. */
export function toPolicy(options: InboundRuleOptions): InboundPolicy {
  const { retained, max_age: maxAge, timestamp_field: timestampField, id_field: idField } = options;
  return {
    ...(retained === undefined ? {} : { retained }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge * 1_000 }),
    ...(timestampField === undefined ? {} : { timestampField }),
    ...(idField === undefined ? {} : { idField }),
  };
}
